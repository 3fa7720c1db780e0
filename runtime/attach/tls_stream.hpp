#pragma once

#include "runtime/attach/secret.hpp"
#include "runtime/descriptor.hpp"

#include <theus/engine.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace theus {

/// Certificate, key and CA of one side, loaded. TLS 1.3 only, so that there are neither anonymous ciphers nor
/// renegotiation; the other side must show a certificate of that CA, and a client insists that an engine's names the
/// host by which it was reached. Immutable.
class TlsContext {
public:
  /// Errors: bad_argument for what is missing, unreadable, expired or does not fit together, and for a key that others
  /// may read.
  static Result<std::shared_ptr<const TlsContext>> load(const TlsOptions& options, AttachRole role);

  struct Library;  ///< OpenSSL's
  TlsContext(std::unique_ptr<Library> library, AttachRole role) noexcept;
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  const Library& library() const noexcept { return *library_; }
  AttachRole role() const noexcept { return role_; }

private:
  const std::unique_ptr<Library> library_;
  const AttachRole role_;
};

/// One end of a TLS connection over a non-blocking socket. Never blocks. A thread that uses it must block SIGPIPE.
class TlsStream {
public:
  enum class Outcome : std::uint8_t { done, wants_read, wants_write, gone };

  /// `host`: of the engine, for a client. Errors: resource_exhausted.
  static Result<TlsStream> make(std::shared_ptr<const TlsContext> context, Descriptor socket, const std::string& host);
  TlsStream(TlsStream&&) noexcept;
  TlsStream& operator=(TlsStream&&) = delete;
  ~TlsStream();

  /// Until it is done nobody is known, and nothing else may be called.
  Outcome shake_hands();
  /// At least one byte when done.
  Outcome read(std::span<std::byte> into, std::size_t& got);
  Outcome write(std::span<const std::byte> bytes, std::size_t& put);
  /// Tells the other side that nothing more comes, if there is room.
  void say_end() noexcept;

  /// Known to both ends of this connection and to nobody else (RFC 5705).
  std::optional<Secret> shared_secret() const;
  /// Why it is gone; nothing when the other side just left.
  const std::optional<Error>& fault() const noexcept { return fault_; }
  int number() const noexcept { return socket_.number(); }

private:
  struct Library;
  TlsStream(std::shared_ptr<const TlsContext> context, Descriptor socket, std::unique_ptr<Library> library) noexcept;
  Outcome outcome_of(int returned);

  std::shared_ptr<const TlsContext> context_;
  Descriptor socket_;
  std::unique_ptr<Library> library_;
  std::optional<Error> fault_;
};

}  // namespace theus

#pragma once

// The files by which a running engine is found in an attach folder:
//   engine-PID[-N]         its socket
//   engine-PID[-N].token   64 hexadecimal digits, mode 0600; the engine holds a lock (flock) on it while it runs
//
// Invariants: (1) Who holds the lock of a token owns both names; without the lock nothing is removed. (2) A lock counts
// only while the name still leads to the locked file. (3) The socket appears after the token was written and goes
// before it. The kernel gives up the lock with the process, so what a killed engine left behind is known for certain,
// also when its process id is in use again.

#include "runtime/attach/folder.hpp"
#include "runtime/attach/packet_socket.hpp"
#include "runtime/attach/secret.hpp"

namespace theus {

/// The entry of this engine; gone with it, and with it the folder if it was made for it.
class EngineEntry {
public:
  /// Clears away what killed engines left behind, and enters this one. Errors: those of AttachFolder and
  /// PacketListener; bad_argument when something that is no entry stands in the way.
  static Result<EngineEntry> make(const std::filesystem::path& folder);
  EngineEntry(EngineEntry&&) noexcept = default;
  EngineEntry& operator=(EngineEntry&&) = delete;
  ~EngineEntry();

  const Secret& token() const noexcept { return token_; }
  PacketListener& listener() noexcept { return listener_; }
  /// `unix:` and the absolute path of the socket.
  std::string handle() const;

private:
  static Result<EngineEntry> enter(AttachFolder folder, std::string name, Descriptor lock);
  EngineEntry(AttachFolder folder, std::string name, Descriptor lock, const Secret& token, PacketListener listener,
              FileIdentity socket) noexcept;

  AttachFolder folder_;
  std::string name_;
  Descriptor lock_;
  Secret token_;
  PacketListener listener_;
  FileIdentity socket_;
};

inline constexpr std::string_view handle_scheme = "unix:";

/// The sockets of the engines that run, by name.
std::vector<std::string> running_engines(const AttachFolder& folder);

/// The token of an entry. Errors: owner_down when there is none; join_refused for a file that is not ours alone.
Result<Secret> read_token(const AttachFolder& folder, const std::string& name);

}  // namespace theus

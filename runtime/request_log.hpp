#pragma once

#include <theus/value.hpp>
#include <theus/version.hpp>
#include <theus/write.hpp>

#include <deque>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>

namespace theus {

/// What its sender calls a request, so that a repetition is told from a new one.
struct Request {
  std::string id;
  std::uint64_t fingerprint = 0;  ///< of its contents: the same id for something else is a mistake
  Value value{};                  ///< what the caller is answered besides the version

  static constexpr std::size_t id_bytes_max = 255;
};

/// A hash over what a compare-and-swap asks for.
std::uint64_t fingerprint_of(Version base, std::span<const Write> writes);
/// As above, of a call.
std::uint64_t fingerprint_of(std::string_view process, const Value& arguments);
/// Refuses (bad_argument) an id that is too long.
Status check_request_id(std::string_view id);

/// What became of the newest requests. Belongs to the holder of the commit turn.
class RequestLog {
public:
  struct Outcome {
    std::uint64_t fingerprint;
    Version version;
    Value value;
  };

  explicit RequestLog(std::size_t kept_max) : kept_max_(kept_max) {}

  /// nullptr for a request that has not been committed, or too long ago. Refuses (bad_argument) an id that is too long,
  /// or was used for something else.
  Result<const Outcome*> find(const Request& request) const;

  /// Makes place for one more, so that settle() cannot fail. May throw bad_alloc: then nothing was prepared.
  void prepare(const Request& request);
  /// The oldest goes when there are more than kept_max. REQUIRES: prepare(request) came before, nothing in between.
  void settle(const Request& request, Version version) noexcept;
  void abandon(const Request& request) noexcept;
  /// As if requests that became later versions had not been.
  void forget_after(Version version) noexcept;

private:
  const std::size_t kept_max_;
  std::unordered_map<std::string, Outcome> outcomes_;
  std::deque<std::string> order_;  // oldest first
};

}  // namespace theus

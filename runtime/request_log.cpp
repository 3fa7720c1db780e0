#include "runtime/request_log.hpp"

namespace theus {

std::uint64_t fingerprint_of(Version base, std::span<const Write> writes) {
  // FNV-1a over the parts' own hashes.
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  const auto add = [&](std::uint64_t word) { hash = (hash ^ word) * 0x100000001b3ULL; };
  add(base);
  for (const Write& write : writes) {
    add(static_cast<std::uint64_t>(write.kind));
    add(write.path.hash());
    add(write.value.hash());
    add(write.position);
    add(write.removed);
  }
  return hash;
}

std::uint64_t fingerprint_of(std::string_view process, const Value& arguments) {
  return key_hash(process) ^ arguments.hash();
}

Status check_request_id(std::string_view id) {
  if (id.size() > Request::id_bytes_max)
    return Error{
        Errc::bad_argument, "request id",
        "it has " + std::to_string(id.size()) + " bytes, the limit is " + std::to_string(Request::id_bytes_max),
        "Use a shorter one, such as a UUID"};
  return {};
}

Result<const RequestLog::Outcome*> RequestLog::find(const Request& request) const {
  if (auto fit = check_request_id(request.id); !fit)
    return fit.error();
  const auto found = outcomes_.find(request.id);
  if (found == outcomes_.end())
    return nullptr;
  const Outcome& known = found->second;
  if (known.fingerprint != request.fingerprint)
    return Error{Errc::bad_argument, "request id '" + request.id + "'",
                 "it was used for another request, which became version " + std::to_string(known.version),
                 "Use a new id for each request, and the same one only to repeat it"};
  return &known;
}

void RequestLog::prepare(const Request& request) {
  order_.push_back(request.id);
  outcomes_.try_emplace(request.id, Outcome{request.fingerprint, 0, request.value});
}

void RequestLog::settle(const Request& request, Version version) noexcept {
  outcomes_.find(request.id)->second.version = version;
  if (order_.size() > kept_max_) {
    outcomes_.erase(order_.front());
    order_.pop_front();
  }
}

void RequestLog::abandon(const Request& request) noexcept {
  outcomes_.erase(request.id);
  order_.pop_back();
}

void RequestLog::forget_after(Version version) noexcept {
  for (; !order_.empty(); order_.pop_back()) {
    const auto newest = outcomes_.find(order_.back());
    if (newest->second.version <= version)
      return;
    outcomes_.erase(newest);
  }
}

}  // namespace theus

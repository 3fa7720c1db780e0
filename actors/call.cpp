#include "actors/call.hpp"

namespace theus::actors {

Call::Call(ProcessPtr process, Value arguments, Deadline begun, Deadline deadline, std::uint64_t id, Answer answer,
           std::string request_id)
    : process_(std::move(process)),
      arguments_(std::move(arguments)),
      begun_(begun),
      deadline_(deadline),
      id_(id),
      answer_(std::move(answer)),
      request_id_(std::move(request_id)),
      state_{.cancelled = false, .run_cancelled = nullptr, .progress = process_->progress} {
  process_->running.fetch_add(1, std::memory_order_relaxed);
}

Call::~Call() { process_->running.fetch_sub(1, std::memory_order_release); }

std::optional<Request> Call::request(const Value& value) const {
  if (request_id_.empty())
    return std::nullopt;
  return Request{request_id_, fingerprint_of(process_->definition.name, arguments_), value};
}

void Call::finish(Result<Executed> result) {
  if (move(Phase::running, Phase::done) || move(Phase::committing, Phase::done))
    answer_(std::move(result));
}

bool Call::expire(std::chrono::steady_clock::time_point now) {
  if (!move(Phase::running, Phase::expired))
    return false;
  using std::chrono::milliseconds;
  state_.cancelled.store(true, std::memory_order_relaxed);
  const auto limit = std::chrono::duration_cast<milliseconds>(deadline_ - begun_).count();
  const auto elapsed = std::chrono::duration_cast<milliseconds>(now - begun_).count();
  answer_(Error{Errc::deadline, "'" + process_->definition.name + "'",
                "no commit within " + std::to_string(limit) + " ms; nothing was written",
                "Raise its timeout, or let its body look at ctx.is_cancelled()"}
              .with("limit", limit)
              .with("elapsed", elapsed));
  return true;
}

bool Call::is_over() const noexcept {
  const Phase phase = phase_.load();
  return phase == Phase::done || phase == Phase::expired;
}

}  // namespace theus::actors

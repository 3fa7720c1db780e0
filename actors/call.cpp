#include "actors/call.hpp"

namespace theus::actors {

void CallCounters::add(const Result<Executed>& result, std::chrono::nanoseconds took) noexcept {
  const auto count = [](std::atomic<std::uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); };
  count(result ? succeeded : failed);
  if (!result && result.error().code() == Errc::deadline)
    count(expired);
  if (!result && result.error().code() == Errc::cancelled)
    count(cancelled);
  latency.add(took);
}

Call::Call(ProcessPtr process, Value arguments, const Clock& clock, Deadline deadline, std::uint64_t id, Answer answer,
           std::string request_id)
    : process_(std::move(process)),
      arguments_(std::move(arguments)),
      clock_(clock),
      begun_(clock.now()),
      deadline_(deadline),
      id_(id),
      answer_(std::move(answer)),
      request_id_(std::move(request_id)),
      state_{.cancelled = false, .run_cancelled = nullptr, .progress = process_->progress} {
  process_->counters.running.fetch_add(1, std::memory_order_relaxed);
}

Call::~Call() { process_->counters.running.fetch_sub(1, std::memory_order_release); }

void Call::answer(Result<Executed> result) {
  process_->counters.add(result, clock_.now() - begun_);
  answer_(std::move(result));
}

bool Call::retry() noexcept {
  process_->counters.conflicts.fetch_add(1, std::memory_order_relaxed);
  return move(Phase::committing, Phase::running);
}

std::optional<Request> Call::request(const Value& value) const {
  if (request_id_.empty())
    return std::nullopt;
  return Request{request_id_, fingerprint_of(process_->definition.name, arguments_), value};
}

void Call::finish(Result<Executed> result) {
  if (move(Phase::running, Phase::done) || move(Phase::committing, Phase::done))
    answer(std::move(result));
}

bool Call::expire(std::chrono::steady_clock::time_point now) {
  if (!move(Phase::running, Phase::expired))
    return false;
  using std::chrono::milliseconds;
  state_.cancelled.store(true, std::memory_order_relaxed);
  const auto limit = std::chrono::round<milliseconds>(deadline_ - begun_).count();
  const auto elapsed = std::chrono::duration_cast<milliseconds>(now - begun_).count();
  answer(Error{Errc::deadline, "'" + process_->definition.name + "'",
               "no commit within " + std::to_string(limit) + " ms; nothing was written",
               "Raise its timeout, or let its body look at ctx.is_cancelled()"}
             .with("limit", limit)
             .with("elapsed", elapsed));
  return true;
}

bool Call::cancel() {
  if (!move(Phase::running, Phase::expired))
    return false;
  state_.cancelled.store(true, std::memory_order_relaxed);
  answer(Error{Errc::cancelled, "'" + process_->definition.name + "'", "its caller cancelled it; nothing was written",
               "Call it again"}
             .with("names", Value::list({Value{process_->definition.name}})));
  return true;
}

bool Call::is_over() const noexcept {
  const Phase phase = phase_.load();
  return phase == Phase::done || phase == Phase::expired;
}

}  // namespace theus::actors

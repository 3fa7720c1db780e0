#pragma once

#include "runtime/clock.hpp"
#include "runtime/execution.hpp"
#include "runtime/latency_histogram.hpp"

#include <theus/engine.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stop_token>

namespace theus::actors {

using Deadline = std::chrono::steady_clock::time_point;

/// What became of the calls of one process. Thread-safe.
struct CallCounters {
  std::atomic<std::uint64_t> succeeded{0};
  std::atomic<std::uint64_t> failed{0};
  std::atomic<std::uint64_t> expired{0};
  std::atomic<std::uint64_t> cancelled{0};
  std::atomic<std::uint64_t> conflicts{0};
  std::atomic<int> running{0};
  LatencyHistogram latency;

  void add(const Result<Executed>& result, std::chrono::nanoseconds took) noexcept;
};

/// A process as the engine knows it: immutable but for its counters, which pollers read.
struct RegisteredProcess {
  Process definition;
  std::shared_ptr<const Contract> contract;
  std::shared_ptr<ProgressGauge> progress = std::make_shared<ProgressGauge>();
  mutable CallCounters counters;
};

using ProcessPtr = std::shared_ptr<const RegisteredProcess>;

/// One call of a process, shared by its caller and the actor that runs it. Thread-safe.
///
/// Phases: running -> committing -> done, back to running after a conflict; or running -> expired, when the deadline
/// came first. Whoever ends the call answers it; once it has expired, nothing of it can be committed any more.
class Call {
public:
  using Answer = std::function<void(Result<Executed>)>;

  /// The clock, which says when the call begins and ends, must outlive it.
  Call(ProcessPtr process, Value arguments, const Clock& clock, Deadline deadline, std::uint64_t id, Answer answer,
       std::string request_id = {});
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  const RegisteredProcess& process() const noexcept { return *process_; }
  const Value& arguments() const noexcept { return arguments_; }
  Deadline deadline() const noexcept { return deadline_; }
  std::uint64_t id() const noexcept { return id_; }
  CallState& state() noexcept { return state_; }
  /// As which the commit of this call is remembered, if its caller wants that.
  std::optional<Request> request(const Value& value) const;

  /// False when the call has expired: nobody wants the result.
  bool begin_commit() noexcept { return move(Phase::running, Phase::committing); }
  bool retry() noexcept;
  void finish(Result<Executed> result);
  /// Answers `deadline`, unless a commit is under way or the call is over. Returns whether it did.
  bool expire(std::chrono::steady_clock::time_point now);
  /// Answers `cancelled`, under the same condition.
  bool cancel();
  /// From now on a request to stop cancels the call.
  void cancel_with(const std::stop_token& token) {
    stopper_.emplace(token, [this] { cancel(); });
  }
  bool is_over() const noexcept;

private:
  enum class Phase : std::uint8_t { running, committing, done, expired };

  bool move(Phase from, Phase to) noexcept { return phase_.compare_exchange_strong(from, to); }
  void answer(Result<Executed> result);

  const ProcessPtr process_;
  const Value arguments_;
  const Clock& clock_;
  const Deadline begun_;
  const Deadline deadline_;
  const std::uint64_t id_;
  const Answer answer_;
  const std::string request_id_;
  CallState state_;
  std::atomic<Phase> phase_{Phase::running};
  std::optional<std::stop_callback<std::function<void()>>> stopper_;  // written before anybody else knows the call
};

using CallPtr = std::shared_ptr<Call>;

}  // namespace theus::actors

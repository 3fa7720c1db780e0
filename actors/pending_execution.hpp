#pragma once

#include "actors/call.hpp"
#include "actors/core.hpp"

#include <condition_variable>
#include <mutex>

namespace theus {

/// The one result of an asynchronous execution, and who wants it: a waiting thread or a continuation. Thread-safe.
struct PendingExecution::State {
  State(actors::CorePtr engine, Executor wanted) : core(std::move(engine)), executor(std::move(wanted)) {}

  void settle(Result<Executed> given);
  /// Whether it is settled by then.
  bool wait_until(std::chrono::steady_clock::time_point deadline);
  /// Waits until it is settled. Past the deadline the call expires, unless its commit is on the way; that one ends at
  /// once, or the engine failed.
  void wait();
  /// REQUIRES: it is settled.
  Result<Executed> take();
  /// Runs `next` once it is settled: now, or later on the executor.
  void follow(std::function<void()> next);

  const actors::CorePtr core;
  const Executor executor;
  std::weak_ptr<actors::Call> call;  // written before anybody else knows of this

  std::mutex mutex;
  std::condition_variable settled;
  std::optional<Result<Executed>> result;  // guarded by mutex
  std::function<void()> following;         // guarded by mutex
};

}  // namespace theus

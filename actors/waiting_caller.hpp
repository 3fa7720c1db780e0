#pragma once

#include "actors/call.hpp"
#include "actors/core.hpp"

#include <condition_variable>
#include <mutex>

namespace theus::actors {

/// The thread that waits for a call of an isolated body. It does itself what an actor would do for it: hands the call
/// to a worker, holds the answer to the contract, and commits. So a call costs two packets and one waking, and no
/// message. Thread-safe.
class WaitingCaller : public std::enable_shared_from_this<WaitingCaller> {
public:
  /// Makes the first attempt, on the calling thread. Returns how many were made when an actor has to go on, or nothing:
  /// then the call is over. REQUIRES: whoever ends the call says so to call_is_over().
  std::optional<int> run(const CorePtr& core, const CallPtr& call);
  void call_is_over();

private:
  void take(Result<WorkerAnswer> answer);
  /// Nothing when the call is over, or its time is.
  std::optional<Result<WorkerAnswer>> wait_until(Deadline deadline);

  std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::optional<Result<WorkerAnswer>> answer_;
  bool is_over_ = false;
};

}  // namespace theus::actors

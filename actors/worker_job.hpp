#pragma once

#include "actors/worker_pool.hpp"
#include "runtime/child_process.hpp"
#include "shm/arena.hpp"

#include <optional>

namespace theus::actors {

/// One attempt of an isolated body, from its call to its answer. Belongs to the pool.
struct WorkerJob {
  CallPtr call;
  std::vector<std::byte> body;
  WorkerPool::Answer answer;
  std::vector<shm::Hold> buffers{};  // that the worker may read: kept until there is an answer
  LogEntry heading{};                // who logs
  int deaths = 0;
  std::size_t logged = 0;
  std::optional<std::chrono::steady_clock::time_point> told_to_stop{};

  const std::string& name() const noexcept { return call->process().definition.name; }
  bool is_unwanted() const noexcept { return call->is_over() || call->state().is_cancelled(); }

  WorkerJob(CallPtr from, const ExecutionStart& start, std::vector<std::byte> message, WorkerPool::Answer whom);
};

/// Why a job has no result.
Error no_longer_wanted(const WorkerJob& job);
Error worker_died(const WorkerJob& job, pid_t pid, const ChildEnd& end);
Error never_ready(pid_t pid, const ChildEnd& end);
Error pool_closed();

}  // namespace theus::actors

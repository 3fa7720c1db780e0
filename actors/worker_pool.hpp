#pragma once

#include "actors/call.hpp"
#include "runtime/isolated/handles.hpp"

#include <theus/heavy.hpp>
#include <theus/isolated.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace theus::actors {

/// What a worker answered: the body of its answer, to be decoded by whoever asked, or why there is none.
struct WorkerAnswer {
  bool is_done = false;  ///< false: `body` tells of an error
  std::vector<std::byte> body;
  std::vector<HandleSwap> built{};  ///< the handles in it of buffers that the worker built, and the engine's
};

class WorkerDesk;

/// The worker processes of one engine, and the calls that they run.
///
///   waiting -> given to a worker -> answered
///      ^              | the worker died first: WorkerOptions::deaths_max times at most
///      +--------------+
///
/// One thread, started with the first call, hears what workers say, notices their deaths and deadlines, and starts
/// others; a call is handed to an idle worker by the thread that brings it. Nobody waits for a worker but that thread.
/// Whoever is told of an answer is told by it, and must return soon. Thread-safe.
class WorkerPool {
public:
  using Answer = std::function<void(Result<WorkerAnswer>)>;

  /// The log gets what bodies write with ctx.log(), and why workers ended.
  WorkerPool(WorkerOptions options, std::uint64_t seed, AccessOptions access, const HeavyZone& heavy, LogSink log);
  /// As close().
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Runs one attempt. `answer` comes once, from another thread or from within. The start's snapshot is not kept.
  void run(const CallPtr& call, const ExecutionStart& start, Answer answer);

  /// Kills all workers and answers what they had, and what waits, with `closed`. Idempotent.
  void close();

  struct Load {
    std::size_t workers = 0;
    std::size_t running = 0;
    std::size_t waiting = 0;
    std::uint64_t deaths = 0;  ///< of workers, in all, those that were killed among them
  };
  Load load() const;

private:
  const std::shared_ptr<WorkerDesk> desk_;
};

}  // namespace theus::actors

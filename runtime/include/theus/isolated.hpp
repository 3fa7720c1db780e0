#pragma once

#include <theus/result.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace theus {

class Engine;

/// Of the processes (of the operating system) that run the bodies of processes declared `isolated`. They are started
/// when they are needed, and live until the engine is shut down or something goes wrong with them.
struct WorkerOptions {
  /// Workers at a time; calls beyond them wait for one. 0: as many as the machine has cores.
  std::size_t count_max = 0;
  /// Address space of one worker. Beyond it allocations fail: the call ends with `resource_exhausted`, and the worker
  /// is replaced. 0: no limit of its own.
  std::uint64_t memory_bytes_max = 0;
  /// Processor time of one call, all threads of the worker together; beyond it the worker is killed. 0: no limit.
  std::chrono::seconds processor_time_max{0};
  /// How long a body may go on after it was told to stop, by its deadline or its caller, before its worker is killed.
  std::chrono::milliseconds grace{200};
  /// How long a worker may take until it is ready.
  std::chrono::milliseconds start_timeout{10'000};
  /// Workers that one call may cost: it is given to another one when its worker dies before the answer, and answered
  /// with `worker_died` after so many. Bodies may therefore run more than once, as they do after conflicts.
  int deaths_max = 3;
  /// How a worker is started: program and arguments. Empty: this program again, which must call serve_if_worker().
  std::vector<std::string> command{};
};

/// Lets this program run as a worker of itself: to be called at the top of main(), before engines are built and
/// anything else is done.
///
///   theus::Status processes(theus::Engine& engine) { return engine.register_process({...}); }
///   int main() {
///     theus::serve_if_worker(processes);
///     theus::Engine engine;
///     processes(engine).value();
///
/// In the program itself it returns at once. In a worker, which the engine starts with the same program, it registers
/// the processes, runs bodies for the engine that started it, and ends the process: it never returns. Without it,
/// processes that are `isolated` cannot be registered. What `registration` registers must not depend on anything else
/// that main() does; a body that the worker declares differently from the engine, or does not know, is refused.
void serve_if_worker(const std::function<Status(Engine&)>& registration);

}  // namespace theus

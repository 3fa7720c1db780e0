#include "actors/worker_job.hpp"

namespace theus::actors {

WorkerJob::WorkerJob(CallPtr from, const ExecutionStart& start, std::vector<std::byte> message, WorkerPool::Answer whom)
    : call(std::move(from)), body(std::move(message)), answer(std::move(whom)) {
  heading.process = start.contract->name();
  heading.execution = start.id;
  heading.version = start.snapshot.version();
  heading.time = start.time;
}

Error no_longer_wanted(const WorkerJob& job) {
  return Error{Errc::cancelled, "'" + job.name() + "'", "it was told to stop and did not; its worker was killed",
               "Nothing of this execution was committed; let the body look at ctx.is_cancelled()"};
}

Error worker_died(const WorkerJob& job, pid_t pid, const ChildEnd& end) {
  Error error{Errc::worker_died, "'" + job.name() + "'",
              "its worker died, " + std::to_string(job.deaths) + " of them in all; the last one, process " +
                  std::to_string(pid) + ", ended with " + end.text(),
              "Nothing of this execution was committed; look at what the body does with these arguments"};
  error.set("pid", pid).set("deaths", job.deaths);
  if (end.kind == ChildEnd::Kind::killed)
    error.set("signal", end.number);
  if (end.kind == ChildEnd::Kind::exited)
    error.set("exit", end.number);
  return error;
}

Error never_ready(pid_t pid, const ChildEnd& end) {
  return Error{Errc::worker_died, "isolated processes",
               "no worker becomes ready; the last one, process " + std::to_string(pid) + ", ended with " + end.text(),
               "Look at its standard error above; does the program call serve_if_worker() first?"}
      .with("pid", pid);
}

Error pool_closed() {
  return {Errc::closed, "isolated processes", "the engine was shut down", "Create another engine"};
}

}  // namespace theus::actors

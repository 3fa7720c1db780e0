#include "actors/worker.hpp"

#include "actors/child_mark.hpp"
#include "actors/worker_service.hpp"

#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>

namespace theus::actors {
namespace {

constexpr std::chrono::seconds end_of_killed_max{10};

/// The limit that the kernel sends SIGXCPU for, which ends a process that does not look for it.
void allow_processor_time(pid_t pid, std::chrono::seconds more) {
  clockid_t clock{};
  timespec used{};
  if (::clock_getcpuclockid(pid, &clock) != 0 || ::clock_gettime(clock, &used) != 0)
    return;
  // A second that has begun counts as a whole one.
  const rlimit limit{static_cast<rlim_t>(used.tv_sec + 1 + more.count()), RLIM_INFINITY};
  ::prlimit(pid, RLIMIT_CPU, &limit, nullptr);
}

}  // namespace

Result<std::unique_ptr<Worker>> Worker::start(const WorkerOptions& options, std::span<const std::byte> terms) {
  auto made = make_worker_page();
  if (!made)
    return made.error();
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return Error{Errc::resource_exhausted, "a worker's socket", std::generic_category().message(errno),
                 "Free descriptors, or raise their limit"};
  Descriptor ours{ends[0]};
  const Descriptor theirs{ends[1]};
  ChildPlan plan = own_program(worker_mark());
  if (!options.command.empty())
    plan = {.command = options.command, .environment = std::move(plan.environment)};
  plan.descriptors = {theirs.number(), made->file.number()};
  plan.memory_bytes_max = options.memory_bytes_max;
  auto child = ChildProcess::start(plan);
  if (!child)
    return child.error();
  if (auto told = send_message(ours.number(), PacketKind::terms, terms); !told)
    return told.error();
  return std::unique_ptr<Worker>{new Worker{*std::move(child), std::move(ours), std::move(made->page)}};
}

Status Worker::give(std::span<const std::byte> call, std::span<const PassedBuffer> buffers,
                    std::chrono::seconds processor_time_max) {
  page_->cancelled.store(false);
  page_->progress.done.store(0, std::memory_order_relaxed);
  page_->progress.total.store(0, std::memory_order_relaxed);
  if (processor_time_max.count() > 0)
    allow_processor_time(pid(), processor_time_max);
  return send_message(socket(), PacketKind::call, call, buffers);
}

Result<std::optional<WorkerMessage>> Worker::next_message(WorkerMessageReader& reader) {
  return reader.next(socket(), MSG_DONTWAIT);
}

ChildEnd Worker::end() {
  child_.kill();
  return child_.wait(end_of_killed_max).value_or(ChildEnd{});
}

}  // namespace theus::actors

#pragma once

#include "runtime/child_process.hpp"
#include "runtime/isolated/packets.hpp"
#include "runtime/isolated/page.hpp"

#include <theus/isolated.hpp>

namespace theus::actors {

/// One worker: its process, its socket and the page that both sides see. Knows no call. Sending is for whoever holds
/// the pool's lock, everything else for the pool's thread.
class Worker {
public:
  /// Starts the process and tells it the terms. Refuses what cannot be started.
  static Result<std::unique_ptr<Worker>> start(const WorkerOptions& options, std::span<const std::byte> terms);

  pid_t pid() const noexcept { return child_.pid(); }
  int socket() const noexcept { return socket_.number(); }
  int watched() const noexcept { return child_.watched(); }
  WorkerPage& page() const noexcept { return *page_; }

  /// Hands it a call and the buffers that it may read, with nothing cancelled and, if that is limited, so much more
  /// processor time than it has used.
  Status give(std::span<const std::byte> call, std::span<const PassedBuffer> buffers,
              std::chrono::seconds processor_time_max);
  Result<std::optional<WorkerMessage>> next_message(WorkerMessageReader& reader);
  void kill() noexcept { child_.kill(); }
  /// Kills it if it still runs, and tells how it ended.
  ChildEnd end();

private:
  Worker(ChildProcess child, Descriptor socket, std::shared_ptr<WorkerPage> page)
      : child_(std::move(child)), socket_(std::move(socket)), page_(std::move(page)) {}

  ChildProcess child_;
  const Descriptor socket_;
  const std::shared_ptr<WorkerPage> page_;
};

}  // namespace theus::actors

#pragma once

#include "actors/protocol.hpp"
#include "actors/spawn_service.hpp"
#include "runtime/child_process.hpp"
#include "runtime/isolated/packets.hpp"
#include "runtime/spawn_course.hpp"

#include <theus/log.hpp>

#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>

namespace theus {

/// What a handle and the desk's thread share. Thread-safe.
class SpawnedProcess::Kept {
public:
  Kept(std::string name, SpawnOptions options, std::shared_ptr<const Descriptor> alarm)
      : alarm_(std::move(alarm)), course_(std::move(name), std::move(options)) {}

  SpawnedStatus status() const;
  Status wait_until_running(std::chrono::milliseconds timeout) const;
  void stop();

  /// For the desk: looks at the course, or changes it and tells whoever waits.
  template <class Look>
  auto with_course(const Look& look) {
    const std::lock_guard lock{mutex_};
    changed_.notify_all();
    return look(course_);
  }
  bool is_to_stop() const;
  /// That process is to be killed, and so started again; nothing when it is another one by now.
  void kill(int pid);
  bool takes_kill(int pid);

private:
  const std::shared_ptr<const Descriptor> alarm_;  // an eventfd of the desk's thread

  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  // Guarded by mutex_.
  SpawnCourse course_;
  bool is_to_stop_ = false;
  int kill_ = 0;  // the process that is to be killed; 0: none
};

namespace actors {

/// The processes that one engine keeps alive. One thread, started with the first, starts them, hears them and notices
/// their deaths. Thread-safe.
class SpawnDesk {
public:
  /// They join the engine of that handle. The log gets why they ended.
  SpawnDesk(std::string handle, LogSink log) : handle_(std::move(handle)), log_(std::move(log)) {}
  ~SpawnDesk() { close(); }
  SpawnDesk(const SpawnDesk&) = delete;
  SpawnDesk& operator=(const SpawnDesk&) = delete;

  /// Returns at once. Errors: closed, resource_exhausted.
  Result<std::shared_ptr<SpawnedProcess::Kept>> keep(std::string name, bool is_module, SpawnOptions options);
  std::vector<SpawnedStatus> list() const;
  /// Whether one of them has yet to run, or else that process runs.
  HostOutlook outlook(int pid) const;
  /// Kills that process, if it is one of them.
  void kill(int pid) const;
  /// Asks all of them to end, kills those that do not within their grace, and waits. Idempotent.
  void close();

private:
  using Time = SpawnCourse::Time;
  using KeptPtr = std::shared_ptr<SpawnedProcess::Kept>;

  /// Belongs to the thread.
  struct Seat {
    KeptPtr kept;
    SpawnTerms terms;
    std::vector<std::string> command;  // empty: this program
    std::optional<ChildProcess> child{};
    Descriptor socket{};
    std::optional<Error> said{};     // why it refuses to run
    std::optional<Time> asked_at{};  // to end
  };

  void serve();
  void start(Seat& seat, Time now) const;
  /// Until when the thread may leave it alone; nothing: it has ended for good.
  std::optional<Time> tend(Seat& seat, bool is_closing, Time now) const;
  void hear(Seat& seat);
  void bury(Seat& seat) const;
  void note(LogLevel level, const std::string& text) const;

  const std::string handle_;
  const LogSink log_;

  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::shared_ptr<const Descriptor> alarm_;
  std::vector<KeptPtr> kept_;
  std::vector<Seat> arriving_;
  bool is_closing_ = false;
  std::thread thread_;

  // Of the thread.
  std::list<Seat> seats_;
  WorkerMessageReader reader_;
};

/// Where an engine's desk stands once there is one, for who may outlive the engine. Thread-safe.
class SpawnPlace {
public:
  std::shared_ptr<SpawnDesk> desk() const {
    const std::lock_guard lock{mutex_};
    return desk_;
  }
  /// The one that is there, or else the one that `make` makes.
  template <class Make>
  std::shared_ptr<SpawnDesk> desk_or(const Make& make) {
    const std::lock_guard lock{mutex_};
    if (desk_ == nullptr)
      desk_ = make();
    return desk_;
  }

private:
  mutable std::mutex mutex_;
  std::shared_ptr<SpawnDesk> desk_;  // guarded by mutex_
};

}  // namespace actors
}  // namespace theus

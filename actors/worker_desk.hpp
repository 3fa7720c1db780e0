#pragma once

#include "actors/worker.hpp"
#include "actors/worker_buffers.hpp"
#include "actors/worker_job.hpp"

#include <deque>
#include <list>
#include <mutex>
#include <thread>

namespace theus::actors {

/// What stands behind a WorkerPool: who waits, who works, and the thread that listens to workers. Its functions are
/// split by concern: worker_desk.cpp (who gets what, starts, deadlines, deaths), worker_replies.cpp (what workers say).
class WorkerDesk : public std::enable_shared_from_this<WorkerDesk> {
public:
  WorkerDesk(WorkerOptions options, std::vector<std::byte> terms, std::shared_ptr<shm::HeavyRoom> heavy, LogSink log);

  /// Thread-safe.
  void add(std::shared_ptr<WorkerJob> job);
  void close();
  WorkerPool::Load load() const;
  const shm::HeavyRoom& heavy() const noexcept { return *heavy_; }

private:
  using Time = std::chrono::steady_clock::time_point;
  using JobPtr = std::shared_ptr<WorkerJob>;
  /// Answers that are given once the lock is released.
  using Told = std::vector<std::pair<JobPtr, Result<WorkerAnswer>>>;

  struct Seat {
    enum class Phase : std::uint8_t { starting, idle, running, leaving };

    std::unique_ptr<Worker> worker;
    Time started;
    Phase phase = Phase::starting;
    JobPtr job{};
    Time given{};  // when it was given the job
  };
  using SeatPtr = std::shared_ptr<Seat>;

  static void tell(Told& told);
  std::size_t count(Seat::Phase phase) const;
  void ring() const noexcept;
  void note(LogLevel level, const Seat& seat, std::string text, Value fields = {}) const;
  static void report_progress(const Seat& seat);

  // REQUIRES: mutex_ is held.
  Status open();
  void hand_out(Told& told);
  void refuse_all(const Error& error, Told& told);
  void look_at(Seat& seat, Time now) const;

  // Of the desk's thread.
  void serve();
  bool wants_worker(Time now) const;
  std::optional<Time> look_at_deadlines(Time now, Told& told);
  void start_one(Told& told);
  void listen(Time until, Told& told);
  void bury(const SeatPtr& seat, Told& told);
  void end_all();

  void hear(const SeatPtr& seat, bool is_dead, Told& told);
  Status take(Seat& seat, WorkerMessage& message, Told& told);
  Status take_ready(Seat& seat, Told& told);
  Status take_unfit(Seat& seat, const WorkerMessage& message, Told& told);
  Status take_log(const Seat& seat, const WorkerMessage& message);
  Status take_answer(Seat& seat, WorkerMessage& message, Told& told);

  // Constant after construction.
  const WorkerOptions options_;
  const std::size_t count_max_;
  const std::vector<std::byte> terms_;
  const std::shared_ptr<shm::HeavyRoom> heavy_;
  const LogSink log_;

  mutable std::mutex mutex_;
  // Guarded by mutex_; seats come and go by the desk's thread alone, which may therefore look at the list without it.
  std::deque<JobPtr> waiting_;
  std::list<SeatPtr> seats_;
  Descriptor alarm_;
  Time wakes_at_{};
  Time last_call_{};
  std::thread thread_;
  bool is_closing_ = false;
  std::uint64_t deaths_ = 0;
  int failures_ = 0;        // deaths since the last answer
  int start_failures_ = 0;  // of those, before they were ready

  // Of the desk's thread.
  WorkerMessageReader reader_;
  Time next_start_{};
};

}  // namespace theus::actors

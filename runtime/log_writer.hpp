#pragma once

#include "runtime/parking.hpp"

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <thread>

namespace theus {

/// Decides who writes what waits for the log: the thread that waits for it, when nothing else is going on, for it would
/// only wait for another one; otherwise a thread of the writer's own, which takes all that has gathered as one batch
/// and wakes all who wait for it at once.
///
/// When several commits were about, their clients will soon be back: the next batch waits for as many, but never longer
/// than a quarter of what a batch takes, so that it is worth it. Thread-safe.
class LogWriter {
public:
  struct Written {
    std::size_t commits = 0;
    std::size_t left = 0;  ///< of those that came meanwhile, or were too many
    bool failed = false;   ///< and some of it is to be tried again
  };

  /// What is written, and how. One thread at a time is inside write() or tidy().
  class Source {
  public:
    virtual ~Source() = default;
    virtual std::size_t waiting() const noexcept = 0;
    /// Writes a batch of what waits, and tells those who wait for it.
    virtual Written write() noexcept = 0;
    /// Does some of what need not be done at once; whether there is more of it.
    virtual bool tidy() noexcept = 0;
  };

  /// The source must outlive it.
  explicit LogWriter(Source& source);
  ~LogWriter();
  LogWriter(const LogWriter&) = delete;
  LogWriter& operator=(const LogWriter&) = delete;

  /// Writes what waits, and ends the thread. Nothing is written afterwards.
  void stop();

  /// Something waits, and nobody for it.
  void submit();
  /// Something waits. Returns once it is told, which Source::write() does, perhaps on this thread.
  void wait(const std::atomic<bool>& is_told);

  static constexpr std::chrono::milliseconds retry_interval{100};
  static constexpr std::chrono::milliseconds tidy_interval{1000};
  static constexpr std::chrono::microseconds gather_max{200};
  static constexpr std::size_t awaited_max = 64;  ///< a batch of more gains little

private:
  using Steady = std::chrono::steady_clock;

  void run();
  void gather() const;
  void want(std::unique_lock<std::mutex>& lock);
  void write(std::unique_lock<std::mutex>& lock);

  Source& source_;
  std::mutex mutex_;
  std::condition_variable wanted_changed_;
  bool wanted_ = false;       // guarded by mutex_: something waits for the writer's own thread
  bool busy_ = false;         // guarded by mutex_: somebody is inside the source
  bool stopping_ = false;     // guarded by mutex_
  bool failed_ = false;       // guarded by mutex_: the last attempt
  std::size_t awaited_ = 0;   // commits that the next batch waits for; of whoever is busy
  Steady::duration took_{0};  // a batch, on the average; of whoever is busy
  Parking told_;              // where those sleep who wait to be told
  std::thread thread_;
};

}  // namespace theus

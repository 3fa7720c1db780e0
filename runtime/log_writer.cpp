#include "runtime/log_writer.hpp"

#include <algorithm>
#include <utility>

namespace theus {

LogWriter::LogWriter(Source& source) : source_(source), thread_([this] { run(); }) {}

LogWriter::~LogWriter() { stop(); }

void LogWriter::stop() {
  {
    const std::lock_guard lock{mutex_};
    stopping_ = true;
  }
  wanted_changed_.notify_one();
  if (thread_.joinable())
    thread_.join();
}

void LogWriter::submit() {
  std::unique_lock lock{mutex_};
  want(lock);
}

void LogWriter::wait(const std::atomic<bool>& is_told) {
  std::unique_lock lock{mutex_};
  if (busy_ || stopping_ || awaited_ > 1) {
    want(lock);
  } else {
    write(lock);
    if (wanted_ || stopping_)
      wanted_changed_.notify_one();
    lock.unlock();
  }
  while (!is_told.load(std::memory_order_acquire))
    told_.park([&] { return is_told.load(std::memory_order_acquire); });
}

void LogWriter::want(std::unique_lock<std::mutex>& lock) {
  const bool is_asleep = !std::exchange(wanted_, true) && !busy_;
  lock.unlock();  // else it would wake up only to wait for that
  if (is_asleep)
    wanted_changed_.notify_one();
}

/// Afterwards wanted_ tells whether something waits.
void LogWriter::write(std::unique_lock<std::mutex>& lock) {
  busy_ = true;
  wanted_ = false;
  lock.unlock();
  gather();
  const auto begun = Steady::now();
  const Written written = source_.write();
  if (written.commits > 0) {
    took_ += (Steady::now() - begun - took_) / 8;
    awaited_ = std::min(written.commits + written.left, awaited_max);
  }
  told_.wake();
  lock.lock();
  busy_ = false;
  failed_ = written.failed;
  wanted_ |= written.left > 0 && !failed_;
}

void LogWriter::gather() const {
  const auto until = Steady::now() + std::min<Steady::duration>(took_ / 4, gather_max);
  while (source_.waiting() < awaited_ && Steady::now() < until)
    std::this_thread::yield();
}

void LogWriter::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    const bool is_due = wanted_changed_.wait_for(lock, failed_ ? retry_interval : tidy_interval,
                                                 [&] { return !busy_ && (wanted_ || stopping_); });
    if (busy_)
      continue;
    if (is_due || failed_)
      write(lock);
    else
      awaited_ = 0;
    if (stopping_ && (!wanted_ || failed_))
      return;
    while (!wanted_ && !stopping_ && !failed_) {
      busy_ = true;
      lock.unlock();
      const bool more = source_.tidy();
      lock.lock();
      busy_ = false;
      if (!more)
        break;
    }
  }
}

}  // namespace theus

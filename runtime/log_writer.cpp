#include "runtime/log_writer.hpp"

#include <algorithm>

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

void LogWriter::submit(bool may_write_here) {
  std::unique_lock lock{mutex_};
  if (busy_ || stopping_ || last_ > 1 || !may_write_here) {
    wanted_ = true;
    if (!busy_)
      wanted_changed_.notify_one();
    return;
  }
  write(lock);
  if (wanted_)
    wanted_changed_.notify_one();
}

void LogWriter::write(std::unique_lock<std::mutex>& lock) {
  busy_ = true;
  lock.unlock();
  const auto begun = Steady::now();
  const Written written = source_.write();
  took_ += (Steady::now() - begun - took_) / 8;
  last_ = written.commits;
  lock.lock();
  failed_ = written.failed;
  busy_ = false;
}

void LogWriter::gather() const {
  const auto until = Steady::now() + std::min<Steady::duration>(took_ / 8, gather_max);
  while (source_.waiting() < last_ && Steady::now() < until)
    std::this_thread::yield();
}

void LogWriter::run() {
  std::unique_lock lock{mutex_};
  for (;;) {
    const bool is_due = wanted_changed_.wait_for(lock, failed_ ? retry_interval : tidy_interval,
                                                 [&] { return !busy_ && (wanted_ || stopping_); });
    if (busy_)
      continue;
    if (is_due || failed_) {
      wanted_ = false;
      if (!stopping_) {
        busy_ = true;
        lock.unlock();
        gather();
        lock.lock();
      }
      write(lock);
      // What came meanwhile has set wanted_ again, and what was too much for one batch waits still.
      wanted_ |= source_.waiting() > 0 && !failed_;
    } else {
      last_ = 0;
    }
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

#pragma once

#include "runtime/attach/round_wire.hpp"
#include "runtime/descriptor.hpp"

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>

namespace theus {

/// What rounds have to say to one process that joined, on its way: put in by whoever runs rounds, taken out by the
/// thread that talks to that process. Thread-safe.
class HostLine {
public:
  /// Messages that wait together; what goes beyond is refused.
  static constexpr std::size_t bytes_max = std::size_t{64} << 20;

  /// `wake`: an eventfd of the thread.
  HostLine(int pid, std::shared_ptr<const Descriptor> wake) : pid_(pid), wake_(std::move(wake)) {}

  int pid() const noexcept { return pid_; }
  /// False when too much waits, or the process has left.
  bool send(std::vector<std::byte> message);
  std::optional<std::vector<std::byte>> next();
  bool has_message() const;
  void close();
  /// Asks for its connection to be ended, for it keeps a share too long.
  void cut();
  bool is_cut() const noexcept { return is_cut_.load(); }

private:
  const int pid_;
  const std::shared_ptr<const Descriptor> wake_;

  std::atomic<bool> is_cut_{false};
  mutable std::mutex mutex_;
  // Guarded by mutex_.
  std::deque<std::vector<std::byte>> waiting_;
  std::size_t bytes_ = 0;
  bool is_closed_ = false;
};
using HostLinePtr = std::shared_ptr<HostLine>;

/// Who shares rounds out, as processes that joined are told apart for it. Called by the thread that talks to them, and
/// must return soon.
class RoundDesk {
public:
  virtual ~RoundDesk() = default;
  virtual void offered(const HostLinePtr& line, std::vector<OfferedAgent> agents) = 0;
  virtual void answered(const HostLinePtr& line, ShareAnswer answer) = 0;
  virtual void left(const HostLinePtr& line) = 0;
};

}  // namespace theus

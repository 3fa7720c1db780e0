#include "runtime/attach/round_desk.hpp"

#include <sys/eventfd.h>

namespace theus {

bool HostLine::send(std::vector<std::byte> message) {
  {
    const std::lock_guard lock{mutex_};
    if (is_closed_ || bytes_ + message.size() > bytes_max)
      return false;
    bytes_ += message.size();
    waiting_.push_back(std::move(message));
  }
  ::eventfd_write(wake_->number(), 1);
  return true;
}

std::optional<std::vector<std::byte>> HostLine::next() {
  const std::lock_guard lock{mutex_};
  if (waiting_.empty())
    return std::nullopt;
  std::vector<std::byte> message = std::move(waiting_.front());
  waiting_.pop_front();
  bytes_ -= message.size();
  return message;
}

bool HostLine::has_message() const {
  const std::lock_guard lock{mutex_};
  return !waiting_.empty();
}

void HostLine::close() {
  const std::lock_guard lock{mutex_};
  is_closed_ = true;
  waiting_.clear();
  bytes_ = 0;
}

void HostLine::cut() {
  is_cut_.store(true);
  ::eventfd_write(wake_->number(), 1);
}

}  // namespace theus

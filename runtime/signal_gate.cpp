#include "runtime/signal_gate.hpp"

#include "runtime/signal_subscriber.hpp"

#include <algorithm>

namespace theus {

void SignalGate::remove(Subscriber& subscriber) noexcept {
  const std::lock_guard lock{change_};
  if (std::erase(subscribers_, &subscriber) == 0)
    return;
  if (subscribers_.empty())
    limit_.store(unlimited);
  space_.wake();
}

void SignalGate::open() noexcept {
  const std::lock_guard lock{change_};
  is_open_ = true;
  limit_.store(unlimited);
  space_.wake();
}

// REQUIRES: change_ is held.
bool SignalGate::has_room(std::uint64_t end) noexcept {
  std::uint64_t limit = unlimited;
  if (!is_open_)
    for (const Subscriber* subscriber : subscribers_)
      limit = std::min(limit, subscriber->next() + capacity_);
  limit_.store(limit, std::memory_order_relaxed);
  return end <= limit;
}

// Whether one that must not be waited for is in the way. REQUIRES: change_ is held.
bool SignalGate::refuses(std::uint64_t end) const noexcept {
  return std::ranges::any_of(subscribers_, [&](const Subscriber* each) {
    return each->refuses_when_full() && end > each->next() + capacity_;
  });
}

Error SignalGate::full(const Subscriber& subscriber) const {
  return Error{Errc::overloaded, "SignalHub", "the subscriber '" + subscriber.name() + "' is full",
               "Send again when it has caught up"}
      .with("subscriber", subscriber.name())
      .with("limit", capacity_);
}

// Names the first of those that places up to `end` would overrun. REQUIRES: change_ is held.
Status SignalGate::refusal(std::uint64_t end) const {
  for (const Subscriber* subscriber : subscribers_)
    if (end > subscriber->next() + capacity_)
      return full(*subscriber);
  return {};
}

// Refuses, or evicts those that have blocked since `start` for longer than they may, or finds out until when to wait.
// REQUIRES: change_ is held.
Status SignalGate::make_room(std::uint64_t end, Deadline start, Deadline& deadline) {
  const Deadline now = std::chrono::steady_clock::now();
  deadline = no_deadline;
  for (std::size_t i = 0; i < subscribers_.size();) {
    Subscriber& subscriber = *subscribers_[i];
    if (end <= subscriber.next() + capacity_) {
      ++i;
      continue;
    }
    if (subscriber.refuses_when_full())
      return full(subscriber);
    const auto patience = subscriber.block_timeout();
    if (now - start >= patience) {
      subscriber.evict();
      evicted_.fetch_add(1);
      subscribers_.erase(subscribers_.begin() + static_cast<std::ptrdiff_t>(i));
      continue;
    }
    // A wait beyond what the clock can tell is a wait without end.
    if (patience < no_deadline - start)
      deadline = std::min(deadline, start + patience);
    ++i;
  }
  return {};
}

}  // namespace theus

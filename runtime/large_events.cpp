#include "runtime/large_events.hpp"

#include <algorithm>

namespace theus {

LargeEvents::~LargeEvents() {
  while (retired_ != nullptr) {
    LargeEvent* event = std::exchange(retired_, retired_->next_retired);
    const auto last = std::move(event->kept);
  }
}

LargeEvent* LargeEvents::keep(Value payload, SignalName name) {
  auto event = std::make_shared<LargeEvent>();
  event->payload = std::move(payload);
  event->name = std::move(name);
  event->kept = event;
  kept_.fetch_add(1, std::memory_order_relaxed);
  return event.get();
}

void LargeEvents::drop(LargeEvent* event) noexcept {
  kept_.fetch_sub(1, std::memory_order_relaxed);
  const auto last = std::move(event->kept);
}

void LargeEvents::retire(LargeEvent* event, std::uint64_t place) noexcept {
  kept_.fetch_sub(1, std::memory_order_relaxed);
  const std::lock_guard lock{change_};
  event->place = place;
  event->next_retired = retired_;
  retired_ = event;
  if (++retired_count_ >= free_at_)
    free_unread();
}

void LargeEvents::add_reader(const Hazard& hazard) {
  const std::lock_guard lock{change_};
  readers_.push_back(&hazard);
}

void LargeEvents::remove_reader(const Hazard& hazard) noexcept {
  const std::lock_guard lock{change_};
  std::erase(readers_, &hazard);
}

void LargeEvents::free_unread() noexcept {
  fence_.heavy();
  for (LargeEvent** link = &retired_; *link != nullptr;) {
    LargeEvent* event = *link;
    if (is_read(event->place)) {
      link = &event->next_retired;
      continue;
    }
    *link = event->next_retired;
    --retired_count_;
    const auto last = std::move(event->kept);
  }
  free_at_ = retired_count_ + batch;
}

bool LargeEvents::is_read(std::uint64_t place) const noexcept {
  constexpr auto order = thread_sanitizer ? std::memory_order_seq_cst : std::memory_order_acquire;
  return std::ranges::any_of(readers_, [&](const Hazard* reader) { return reader->place.load(order) == place + 1; });
}

}  // namespace theus

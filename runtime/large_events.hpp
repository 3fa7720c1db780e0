#pragma once

// Events too large for a slot: the slot holds a pointer, and no reader ever touches freed memory.
//
// Invariants: (1) A reader announces the place it is about to follow a pointer from (its `Hazard`), fences lightly,
// then makes sure that the place still holds the record; only then it follows the pointer. (2) A producer that has
// overwritten a slot retires the former event; retired events are freed in batches, after a heavy fence, except those
// whose place some reader announces. So either the reader sees the overwritten slot, or the producer the announcement.
// (3) At most `batch` events and those being read at that moment are retired and not yet freed.

#include "runtime/asymmetric_fence.hpp"

#include <theus/signal_event.hpp>

#include <mutex>
#include <vector>

namespace theus {

struct LargeEvent {
  Value payload;
  SignalName name;  // of an event whose name is not interned; else empty
  // What the ring holds: this event, until it is freed.
  std::shared_ptr<const LargeEvent> kept;
  LargeEvent* next_retired = nullptr;
  std::uint64_t place = 0;
};

/// The place a reader is following a pointer from, plus one; 0 for none. Written by its reader only.
struct Hazard {
  std::atomic<std::uint64_t> place{0};
};

/// The large events of one ring. Thread-safe.
class LargeEvents {
public:
  explicit LargeEvents(AsymmetricFence fence) noexcept : fence_(fence) {}
  ~LargeEvents();
  LargeEvents(const LargeEvents&) = delete;
  LargeEvents& operator=(const LargeEvents&) = delete;

  /// An event that the ring keeps until it is retired.
  LargeEvent* keep(Value payload, SignalName name);
  /// Frees an event that never came into the ring.
  void drop(LargeEvent* event) noexcept;
  /// Whether a slot may hold a large event: while false, former records need not be looked at.
  bool any() const noexcept { return kept_.load(std::memory_order_relaxed) != 0; }
  /// REQUIRES: the slot of that place has been overwritten, or nobody reads any more.
  void retire(LargeEvent* event, std::uint64_t place) noexcept;

  void add_reader(const Hazard& hazard);
  void remove_reader(const Hazard& hazard) noexcept;

  /// The event behind a pointer read from `place`; nullptr when the place is lost. `holds()` tells whether it still
  /// holds the record.
  template <class Holds>
  std::shared_ptr<const LargeEvent> share(const LargeEvent* event, std::uint64_t place, Hazard& hazard,
                                          const Holds& holds) const noexcept {
    if constexpr (thread_sanitizer)
      hazard.place.exchange(place + 1);
    else
      hazard.place.store(place + 1, std::memory_order_relaxed);
    fence_.light();
    auto shared = holds() ? event->kept : nullptr;
    hazard.place.store(0, std::memory_order_release);  // pairs with the acquire in is_read()
    return shared;
  }

private:
  static constexpr std::size_t batch = 32;

  void free_unread() noexcept;
  bool is_read(std::uint64_t place) const noexcept;

  const AsymmetricFence fence_;
  std::atomic<std::uint64_t> kept_{0};
  std::mutex change_;  // guards what follows
  std::vector<const Hazard*> readers_;
  LargeEvent* retired_ = nullptr;
  std::size_t retired_count_ = 0;
  std::size_t free_at_ = batch;
};

}  // namespace theus

#pragma once

#include <theus/signal_event.hpp>

#include <cassert>
#include <cstddef>
#include <iterator>
#include <memory>
#include <string_view>
#include <vector>

namespace theus {

/// One signal as it stands in an EventBatch; valid until the batch is received into again or destroyed.
class EventView {
public:
  std::uint64_t sequence() const noexcept { return slot_->sequence; }  ///< As Event::sequence.
  std::uint64_t version() const noexcept { return slot_->version; }    ///< As Event::version.
  std::uint32_t index() const noexcept { return static_cast<std::uint32_t>(slot_->head >> 16) & 0xffffff; }
  std::string_view name() const noexcept { return is_whole() ? whole().name.view() : std::string_view{*slot_->name}; }
  PayloadView payload() const noexcept {
    if (is_whole()) [[unlikely]]
      return whole().payload.view();
    return {form(), static_cast<std::uint8_t>(slot_->head), slot_->words, nullptr};
  }
  /// The same, on its own.
  Event event() const;

private:
  friend class EventBatch;
  friend class Subscriber;

  // As few stores per event as there can be.
  struct Slot {
    std::uint64_t sequence;
    std::uint64_t version;
    const std::string* name;  // in the hub's table of names
    std::uint64_t head;       // as in the ring: index (24 bits) | has a version (1) | form (7) | bytes (8)
    union {
      std::uint64_t words[Payload::words_max];
      const Event* whole;  // when the form is `large`: an event that does not fit here
    };
  };

  explicit EventView(const Slot* slot) noexcept : slot_(slot) {}

  PayloadView::Form form() const noexcept { return static_cast<PayloadView::Form>(slot_->head >> 8 & 0x7f); }
  bool is_whole() const noexcept { return form() == PayloadView::Form::large; }
  const Event& whole() const noexcept { return *slot_->whole; }

  const Slot* slot_;
};

/// Room for events that are received together, and what came of the receive: the events, or why there are none. The
/// cheapest way to receive: nothing is allocated or counted per event, and a payload is decoded only when it is asked
/// for. Use one batch again and again. Not thread-safe; views may be read by any thread.
class EventBatch : public ReceiveOutcome {
public:
  static constexpr std::size_t capacity_max = 4096;

  /// `capacity`: how many events one receive takes at most; taken as 1 to capacity_max. Memory: 136 bytes each.
  explicit EventBatch(std::size_t capacity = 64);
  EventBatch(EventBatch&&) noexcept = default;
  EventBatch& operator=(EventBatch&&) noexcept = default;
  ~EventBatch() = default;

  std::size_t capacity() const noexcept { return capacity_; }

  class Iterator {
  public:
    using difference_type = std::ptrdiff_t;
    using value_type = EventView;
    using reference = EventView;
    using pointer = const EventView*;
    using iterator_category = std::input_iterator_tag;

    EventView operator*() const noexcept { return EventView{slot_}; }
    Iterator& operator++() noexcept {
      ++slot_;
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) noexcept = default;

  private:
    friend class EventBatch;
    explicit Iterator(const EventView::Slot* slot) noexcept : slot_(slot) {}
    const EventView::Slot* slot_;
  };

  /// How many events there are. This and what follows throw as Received::event() does when there are none, so that a
  /// loss is not taken for nothing.
  std::size_t size() const {
    require_event();
    return count_;
  }
  EventView operator[](std::size_t index) const {
    require_event();
    assert(index < count_);
    return EventView{&slots_[index]};
  }
  Iterator begin() const {
    require_event();
    return Iterator{slots_.get()};
  }
  Iterator end() const {
    require_event();
    return Iterator{slots_.get() + count_};
  }

private:
  friend class Subscriber;

  std::size_t capacity_;
  std::unique_ptr<EventView::Slot[]> slots_;
  std::size_t count_ = 0;
  std::vector<Event> whole_;           // never beyond its reserved capacity, so that slots may point into it
  std::shared_ptr<const void> names_;  // keeps the table of names
};

}  // namespace theus

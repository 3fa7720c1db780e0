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
  std::uint32_t index() const noexcept { return slot_->index; }        ///< As Event::index.
  std::string_view name() const noexcept {
    return slot_->whole == nullptr ? std::string_view{slot_->name, slot_->name_bytes} : slot_->whole->name.view();
  }
  PayloadView payload() const noexcept {
    if (slot_->whole != nullptr) [[unlikely]]
      return slot_->whole->payload.view();
    return {slot_->form, slot_->payload_bytes, slot_->words, nullptr};
  }
  /// The same, on its own.
  Event event() const;

private:
  friend class EventBatch;
  friend class Subscriber;

  struct Slot {
    std::uint64_t sequence;
    std::uint64_t version;
    const char* name;    // of the hub's table of names
    const Event* whole;  // of an event that does not fit here; else nullptr
    std::uint32_t index;
    std::uint8_t name_bytes;
    std::uint8_t payload_bytes;
    PayloadView::Form form;
    std::uint64_t words[Payload::words_max];
  };

  explicit EventView(const Slot* slot) noexcept : slot_(slot) {}

  const Slot* slot_;
};

/// Room for events that are received together, and what came of the receive: the events, or why there are none. The
/// cheapest way to receive: nothing is allocated or counted per event, and a payload is decoded only when it is asked
/// for. Use one batch again and again. Not thread-safe; views may be read by any thread.
class EventBatch {
public:
  using Kind = Received::Kind;
  static constexpr std::size_t capacity_max = 4096;

  /// `capacity`: how many events one receive takes at most; taken as 1 to capacity_max. Memory: 144 bytes each.
  explicit EventBatch(std::size_t capacity = 64);
  EventBatch(EventBatch&&) noexcept = default;
  EventBatch& operator=(EventBatch&&) noexcept = default;
  ~EventBatch() = default;

  std::size_t capacity() const noexcept { return capacity_; }

  Kind kind() const noexcept { return kind_; }
  bool is_lagged() const noexcept { return kind_ == Kind::lagged; }
  bool is_timeout() const noexcept { return kind_ == Kind::timeout; }
  bool is_empty() const noexcept { return kind_ == Kind::empty; }
  bool is_closed() const noexcept { return kind_ == Kind::closed; }
  /// Whether there are events.
  explicit operator bool() const noexcept { return kind_ == Kind::event; }
  /// How many events were lost just before; 0 unless is_lagged().
  std::uint64_t lagged() const noexcept { return lagged_; }

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
    require_events();
    return count_;
  }
  EventView operator[](std::size_t index) const {
    require_events();
    assert(index < count_);
    return EventView{&slots_[index]};
  }
  Iterator begin() const {
    require_events();
    return Iterator{slots_.get()};
  }
  Iterator end() const {
    require_events();
    return Iterator{slots_.get() + count_};
  }

private:
  friend class Subscriber;

  void require_events() const {
    if (kind_ != Kind::event) [[unlikely]]
      Received::raise_missing(kind_, lagged_);
  }

  std::size_t capacity_;
  std::unique_ptr<EventView::Slot[]> slots_;
  std::size_t count_ = 0;
  Kind kind_ = Kind::empty;
  std::uint64_t lagged_ = 0;
  std::vector<Event> whole_;           // never beyond its reserved capacity, so that slots may point into it
  std::shared_ptr<const void> names_;  // keeps the table of names
};

}  // namespace theus

#include <theus/event_batch.hpp>

#include "runtime/packed_value.hpp"

#include <theus/errors.hpp>

#include <algorithm>

namespace theus {

SignalName::SignalName(std::string_view text) {
  if (text.size() > inline_bytes_max) {
    long_ = std::make_shared<const std::string>(text);
    return;
  }
  std::copy(text.begin(), text.end(), inline_);
  size_ = static_cast<std::uint8_t>(text.size());
}

std::string_view SignalName::view() const noexcept {
  return long_ ? std::string_view{*long_} : std::string_view{inline_, size_};
}

Value PayloadView::value() const {
  switch (form_) {
    case Form::large: return *large_;
    case Form::bytes: return Value::bytes(content());
    case Form::packed: break;
  }
  return size_ == 0 ? Value{} : unpack(content());
}

Value::Kind PayloadView::kind() const noexcept {
  switch (form_) {
    case Form::large: return large_->kind();
    case Form::bytes: return Value::Kind::bytes;
    case Form::packed: break;
  }
  return size_ == 0 ? Value::Kind::null : packed_kind(content());
}

Value PayloadView::operator[](std::string_view key) const {
  if (form_ == Form::large)
    return (*large_)[key];
  if (form_ == Form::bytes || size_ == 0)
    return {};
  const auto member = packed_member(content(), key);
  return member.empty() ? Value{} : unpack(member);
}

Value PayloadView::operator[](std::size_t index) const {
  if (form_ == Form::large)
    return (*large_)[index];
  if (form_ == Form::bytes || size_ == 0)
    return {};
  const auto element = packed_element(content(), index);
  return element.empty() ? Value{} : unpack(element);
}

std::span<const std::byte> PayloadView::large_bytes() const noexcept {
  return large_->is_bytes() ? large_->as_bytes() : std::span<const std::byte>{};
}

Event EventView::event() const {
  if (is_whole())
    return whole();
  Event event{sequence(), version(), index(), SignalName{name()}, {}};
  event.payload.form_ = form();
  event.payload.size_ = static_cast<std::uint8_t>(slot_->head);
  std::copy_n(slot_->words, (event.payload.size_ + 7) / 8, event.payload.words_.begin());
  return event;
}

EventBatch::EventBatch(std::size_t capacity)
    : ReceiveOutcome(Kind::empty),
      capacity_(std::clamp<std::size_t>(capacity, 1, capacity_max)),
      slots_(std::make_unique_for_overwrite<EventView::Slot[]>(capacity_)) {}

void ReceiveOutcome::raise_missing() const {
  switch (kind_) {
    case Kind::event: break;
    case Kind::lagged:
      raise(Error{Errc::lagged, "SignalReceiver", std::to_string(lagged_) + " events were lost before this receive",
                  "Ask is_lagged() first; the next receive goes on"}
                .with("count", lagged_));
    case Kind::timeout: raise(Error{Errc::timeout, "SignalReceiver", "no event came in time"});
    case Kind::empty: raise(Error{Errc::empty, "SignalReceiver", "there is no event"});
    case Kind::closed: raise(Error{Errc::closed, "SignalReceiver", "the hub is closed and drained"});
  }
  raise(Error{Errc::internal, "SignalReceiver", "an event is missing"});
}

std::string_view to_string(ReceiveOutcome::Kind kind) noexcept {
  constexpr std::array<std::string_view, 5> names{"event", "lagged", "timeout", "empty", "closed"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace theus

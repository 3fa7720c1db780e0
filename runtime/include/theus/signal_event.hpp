#pragma once

#include <theus/value.hpp>

#include <chrono>
#include <memory>

namespace theus {

/// The name of a signal, independent of the hub it came from. Immutable; copying allocates nothing.
class SignalName {
public:
  SignalName() noexcept = default;

  std::string_view view() const noexcept;
  // NOLINTNEXTLINE(google-explicit-constructor): a name is meant to be used as text.
  operator std::string_view() const noexcept { return view(); }
  std::string str() const { return std::string{view()}; }
  friend bool operator==(const SignalName& a, std::string_view b) noexcept { return a.view() == b; }

private:
  friend class EventView;
  friend class TopicTable;
  friend class Subscriber;
  static constexpr std::size_t inline_bytes_max = 39;

  explicit SignalName(std::string_view text);

  std::shared_ptr<const std::string> long_;
  char inline_[inline_bytes_max] = {};
  std::uint8_t size_ = 0;
};

/// What an event carries, where it stands: a Value that is built when asked for. Reading a member or element of a small
/// payload (up to 104 bytes packed) allocates nothing. Valid as long as what it looks at.
class PayloadView {
public:
  Value value() const;
  // NOLINTNEXTLINE(google-explicit-constructor): a payload is meant to be used as a Value.
  operator Value() const { return value(); }
  /// The payload as a C++ type, or bad_argument.
  template <class T>
  Result<T> get() const {
    return value().get<T>();
  }

  Value::Kind kind() const noexcept;
  /// The member or element; null when it is absent. Never fails, so reads chain.
  Value operator[](std::string_view key) const;
  Value operator[](const char* key) const { return (*this)[std::string_view{key}]; }
  Value operator[](std::size_t index) const;
  Value operator[](int index) const { return (*this)[static_cast<std::size_t>(index)]; }
  /// The content of a payload that was sent as plain bytes; empty for any other.
  std::span<const std::byte> bytes() const noexcept {
    return form_ == Form::bytes ? content() : form_ == Form::large ? large_bytes() : std::span<const std::byte>{};
  }

  friend bool operator==(const PayloadView& a, const Value& b) { return a.value() == b; }

private:
  friend class EventView;
  friend class Payload;
  friend class Subscriber;
  enum class Form : std::uint8_t { packed, bytes, large };

  PayloadView(Form form, std::uint8_t size, const std::uint64_t* words, const Value* large) noexcept
      : form_(form), size_(size), words_(words), large_(large) {}
  std::span<const std::byte> content() const noexcept { return {reinterpret_cast<const std::byte*>(words_), size_}; }
  std::span<const std::byte> large_bytes() const noexcept;

  Form form_;
  std::uint8_t size_;  // 0 = null
  const std::uint64_t* words_;
  const Value* large_;
};

/// The same on its own. Copies are independent; reading is thread-safe.
class Payload {
public:
  // NOLINTNEXTLINE(modernize-use-equals-default): unlike a default, this leaves the words as they are.
  Payload() noexcept {}

  PayloadView view() const& noexcept { return {form_, size_, words_.data(), large_.get()}; }
  PayloadView view() const&& = delete;

  Value value() const { return view().value(); }
  // NOLINTNEXTLINE(google-explicit-constructor): a payload is meant to be used as a Value.
  operator Value() const { return value(); }
  /// The payload as a C++ type, or bad_argument.
  template <class T>
  Result<T> get() const {
    return value().get<T>();
  }

  Value::Kind kind() const noexcept { return view().kind(); }
  /// The member or element; null when it is absent. Never fails, so reads chain.
  Value operator[](std::string_view key) const { return view()[key]; }
  Value operator[](const char* key) const { return view()[std::string_view{key}]; }
  Value operator[](std::size_t index) const { return view()[index]; }
  Value operator[](int index) const { return view()[static_cast<std::size_t>(index)]; }
  /// The content of a payload that was sent as plain bytes; empty for any other. The view lives as long as this.
  std::span<const std::byte> bytes() const& noexcept { return view().bytes(); }
  std::span<const std::byte> bytes() const&& = delete;

  friend bool operator==(const Payload& a, const Value& b) { return a.value() == b; }

private:
  friend class EventView;
  friend class Subscriber;
  using Form = PayloadView::Form;
  static constexpr std::size_t words_max = 13;

  std::shared_ptr<const Value> large_;
  Form form_ = Form::packed;
  std::uint8_t size_ = 0;  // 0 = null
  std::array<std::uint64_t, words_max> words_;
};

/// One signal as a subscriber hears it.
struct Event {
  std::uint64_t sequence = 0;  ///< Place in the hub's one order: from 1, without gaps.
  std::uint64_t version = 0;   ///< Of the commit that caused it; 0 when no commit did.
  std::uint32_t index = 0;     ///< Place among the signals of that commit, from 0.
  SignalName name;
  Payload payload;
};

/// Whether a receive got anything, or why not.
class ReceiveOutcome {
public:
  enum class Kind : std::uint8_t {
    event,
    lagged,   ///< lagged() events were overwritten before this receiver took them; the next receive goes on
    timeout,  ///< recv(timeout) only
    empty,    ///< try_recv() and recv_batch() only
    closed,   ///< nothing will ever come again
  };

  Kind kind() const noexcept { return kind_; }
  bool is_event() const noexcept { return kind_ == Kind::event; }
  bool is_lagged() const noexcept { return kind_ == Kind::lagged; }
  bool is_timeout() const noexcept { return kind_ == Kind::timeout; }
  bool is_empty() const noexcept { return kind_ == Kind::empty; }
  bool is_closed() const noexcept { return kind_ == Kind::closed; }
  /// Whether there is an event.
  explicit operator bool() const noexcept { return is_event(); }
  /// How many events were lost just before; 0 unless is_lagged().
  std::uint64_t lagged() const noexcept { return lagged_; }

protected:
  explicit ReceiveOutcome(Kind kind, std::uint64_t lagged = 0) noexcept : kind_(kind), lagged_(lagged) {}

  /// Throws what happened instead of an event: std::logic_error that names lagged, timeout or empty; LogicError for
  /// closed.
  void require_event() const {
    if (!is_event()) [[unlikely]]
      raise_missing();
  }

  Kind kind_;
  std::uint64_t lagged_;

private:
  [[noreturn]] void raise_missing() const;
};

/// What came of a receive: an event, or why there is none. `lagged` cannot be missed: event() and value() throw
/// what happened instead of inventing an event.
class [[nodiscard]] Received : public ReceiveOutcome {
public:
  /// The event. When there is none: std::logic_error that names lagged, timeout or empty; LogicError for closed.
  const Event& event() const& {
    require_event();
    return event_;
  }
  Event event() && {
    require_event();
    return std::move(event_);
  }
  const Event& value() const& { return event(); }
  Event value() && { return std::move(*this).event(); }
  const Event& operator*() const& { return event(); }
  const Event* operator->() const { return &event(); }

private:
  friend class Subscriber;

  explicit Received(Kind kind) noexcept : ReceiveOutcome(kind) {}

  Event event_;
};

/// What came of receiving several events at once: the events, or why there are none.
class [[nodiscard]] ReceivedBatch : public ReceiveOutcome {
public:
  /// At least one event, or the throw of Received::event(). Valid until the next receive into the same storage.
  std::span<const Event> events() const {
    require_event();
    return events_;
  }
  auto begin() const { return events().begin(); }
  auto end() const { return events().end(); }

private:
  friend class Subscriber;

  ReceivedBatch(Kind kind, std::uint64_t lagged, std::span<const Event> events) noexcept
      : ReceiveOutcome(kind, lagged), events_(events) {}

  std::span<const Event> events_;
};

std::string_view to_string(ReceiveOutcome::Kind kind) noexcept;

}  // namespace theus

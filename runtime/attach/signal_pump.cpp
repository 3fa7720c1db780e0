#include "runtime/attach/signal_pump.hpp"

#include <sched.h>
#include <sys/eventfd.h>

namespace theus {
namespace {

constexpr std::size_t records_per_look = 4096;
// How long signals may lie there when a receiver that has pulled goes away to work.
constexpr auto unattended_max = std::chrono::microseconds{500};
// Of an owner: more than any hub interns.
constexpr std::size_t topics_max = std::size_t{1} << 20;

}  // namespace

SignalPump::Use SignalPump::take() noexcept {
  while (!try_take())
    ::sched_yield();
  return Use{is_taken_};
}

void SignalPump::go(State state) noexcept {
  state_ = state;
  is_listening_ = state == State::listening;
}

// Any thread.

bool SignalPump::pull() noexcept {
  if (is_apart_.load(std::memory_order_relaxed) || !try_take())
    return false;
  const Use use{is_taken_};
  const State state = state_;
  if (state != State::reading && state != State::listening)
    return false;
  const std::uint64_t begin = window_->place();
  if (relay_some() == Pause::needs_message)
    post_.ring();
  if (window_->place() == begin)
    return false;
  is_pulled_.store(true, std::memory_order_relaxed);
  return true;
}

void SignalPump::retire() noexcept {
  if (is_apart_.load(std::memory_order_relaxed))
    return;
  is_pulled_ = false;
  // Whoever listens is rung for by the owner.
  if (!is_listening_)
    post_.ring();
}

// The thread.

/// Of the same run nothing is missed, as far as it is still there.
Status SignalPump::join(const NearSignals& near, bool knows_run) {
  const Use use = take();
  const bool goes_on = knows_run && window_ && window_->place() <= near.place;
  auto window = SignalWindow::open(near.ring, goes_on ? window_->place() : near.place);
  if (!window)
    return window.error();
  if (!knows_run)
    topics_.clear();
  window_.emplace(*std::move(window));
  bell_ = near.bell.number();
  go(State::reading);
  is_apart_ = false;
  pause_ = {};
  return {};
}

/// The window stays, for its place.
void SignalPump::leave() {
  const Use use = take();
  is_apart_ = true;
  bell_ = -1;
  go(State::apart);
  pause_ = std::chrono::nanoseconds::max();
}

void SignalPump::take_signals(CborCursor& in) {
  const Use use = take();
  while (in.failure() == nullptr && !in.is_at_end()) {
    const RelayedSignal signal = read_signal(in);
    if (in.failure() != nullptr)
      return;
    if (signal.lost > 0)
      relay_->lose(signal.lost);
    else
      relay_->publish(signal.name, signal.payload, signal.version, signal.index);
  }
}

void SignalPump::take_fetched(CborCursor& in) {
  const Use use = take();
  const std::uint64_t begin = in.number();
  const std::uint64_t end = in.number();
  if (in.failure() == nullptr && (state_ != State::fetching || begin != window_->place() || end <= begin))
    in.fail("nobody asked for signals of that place");
  while (in.failure() == nullptr && !in.is_at_end()) {
    const std::uint64_t number = in.number();
    const RelayedSignal signal = read_signal(in);
    if (in.failure() != nullptr)
      return;
    if (signal.lost > 0) {
      relay_->lose(signal.lost);
      continue;
    }
    if (number > topics_max)
      return in.fail("a signal's number is out of range");
    learn(number, signal.name);
    relay_->publish(signal.name, signal.payload, signal.version, signal.index);
  }
  if (in.failure() != nullptr)
    return;
  window_->go_to(end);
  go(State::reading);
}

void SignalPump::learn(std::uint64_t number, std::string_view name) {
  if (number >= topics_.size())
    topics_.resize(number + 1);
  if (number != 0 && topics_[number] == 0)
    topics_[number] = relay_->topic(name);
}

void SignalPump::look(Version visible) {
  const Use use = take();
  visible_ = visible;
  pause_ = std::chrono::nanoseconds::max();
  if (state_ == State::listening) {
    eventfd_t rings = 0;
    if (::eventfd_read(bell_, &rings) != 0)
      return;
    go(State::reading);
  }
  if (state_ != State::reading)
    return;
  const std::uint64_t begin = window_->place();
  Pause pause = Pause::none;
  const bool is_attended = is_pulled_.exchange(false);
  while (pause == Pause::none && window_->place() - begin < (is_attended ? 1 : records_per_look))
    pause = relay_some();
  if (pause == Pause::too_early)
    return;
  if (pause != Pause::needs_message && is_attended) {
    pause_ = unattended_max;
    return;
  }
  if (pause == Pause::none) {
    pause_ = {};
    return;
  }
  std::vector<std::byte> entry;
  append_cbor_number(entry, window_->place());
  const bool is_idle = pause == Pause::nothing_new;
  go(is_idle ? State::listening : State::fetching);
  post_.insist(is_idle ? ToOwner::hear : ToOwner::fetch, entry);
}

/// Publishes what stands there, up to a bound, and tells why no more.
SignalPump::Pause SignalPump::relay_some() {
  const std::size_t limit = std::min({heads_.size(), window_->capacity(), relay_->capacity()});
  std::size_t count = 0;
  auto pause = Pause::none;
  while (count < limit && pause == Pause::none) {
    std::uint64_t word = 0;
    Version version = 0;
    const Poll poll = window_->peek(count, word, version);
    if (poll == Poll::empty) {
      pause = Pause::nothing_new;
    } else if (poll == Poll::overrun) {
      if (count == 0)
        relay_->lose(window_->skip_lost());
      break;
    } else if (version > visible_) {
      pause = Pause::too_early;
    } else if (const auto head = translated(word)) {
      heads_[count++] = *head;
    } else {
      pause = Pause::needs_message;
    }
  }
  if (count > 0)
    relay_->publish(window_->run({heads_.data(), count}));
  window_->go_on(count);
  return pause;
}

/// Nothing: it does not stand in the ring, or its name is not known.
std::optional<std::uint64_t> SignalPump::translated(std::uint64_t word) const noexcept {
  SignalHead head = SignalHead::of(word);
  if (head.form > PayloadForm::bytes || head.topic >= topics_.size() || topics_[head.topic] == 0)
    return std::nullopt;
  head.topic = topics_[head.topic];
  return head.word();
}

}  // namespace theus

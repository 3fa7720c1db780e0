#pragma once

#include "runtime/attach/join_door.hpp"
#include "runtime/attach/signal_window.hpp"
#include "runtime/signal_relay.hpp"

namespace theus {

/// How a joined process sends messages to the owner. Thread-safe.
class OwnerPost {
public:
  virtual ~OwnerPost() = default;
  /// An entry of a message of that kind. Refuses as the owner's being down or too much on its way demands.
  virtual Status post(ToOwner kind, std::span<const std::byte> entry) = 0;
  /// The same, of what must go whatever is on its way; nothing when there is no owner.
  virtual void insist(ToOwner kind, std::span<const std::byte> entry) = 0;
  /// Wakes the link's thread, which then looks for signals.
  virtual void ring() noexcept = 0;
};

/// Brings signals from the owner's ring into the hub of a joined process. Receivers that wait pull by themselves, so
/// that a stream costs no thread of its own; the link's thread brings what comes while all sleep. One at a time: who
/// finds the pump in use goes on without.
class SignalPump final : public SignalSource, public std::enable_shared_from_this<SignalPump> {
public:
  explicit SignalPump(OwnerPost& post) noexcept : post_(post) {}

  bool pull() noexcept override;
  void retire() noexcept override;

  // The link's thread.

  /// REQUIRES: called once, before all that follows; until leave() for the last time the hub and the post live.
  void start(SignalHub& hub, SignalOutlet& outlet) { relay_.emplace(hub, outlet, shared_from_this()); }
  /// `knows_run`: the ring is the one that was there before. Errors: bad_input.
  Status join(const NearSignals& near, bool knows_run);
  void leave();

  void take_signals(CborCursor& in);
  void take_fetched(CborCursor& in);

  using Time = std::chrono::steady_clock::time_point;

  /// Publishes what has come, up to a bound: but what belongs to a commit not before its version is `visible`.
  void look(Version visible);
  /// How long the thread may sleep then, unless the descriptor becomes readable, a message or commit comes, or it is
  /// rung for.
  std::chrono::nanoseconds pause() const noexcept { return pause_; }
  /// -1: nothing to wait for.
  int wake_descriptor() const noexcept { return state_ == State::listening ? bell_ : -1; }

private:
  /// Who uses the pump. Not a mutex: callbacks of receivers run inside, and may come back.
  class Use {
  public:
    explicit Use(std::atomic<bool>& taken) noexcept : taken_(&taken) {}
    ~Use() {
      if (taken_ != nullptr)
        taken_->store(false, std::memory_order_release);
    }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

  private:
    std::atomic<bool>* taken_;
  };
  bool try_take() noexcept { return !is_taken_.load(std::memory_order_relaxed) && !is_taken_.exchange(true); }
  Use take() noexcept;

  enum class State : std::uint8_t { apart, reading, listening, fetching };
  enum class Pause : std::uint8_t { none, nothing_new, too_early, needs_message };
  void go(State state) noexcept;
  Pause relay_some();
  std::optional<std::uint64_t> translated(std::uint64_t word) const noexcept;
  void learn(std::uint64_t number, std::string_view name);

  OwnerPost& post_;
  std::atomic<bool> is_taken_{false};
  std::atomic<bool> is_apart_{true};
  std::atomic<bool> is_listening_{false};
  std::atomic<bool> is_pulled_{false};  // since the thread looked, and nobody has retired since

  // Of who uses it; `state_` and `bell_` are written by the thread alone.
  std::optional<SignalRelay> relay_;
  std::optional<SignalWindow> window_;
  std::atomic<State> state_ = State::apart;
  int bell_ = -1;
  Version visible_ = 0;
  std::vector<std::uint32_t> topics_;  // numbers here by those there; 0: not known
  std::array<std::uint64_t, 256> heads_;

  // The thread's own.
  std::chrono::nanoseconds pause_ = std::chrono::nanoseconds::max();
};

}  // namespace theus

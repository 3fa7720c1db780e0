#pragma once

#include <theus/attach.hpp>
#include <theus/signal_hub.hpp>

namespace theus {

/// Tells one client of signals, or how often each name is heard. A client that is slower than the signals hears how
/// many it missed; it never keeps more than one message and what the hub keeps anyway. Belongs to one thread.
class SignalStream {
public:
  using Time = std::chrono::steady_clock::time_point;

  /// Signals are told, and counted, at most this often, so that a storm of them costs the engine little.
  static constexpr std::chrono::milliseconds look_interval{1};
  /// Counts are told this often, also when there are none.
  static constexpr std::chrono::milliseconds count_interval{100};

  SignalStream(SignalReceiver receiver, bool counts_only);

  /// The message about what came since the last look, if it is time for one.
  std::optional<Value> look(Time now);
  /// As look(), whatever the time: what is left of the signals, as far as one message holds them.
  std::optional<Value> last() { return counts_only_ ? std::nullopt : events(); }
  /// When to look again at the latest.
  Time look_at() const noexcept;
  /// Readable when a look may find something before look_at(); -1 when there is nothing to wait for.
  int wake_descriptor() const noexcept { return is_idle_ && !has_ended_ ? descriptor_ : -1; }

private:
  std::optional<Value> events();
  std::optional<Value> counts(Time now);
  void count_what_came();

  SignalReceiver receiver_;
  const int descriptor_;  // of the receiver
  const bool counts_only_;
  Time next_look_{};
  bool is_idle_ = false;  // the last look left nothing behind
  bool has_ended_ = false;
  std::vector<Event> batch_;
  SignalCounts counted_;
  std::optional<Time> counted_since_;  // nothing before the first look
};

}  // namespace theus

#pragma once

#include "runtime/attach/join_wire.hpp"
#include "runtime/attach/signal_lane.hpp"
#include "runtime/signal_export.hpp"

namespace theus {

/// What one joined process hears of the owner's hub and sends to it. Who is on the same host reads the hub's memory
/// itself and sends by a lane; only what does not stand there, names and large payloads, goes by messages. For others
/// everything does. Belongs to one thread.
class GuestSignals {
public:
  /// Throws OverloadError when the hub has too many subscribers.
  GuestSignals(SignalHub& hub, bool is_near);

  /// Whether it could be given memory, and what it gets then: ring, lane, and the bells of both (join_wire.hpp).
  bool is_near() const noexcept { return lane_.has_value(); }
  std::vector<Descriptor> descriptors() const;
  /// Where it goes on from.
  std::uint64_t begin() const noexcept { return begin_; }

  // Messages of the process.

  void take_signals(CborCursor& in);
  void take_names(CborCursor& in);
  void take_hear(CborCursor& in);
  void take_fetch(CborCursor& in);

  /// Whether it can take more messages.
  bool has_room() const noexcept { return letter_bytes_ < letter_bytes_max; }

  /// Publishes what the process has sent, as far as it is its turn, and sees what there is to tell it.
  /// Errors: bad_input, after which it must not be asked again.
  Status look();
  /// Publishes what a process has sent that is no longer there.
  void drain();
  /// Whether a look would find something at once; if not, the descriptor below becomes readable when one would.
  bool has_news() noexcept;
  int wake_descriptor() const noexcept;

  /// What there is to tell, or nothing, and the version that must be told before.
  bool has_message() const noexcept { return !message_.empty(); }
  std::vector<std::byte> take_message();
  Version stands_on() const noexcept { return stands_on_; }

private:
  static constexpr std::size_t letter_bytes_max = std::size_t{16} << 20;

  struct Letter {
    std::string name;
    Value payload;
    std::size_t bytes;
  };
  /// By the process's own numbers.
  struct PeerTopic {
    std::string name;
    const Topic* topic = nullptr;  // not interned here
    bool is_known = false;
  };

  void hear();
  void fetch();
  void add(const Received& received, bool with_topic);
  Result<bool> publish_from_lane();
  bool take(const SignalRecord& record);
  bool take_letter();
  bool wait_for_message() noexcept;
  void flush();

  SignalHub& hub_;
  const SignalExport export_;
  Descriptor bell_;       // of the process; rings when it is armed and something is published
  Descriptor lane_bell_;  // ours
  std::optional<LaneReader> lane_;
  bool awaits_lane_ = false;
  bool is_stuck_ = false;       // what comes next in the lane needs a message
  std::optional<Error> fault_;  // in the lane

  std::vector<PeerTopic> topics_;
  std::deque<Letter> letters_;  // whose place in the lane has not been reached
  std::size_t letter_bytes_ = 0;
  std::vector<SignalRecord> batch_;

  std::optional<std::uint64_t> fetch_at_;
  std::vector<std::byte> message_;
  Version stands_on_ = 0;

  SignalReceiver receiver_;  // after what its waker uses
  std::uint64_t begin_ = 0;
  int event_fd_ = -1;  // of the receiver, unless it is near
};

}  // namespace theus

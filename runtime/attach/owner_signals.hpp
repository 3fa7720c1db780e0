#pragma once

#include "runtime/attach/signal_lane.hpp"
#include "runtime/attach/signal_pump.hpp"

#include <mutex>

namespace theus {

/// The signals of a joined process: what is sent here goes to the owner, what the owner publishes is published here.
/// On the owner's host both by shared memory, which this alone reads and writes; else, and for what does not fit there,
/// by messages. Sending is thread-safe; all the rest belongs to one thread.
class OwnerSignals final : public SignalOutlet {
public:
  explicit OwnerSignals(OwnerPost& post) : post_(post), pump_(std::make_shared<SignalPump>(post)) {}

  Result<std::uint64_t> send(std::string_view name, const Value& payload) override;
  Result<std::uint64_t> send(const Topic& topic, const SignalRecord& record) override;

  /// What comes from the owner. REQUIRES: start() before all else.
  SignalPump& pump() noexcept { return *pump_; }
  void start(SignalHub& hub) { pump_->start(hub, *this); }
  /// There is an owner. `near`: what it gave, if anything; `knows_run`: it is the one that was there before.
  /// Errors: bad_input.
  Status join(std::optional<NearSignals> near, bool knows_run);
  /// There is none.
  void leave();

private:
  // Sending. REQUIRES: the lock.
  Status introduce(const Topic& topic);
  void put(const SignalRecord& record);

  OwnerPost& post_;

  std::mutex mutex_;
  // Guarded by mutex_.
  std::optional<LaneWriter> lane_;  // nothing: by messages
  int lane_bell_ = -1;
  std::vector<bool> introduced_;  // by topic number, to this owner
  std::uint64_t sent_ = 0;

  // The thread's own.
  std::optional<NearSignals> near_;
  const std::shared_ptr<SignalPump> pump_;  // receivers may live longer than this
};

}  // namespace theus

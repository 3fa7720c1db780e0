#include "runtime/signal_relay.hpp"

#include "runtime/signal_core.hpp"

namespace theus {

SignalRelay::SignalRelay(SignalHub& hub, SignalOutlet& outlet, std::shared_ptr<SignalSource> source) : hub_(hub) {
  hub_.core_->outlet = &outlet;
  hub_.core_->source = std::move(source);
  (void)hub_.core_->topics.limit("**", 1);
}

void SignalRelay::publish(std::string_view name, const Value& payload, Version version, std::uint32_t index) {
  SignalCore& core = *hub_.core_;
  const Topic* topic = core.topics.intern(name);
  SignalRecord record =
      payload.is_bytes() ? core.record(topic, name, payload.as_bytes()) : core.record(topic, name, payload);
  record.set_index(index);
  core.relay(version, record);
}

void SignalRelay::publish(const CopiedRun& run) { hub_.core_->relay(run); }

std::uint32_t SignalRelay::topic(std::string_view name) {
  const Topic* topic = hub_.core_->topics.intern(name);
  return topic != nullptr ? topic->id : 0;
}

void SignalRelay::lose(std::uint64_t signals) {
  SignalRecord record{.word = SignalHead{.form = PayloadForm::gap, .bytes = sizeof signals}.word(), .payload = {}};
  record.payload[0] = signals;
  hub_.core_->relay(0, record);
}

}  // namespace theus

#include "runtime/signal_export.hpp"

#include "runtime/signal_subscriber.hpp"

namespace theus {

SignalHub SignalExport::make_hub(const SignalHubOptions& options) {
  return SignalHub{std::make_shared<SignalCore>(options, SignalCore::Memory::shared)};
}

int SignalExport::memory() const noexcept { return core_->memory.file(); }
std::uint64_t SignalExport::end() const noexcept { return core_->ring.tail(); }
const Topic* SignalExport::topic(std::string_view name) const { return core_->topics.intern(name); }

bool SignalExport::passes(const Topic& topic) const {
  if (!topic.limit.is_set() || core_->topics.pass(&topic, topic.text)) [[likely]]
    return true;
  core_->count_rate_limited();
  return false;
}

void SignalExport::admit(std::span<const SignalRecord> records) const { core_->admit(records); }

void SignalExport::skip_to_newest(SignalReceiver& receiver) { receiver.subscriber_->skip_to_newest(); }

}  // namespace theus

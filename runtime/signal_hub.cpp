#include <theus/signal_hub.hpp>

#include "runtime/signal_relay.hpp"
#include "runtime/signal_subscriber.hpp"

#include <theus/errors.hpp>

#include <algorithm>

namespace theus {
namespace {

// In a hub that relays another one every name has a limit, so that others need not ask whether theirs does.
bool passes(SignalCore& core, const Topic* topic, std::string_view name) {
  if (topic != nullptr && !topic->limit.is_set()) [[likely]]
    return true;
  if (core.outlet != nullptr)
    return false;
  if (core.topics.pass(topic, name))
    return true;
  core.count_rate_limited();
  return false;
}

Value content_of(const Value& payload) { return payload; }
Value content_of(std::initializer_list<Member> members) { return members.size() == 0 ? Value{} : Value(members); }
Value content_of(std::span<const std::byte> bytes) { return Value::bytes(bytes); }

template <class Content>
Result<std::uint64_t> send_to(SignalOutlet& outlet, const Topic* topic, std::string_view name, const Content& content) {
  SignalRecord record;
  return SignalCore::fit(record, topic, content) ? outlet.send(*topic, record) : outlet.send(name, content_of(content));
}

/// What did not pass: it goes to the outlet, if there is one.
template <class Content>
std::uint64_t send_elsewhere(SignalCore& core, const Topic* topic, std::string_view name, const Content& content) {
  return core.outlet != nullptr ? send_to(*core.outlet, topic, name, content).value_or(0) : 0;
}

Error over_rate_limit(std::string_view name) {
  return {Errc::overloaded, "SignalHub", "the signal '" + std::string{name} + "' exceeds its rate limit"};
}

template <class Content>
std::uint64_t send_one(SignalCore& core, const Topic* topic, std::string_view name, const Content& content) {
  if (!passes(core, topic, name)) [[unlikely]]
    return send_elsewhere(core, topic, name, content);
  return core.publish(core.record(topic, name, content));
}

[[gnu::noinline]] std::uint64_t send_any_bytes(SignalCore& core, const Topic* topic, std::string_view name,
                                               std::span<const std::byte> bytes) {
  return send_one(core, topic, name, bytes);
}

// In front of a call at its end, so that it saves no registers.
std::uint64_t send_bytes(SignalCore& core, const Topic* topic, std::string_view name,
                         std::span<const std::byte> bytes) {
  if (topic == nullptr || topic->limit.is_set() || bytes.size() > payload_bytes_inline_max) [[unlikely]]
    return send_any_bytes(core, topic, name, bytes);
  return core.publish(*topic, bytes);
}

}  // namespace

std::string_view SignalTopic::name() const noexcept { return topic_->text; }

SignalHub::SignalHub(const SignalHubOptions& options) : core_(std::make_shared<SignalCore>(options)) {}
SignalHub::SignalHub(std::shared_ptr<SignalCore> core) noexcept : core_(std::move(core)) {}
SignalHub::SignalHub(SignalHub&&) noexcept = default;

SignalHub& SignalHub::operator=(SignalHub&& other) noexcept {
  std::swap(core_, other.core_);
  return *this;
}

SignalHub::~SignalHub() {
  if (core_)
    core_->close();
}

std::uint64_t SignalHub::send(std::string_view name, const Value& payload) {
  return send_one(*core_, core_->topics.intern(name), name, payload);
}

std::uint64_t SignalHub::send(std::string_view name, std::initializer_list<Member> members) {
  return send_one(*core_, core_->topics.intern(name), name, members);
}

std::uint64_t SignalHub::send(std::string_view name, std::span<const std::byte> bytes) {
  return send_bytes(*core_, core_->topics.intern(name), name, bytes);
}

std::uint64_t SignalHub::send(const SignalTopic& topic, const Value& payload) {
  return send_one(*core_, topic.topic_, topic.name(), payload);
}

std::uint64_t SignalHub::send(const SignalTopic& topic, std::initializer_list<Member> members) {
  return send_one(*core_, topic.topic_, topic.name(), members);
}

std::uint64_t SignalHub::send(const SignalTopic& topic, std::span<const std::byte> bytes) {
  return send_bytes(*core_, topic.topic_, topic.name(), bytes);
}

Result<std::uint64_t> SignalHub::try_send(std::string_view name, const Value& payload) {
  const Topic* topic = core_->topics.intern(name);
  if (!passes(*core_, topic, name))
    return core_->outlet != nullptr ? send_to(*core_->outlet, topic, name, payload) : over_rate_limit(name);
  return core_->try_publish(payload.is_bytes() ? core_->record(topic, name, payload.as_bytes())
                                               : core_->record(topic, name, payload));
}

std::uint64_t SignalHub::send_batch(std::span<const Signal> signals) {
  if (core_->outlet != nullptr) {
    std::uint64_t first = 0;
    for (const Signal& signal : signals)
      if (const std::uint64_t number = send(signal.name, signal.payload); first == 0)
        first = number;
    return first;
  }
  std::vector<SignalRecord> records;
  records.reserve(signals.size());
  for (const Signal& signal : signals) {
    const Topic* topic = core_->topics.intern(signal.name);
    if (passes(*core_, topic, signal.name))
      records.push_back(core_->record(topic, signal.name, signal.payload));
  }
  return records.empty() ? 0 : core_->publish(records);
}

std::uint64_t SignalHub::send_batch(const SignalTopic& topic, std::span<const std::byte> bytes,
                                    std::size_t record_bytes) {
  if (bytes.empty() || record_bytes == 0)
    return 0;
  if (record_bytes <= payload_bytes_inline_max && !topic.topic_->limit.is_set()) [[likely]]
    return core_->publish(ByteRun{bytes_head(*topic.topic_), bytes, record_bytes});
  std::vector<SignalRecord> records;
  records.reserve(bytes.size() / record_bytes + 1);
  std::uint64_t first = 0;
  for (auto rest = bytes; !rest.empty();) {
    const auto part = rest.first(std::min(record_bytes, rest.size()));
    rest = rest.subspan(part.size());
    if (core_->outlet != nullptr) {
      const std::uint64_t number = send(topic, part);
      first = first == 0 ? number : first;
    } else if (passes(*core_, topic.topic_, topic.name())) {
      records.push_back(core_->record(topic.topic_, topic.name(), part));
    }
  }
  return records.empty() ? first : core_->publish(records);
}

std::uint64_t SignalHub::publish_commit(std::uint64_t version, std::span<const Signal> signals) {
  std::vector<SignalRecord> records;
  records.reserve(signals.size());
  for (const Signal& signal : signals)
    records.push_back(core_->record(core_->topics.intern(signal.name), signal.name, signal.payload));
  return records.empty() ? 0 : core_->publish_commit(version, records);
}

SignalTopic SignalHub::topic(std::string_view name) {
  const Topic* topic = core_->topics.intern(name);
  if (topic == nullptr)
    raise(Error{Errc::resource_exhausted, "SignalHub", "the name '" + std::string{name} + "' cannot be interned",
                "Raise topics_max; names have at most " + std::to_string(TopicTable::name_bytes_max) + " bytes"}
              .with("limit", core_->options.topics_max));
  return SignalTopic{topic};
}

SignalReceiver SignalHub::subscribe(const SubscribeOptions& options) { return try_subscribe(options).value(); }

Result<SignalReceiver> SignalHub::try_subscribe(const SubscribeOptions& options) {
  auto subscriber = std::make_shared<Subscriber>(core_, options);
  if (Status added = core_->add(subscriber); !added)
    return added.error();
  return SignalReceiver{std::move(subscriber)};
}

void SignalHub::limit_rate(std::string_view pattern, std::uint64_t per_second) {
  if (core_->outlet != nullptr)
    return;
  if (!core_->topics.limit(pattern, per_second))
    raise(Error{Errc::resource_exhausted, "SignalHub", "there are too many rate limits"}.with("limit",
                                                                                              TopicTable::limits_max));
}

void SignalHub::close() { core_->close(); }
std::size_t SignalHub::capacity() const noexcept { return core_->options.capacity; }
SignalHubStatistics SignalHub::statistics() const { return core_->statistics(); }

}  // namespace theus

#include "runtime/attach/signal_stream.hpp"

#include "runtime/attach/wire.hpp"
#include "runtime/cbor.hpp"

namespace theus {
namespace {

// Of one message, before it is ended.
constexpr std::size_t events_max = 1024;
constexpr std::size_t bytes_max = std::size_t{1} << 20;
// Of one look at counts, so that a producer that is quicker than the look cannot hold the thread.
constexpr std::size_t events_per_look = 65'536;
constexpr std::size_t batch_max = 256;
constexpr std::size_t names_max = 1000;

}  // namespace

SignalStream::SignalStream(SignalReceiver receiver, bool counts_only)
    : receiver_(std::move(receiver)), descriptor_(receiver_.event_fd()), counts_only_(counts_only) {}

std::optional<Value> SignalStream::look(Time now) {
  if (now < next_look_)
    return std::nullopt;
  next_look_ = now + look_interval;
  return counts_only_ ? counts(now) : events();
}

SignalStream::Time SignalStream::look_at() const noexcept {
  if (!is_idle_)
    return next_look_;
  return counted_since_ ? *counted_since_ + count_interval : Time::max();
}

std::optional<Value> SignalStream::events() {
  Value list = Value::list();
  for (std::size_t bytes = 0; list.size() < events_max && bytes < bytes_max;) {
    const Received received = receiver_.try_recv();
    has_ended_ = received.is_closed();
    is_idle_ = has_ended_ || received.is_empty();
    if (is_idle_)
      break;
    const Value entry = received ? to_wire(*received) : Value{{"missed", received.lagged()}};
    bytes += encoded_size(entry);
    list.push_back(entry);
  }
  if (list.empty())
    return std::nullopt;
  return Value{{"event", "signals"}, {"signals", list}};
}

std::optional<Value> SignalStream::counts(Time now) {
  count_what_came();
  const Time since = counted_since_.value_or(now);
  if (!counted_since_)
    counted_since_ = now;
  if (now < since + count_interval)
    return std::nullopt;
  counted_.elapsed = std::chrono::duration_cast<std::chrono::microseconds>(now - since);
  counted_since_ = now;
  Value message = to_wire(std::exchange(counted_, {}));
  message.set("event", "counts");
  return message;
}

void SignalStream::count_what_came() {
  is_idle_ = false;
  for (std::size_t taken = 0; taken < events_per_look && !is_idle_;) {
    const ReceivedBatch batch = receiver_.recv_batch(batch_, batch_max);
    has_ended_ = batch.is_closed();
    is_idle_ = has_ended_ || batch.is_empty();
    counted_.missed += batch.lagged();
    if (!batch)
      continue;
    taken += batch.events().size();
    for (const Event& event : batch) {
      const std::string name = event.name.str();
      const bool is_told_apart = counted_.counts.size() < names_max || counted_.counts.contains(name);
      ++(is_told_apart ? counted_.counts[name] : counted_.further);
    }
  }
}

}  // namespace theus

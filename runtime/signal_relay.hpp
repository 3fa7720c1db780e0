#pragma once

#include <theus/signal_hub.hpp>
#include <theus/version.hpp>

#include <memory>

namespace theus {

struct CopiedRun;
struct SignalRecord;
struct Topic;

/// Where signals go that are sent through a hub which only relays another one. Thread-safe.
class SignalOutlet {
public:
  virtual ~SignalOutlet() = default;
  /// Waits for nobody. A number from 1 on, or why it could not be sent.
  virtual Result<std::uint64_t> send(std::string_view name, const Value& payload) = 0;
  /// The same of one that fits into a record: of an interned name, and not large.
  virtual Result<std::uint64_t> send(const Topic& topic, const SignalRecord& record) = 0;
};

/// Where that comes from what a relaying hub publishes, for receivers that need not wait until somebody brings it.
/// Thread-safe.
class SignalSource {
public:
  virtual ~SignalSource() = default;
  /// Publishes some of what is there at once. Whether anything was; false as well while another thread does.
  virtual bool pull() noexcept = 0;
  /// Somebody who may have pulled will not any more: what comes must be brought, and wakes sleepers.
  virtual void retire() noexcept = 0;
};

/// Makes a hub the relay of another process's: whatever is sent through it goes to the outlet, and what it publishes is
/// what comes back by publish(). Rate limits and the wish of subscribers that senders wait are not heeded in it.
class SignalRelay {
public:
  /// REQUIRES: nobody sends or receives yet; the outlet lives until the hub is closed.
  SignalRelay(SignalHub& hub, SignalOutlet& outlet, std::shared_ptr<SignalSource> source = nullptr);

  // By one thread at a time.

  void publish(std::string_view name, const Value& payload, Version version, std::uint32_t index);
  /// The same of a run, whose topics are those of topic().
  void publish(const CopiedRun& run);
  /// The number by which the name stands in records; 0: it has none here.
  std::uint32_t topic(std::string_view name);
  std::size_t capacity() const noexcept { return hub_.capacity(); }
  /// So many were lost on the way: every subscriber hears of them.
  void lose(std::uint64_t signals);

private:
  SignalHub& hub_;
};

}  // namespace theus

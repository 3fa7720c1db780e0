#pragma once

#include <theus/signal_hub.hpp>
#include <theus/version.hpp>

namespace theus {

/// Where signals go that are sent through a hub which only relays another one. Thread-safe.
class SignalOutlet {
public:
  virtual ~SignalOutlet() = default;
  /// Waits for nobody. A number from 1 on, or why it could not be sent.
  virtual Result<std::uint64_t> send(std::string_view name, const Value& payload) = 0;
};

/// Makes a hub the relay of another process's: whatever is sent through it goes to the outlet, and what it publishes is
/// what comes back by publish(). Rate limits and the wish of subscribers that senders wait are not heeded in it.
class SignalRelay {
public:
  /// REQUIRES: nobody sends yet; the outlet lives until the hub is closed.
  SignalRelay(SignalHub& hub, SignalOutlet& outlet);

  /// By one thread.
  void publish(std::string_view name, const Value& payload, Version version, std::uint32_t index);
  /// So many were lost on the way: every subscriber hears of them.
  void lose(std::uint64_t signals);

private:
  SignalHub& hub_;
};

}  // namespace theus

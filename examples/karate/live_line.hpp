#pragma once

#include <theus/signal_hub.hpp>

#include <chrono>
#include <cstdint>
#include <thread>

namespace karate {

/// Tells on stderr how a simulation gets on: a thread that listens to the signal `round`. On a terminal one line is
/// rewritten in place; elsewhere a line is written every second and at the end.
class LiveLine {
public:
  LiveLine(theus::SignalHub& hub, std::size_t agents);
  /// Waits for the end of the hub.
  ~LiveLine();

private:
  void listen(theus::SignalReceiver receiver);
  void show(const theus::Payload& round) const;

  const std::size_t agents_;
  const bool terminal_;
  const std::chrono::steady_clock::time_point start_;
  std::thread listener_;
};

}  // namespace karate

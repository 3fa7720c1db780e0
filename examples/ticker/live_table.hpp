#pragma once

#include <theus/signal_hub.hpp>

#include <thread>

/// Shows on the standard error stream, ten times a second, what each subscriber of a hub has received and lost.
class LiveTable {
public:
  explicit LiveTable(const theus::SignalHub& hub);

private:
  std::jthread shows_;
};

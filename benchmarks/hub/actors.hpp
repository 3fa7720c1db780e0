#pragma once

#include "benchmarks/hub_load.hpp"

namespace theus::bench {

/// Deliveries per second to actors that subscribe as they do in an engine; nothing is lost.
double actors_that_drain(const HubLoad& load);
/// The same by an actor that sends every subscriber one message for each event, on the same scheduler.
double actors_with_a_message_each(const HubLoad& load);

}  // namespace theus::bench

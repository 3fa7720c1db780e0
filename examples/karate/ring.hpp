#pragma once

#include <theus/engine.hpp>

namespace karate {

/// A made-up crowd of any size: agents `agent_0` ... in a ring, each of an opinion of its own at first, each taking
/// over the mean of its own and its two neighbours' opinions, round after round.
theus::Status form_ring(theus::Engine& engine, std::size_t agents);

/// The same agents in a process that has joined an engine with such a ring.
theus::Status join_ring(theus::Engine& engine);

/// Runs the rounds and sends the signal `round` after each.
theus::Status turn_ring(theus::Engine& engine, int rounds);

}  // namespace karate

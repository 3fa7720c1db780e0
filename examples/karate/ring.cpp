#include "ring.hpp"

namespace karate {
namespace {

struct Place {
  std::uint32_t index;
  std::uint32_t agents;

  Place left() const { return {(index + agents - 1) % agents, agents}; }
  Place right() const { return {(index + 1) % agents, agents}; }
  std::string name() const { return "agent_" + std::to_string(index); }
  theus::Path path() const { return theus::Path{"domain.ring"}.key(name()); }
};

/// Between -1 and 1, scattered, the same in every run.
double first_opinion(std::uint32_t index) { return static_cast<double>(index * 2654435769U) / 2147483648.0 - 1.0; }

theus::Agent agent_at(Place place) {
  const auto listen = [place](theus::Context& ctx) {
    const auto opinion = [&](Place of) { return ctx.get<double>(of.path()); };
    return (opinion(place.left()) + opinion(place) + opinion(place.right())) / 3;
  };
  return {.name = place.name(),
          .reads = {place.left().path().text(), place.path().text(), place.right().path().text()},
          .writes = {place.path().text()},
          .body = listen};
}

Place place_of(std::size_t index, std::size_t agents) {
  return {static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(agents)};
}

theus::Status spawn_all(theus::Engine& engine, std::size_t agents) {
  return engine.spawn_agents(agents, [agents](std::size_t i) { return agent_at(place_of(i, agents)); });
}

}  // namespace

theus::Status form_ring(theus::Engine& engine, std::size_t agents) {
  theus::Value opinions = theus::Value::map();
  for (std::uint32_t i = 0; i < agents; ++i)
    opinions.set(place_of(i, agents).name(), first_opinion(i));
  if (auto begun = engine.compare_and_swap(engine.version(), {{"domain.ring", std::move(opinions)}}); !begun)
    return begun.error();
  return spawn_all(engine, agents);
}

theus::Status join_ring(theus::Engine& engine) {
  const auto ring = engine.state().get("domain.ring");
  return ring ? spawn_all(engine, ring->size()) : theus::Status{ring.error()};
}

theus::Status turn_ring(theus::Engine& engine, int rounds) {
  for (int round = 1; round <= rounds; ++round) {
    if (auto done = engine.round("agent_*"); !done)
      return done.error();
    engine.signals().send("round", {{"round", round}});
  }
  return {};
}

}  // namespace karate

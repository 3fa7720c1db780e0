// A rover collects samples on a plain and goes home before its battery is empty. Each move is one execution of three
// stages, observation -> think -> act: they read one snapshot, what each says is a struct that the next one takes, and
// what comes of it is one commit. A stage that fails is named, and leaves no trace.

#include <theus/engine.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

#include "journal_arguments.hpp"

struct Place {
  int x;
  int y;
  bool operator==(const Place&) const = default;
};
THEUS_FIELDS(Place, x, y)

struct Rover {
  Place at;
  int battery;
  int collected;
};
THEUS_FIELDS(Rover, at, battery, collected)

namespace {

using theus::Context;
using theus::Stage;

constexpr Place home{0, 0};

struct Observation {
  Rover rover;
  std::vector<Place> samples;
};

enum class Intent { collect, approach, return_home, rest };

struct Thought {
  Intent intent;
  Place goal;
};

int distance(Place a, Place b) { return std::abs(a.x - b.x) + std::abs(a.y - b.y); }

Place one_step(Place from, Place to) {
  if (from.x != to.x)
    return {from.x + (to.x > from.x ? 1 : -1), from.y};
  return {from.x, from.y + (to.y > from.y) - (to.y < from.y)};
}

Observation observe(Context& ctx) {
  return {ctx.get<Rover>("domain.rover"), ctx.get<std::vector<Place>>("domain.samples")};
}

/// A function of what was seen, and of nothing else: tests call it without an engine.
Thought think(const Observation& seen) {
  const Place here = seen.rover.at;
  const auto nearest = std::ranges::min_element(seen.samples, {}, [&](Place at) { return distance(here, at); });
  const bool has_goal = nearest != seen.samples.end();
  if (has_goal && distance(here, *nearest) + distance(*nearest, home) <= seen.rover.battery)
    return {*nearest == here ? Intent::collect : Intent::approach, *nearest};
  return {here == home ? Intent::rest : Intent::return_home, home};
}

theus::Returned act(Context& ctx, const Thought& thought) {
  auto rover = ctx.get<Rover>("domain.rover");
  if (thought.intent == Intent::rest)
    return theus::Returned::named({{"domain.done", true}});
  if (thought.intent == Intent::collect) {
    ++rover.collected;
    auto samples = ctx.get<std::vector<Place>>("domain.samples");
    std::erase(samples, rover.at);
    return theus::Returned::named({{"domain.rover", rover}, {"domain.samples", samples}});
  }
  if (rover.battery == 0)
    throw std::runtime_error{"the battery is empty"};
  rover.at = one_step(rover.at, thought.goal);
  --rover.battery;
  return theus::Returned::named({{"domain.rover", rover}});
}

theus::Status register_rover(theus::Engine& engine) {
  return engine.register_process(
      {.name = "deliberate",
       .inputs = {"domain.rover", "domain.samples"},
       .outputs = {"domain.rover", "domain.samples", "domain.done"},
       .semantic = theus::Semantic::pure,
       .body = theus::pipeline(Stage{"observe", observe}, Stage{"think", think}, Stage{"act", act})});
}

void show(const theus::Snapshot& state) {
  const auto rover = state.get<Rover>("domain.rover").value();
  std::printf("collected %d, battery %d, at (%d, %d), version %d\n", rover.collected, rover.battery, rover.at.x,
              rover.at.y, static_cast<int>(state.version()));
}

}  // namespace

int main(int argc, char** argv) {
  const auto [journal, again] = examples::take_journal_arguments(argc, argv);
  if (again)
    return examples::rerun(*again, register_rover);
  theus::Engine engine{{.initial = {{"domain.rover", theus::to_value(Rover{home, 24, 0})},
                                    {"domain.samples", theus::to_value(std::vector<Place>{{2, 1}, {3, 4}, {9, 9}})}},
                        .journal = journal}};
  register_rover(engine).value();

  int deliberations = 0;
  while (!engine.state().data().get<bool>("domain.done", false).value()) {
    engine.execute("deliberate").value();
    ++deliberations;
  }
  std::printf("%d deliberations: ", deliberations);
  show(engine.state());

  // Somebody takes the battery out, far from home: the stage that cannot go on is named, and nothing has changed.
  auto edit = engine.edit("an experiment").value();
  edit.set("domain.rover", theus::to_value(Rover{{5, 5}, 0, 2})).value();
  edit.commit().value();
  const auto stranded = engine.execute("deliberate");
  std::puts(stranded.error().text().c_str());
  show(engine.state());
}

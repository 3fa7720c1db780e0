#pragma once

#include "tests/support/fake_turn.hpp"

#include <algorithm>
#include <optional>
#include <random>

namespace theus::testing {

/// A tree of paths for histories: `groups` groups below one root, of `leaves` leaves each.
inline std::vector<PathId> groups_of_leaves(PathId groups, PathId leaves) {
  std::vector<PathId> parents{no_path};
  for (PathId group = 0; group < groups; ++group) {
    const auto id = static_cast<PathId>(parents.size());
    parents.push_back(0);
    parents.insert(parents.end(), leaves, id);
  }
  return parents;
}

/// What clients do, in how small a space: each looks at some paths and then swaps on what it saw, now and then on an
/// older version, now and then without waiting for the answer.
struct SimulationOptions {
  unsigned clients = 4;
  unsigned operations = 100;
  unsigned lost_one_in = 20;  // answers that do not arrive
};

/// One client's next wishes. Values are unique, so that a read tells which swap it saw.
class ClientMind {
public:
  ClientMind(const History& shape, unsigned seed, std::int64_t first_value)
      : shape_(shape), random_(seed), next_value_(first_value) {}

  unsigned roll(unsigned sides) { return static_cast<unsigned>(random_() % sides); }
  bool wants_to_look() const { return !has_looked_; }

  std::span<const PathId> choose_paths() {
    paths_.clear();
    for (unsigned count = 1 + roll(2); count > 0; --count)
      paths_.push_back(any_path());
    return paths_;
  }

  void has_seen(std::uint64_t version) {
    if (roll(4) != 0 || version < base_)
      base_ = version;
    has_looked_ = true;
  }

  History::Wish wish() {
    has_looked_ = false;
    if (roll(3) == 0)
      paths_.clear();
    changes_.clear();
    if (roll(6) == 0)
      add_replacement();
    for (unsigned count = roll(8) == 0 ? 0 : 1 + roll(2); count > 0; --count)
      add(any_change());
    return {base_, paths_, changes_};
  }

private:
  PathId any_path() { return roll(static_cast<unsigned>(shape_.paths())); }

  Change any_change() {
    const unsigned kind = roll(8);
    if (kind == 0)
      return {any_path(), Change::Kind::erase};
    PathId leaf = any_path();
    while (!shape_.is_leaf(leaf))
      leaf = any_path();
    if (kind == 1)
      return {leaf, Change::Kind::erase};
    if (kind < 4)
      return {leaf, Change::Kind::increment, 1};
    return {leaf, Change::Kind::set, next_value_++ * 1000};
  }

  // A whole subtree in the place of another: erased, and then some of its leaves set.
  void add_replacement() {
    PathId above = any_path();
    while (shape_.is_leaf(above))
      above = any_path();
    changes_.push_back({above, Change::Kind::erase});
    for (PathId leaf = above + 1; leaf < shape_.paths(); ++leaf)
      if (shape_.is_leaf(leaf) && shape_.covers(above, leaf) && roll(2) == 0)
        changes_.push_back({leaf, Change::Kind::set, next_value_++ * 1000});
  }

  // No path twice, nor one below another.
  void add(const Change& change) {
    const bool meets = std::ranges::any_of(changes_, [&](const Change& other) {
      return shape_.covers(other.path, change.path) || shape_.covers(change.path, other.path);
    });
    if (!meets)
      changes_.push_back(change);
  }

  const History& shape_;
  std::mt19937 random_;
  std::int64_t next_value_;
  std::uint64_t base_ = 0;
  bool has_looked_ = false;
  std::vector<PathId> paths_;
  std::vector<Change> changes_;
};

inline void record(History& history, History::Interval when, std::span<const PathId> paths,
                   const Observation& observation) {
  std::vector<Glimpse> glimpses;
  for (std::size_t i = 0; i < paths.size(); ++i)
    glimpses.push_back({paths[i], observation.seen[i]});
  history.read(when, observation.version, glimpses);
}

inline void record(History& history, History::Interval when, const History::Wish& wish, const Answer& answer) {
  switch (answer.outcome) {
    case Operation::Outcome::ok: return history.swapped(when, wish, answer.version);
    case Operation::Outcome::mismatch: return history.mismatched(when, wish, answer.path, answer.version);
    case Operation::Outcome::unknown: return history.unanswered(when.invoked, wish);
  }
}

/// Runs clients on the state, one step of one client at a time: call, effect, answer. The seed decides all.
template <class State>
History simulate(State& state, const std::vector<PathId>& parents, unsigned seed, const SimulationOptions& options) {
  enum class Step { idle, called, done };
  struct Client {
    ClientMind mind;
    Step step = Step::idle;
    std::uint64_t invoked = 0;
    std::vector<PathId> paths{};
    std::optional<Observation> observation{};
    History::Wish wish{};
    Answer answer{};
  };
  History history{parents};
  std::mt19937 random{seed};
  std::vector<Client> clients;
  for (unsigned i = 0; i < options.clients; ++i)
    clients.push_back(
        {.mind = ClientMind{history, static_cast<unsigned>(random()), 1 + 1'000'000 * static_cast<std::int64_t>(i)}});
  std::uint64_t clock = 0;
  unsigned begun = 0;
  unsigned busy = 0;
  while (begun < options.operations || busy > 0) {
    Client& client = clients[random() % clients.size()];
    switch (client.step) {
      case Step::idle:
        if (begun == options.operations)
          break;
        ++begun;
        ++busy;
        client.invoked = ++clock;
        client.observation.reset();
        client.step = Step::called;
        if (client.mind.wants_to_look()) {
          const auto paths = client.mind.choose_paths();
          client.paths.assign(paths.begin(), paths.end());
          client.observation.emplace();
        } else {
          client.wish = client.mind.wish();
        }
        break;
      case Step::called:
        if (client.observation) {
          client.observation = state.observe(client.paths);
        } else {
          const bool is_lost = random() % options.lost_one_in == 0;
          if (!is_lost || random() % 2 == 0)
            client.answer = state.swap(client.wish);
          if (is_lost) {
            client.answer.outcome = Operation::Outcome::unknown;
            if constexpr (requires { state.lose_answer(); })
              state.lose_answer();
          }
        }
        client.step = Step::done;
        break;
      case Step::done:
        if (client.observation) {
          record(history, {client.invoked, ++clock}, client.paths, *client.observation);
          client.mind.has_seen(client.observation->version);
        } else {
          record(history, {client.invoked, ++clock}, client.wish, client.answer);
        }
        client.step = Step::idle;
        --busy;
        break;
    }
  }
  return history;
}

}  // namespace theus::testing

// Snapshots that are pinned, copied, handed over and released while others commit and erase whole subtrees. Under
// AddressSanitizer every node is an allocation of its own, so a read of a reclaimed one is seen.

#include "runtime/commit_turn.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <mutex>
#include <optional>
#include <random>
#include <thread>

namespace theus {
namespace {

constexpr int trees = 4;
constexpr int leaves = 16;

std::string tree_name(unsigned tree) { return "t" + std::to_string(tree % trees); }
std::string leaf_name(int leaf) { return "k" + std::to_string(leaf); }

/// All leaves of the tree set to one number: one by one, or the tree as one value.
std::vector<Write> whole_tree(unsigned tree, std::int64_t number, bool as_one) {
  const Path path = Path{"domain"}.key(tree_name(tree));
  Value map = Value::map();
  std::vector<Write> writes;
  for (int leaf = 0; leaf < leaves; ++leaf) {
    writes.push_back(Write::set(path.key(leaf_name(leaf)), number));
    map.set(leaf_name(leaf), number);
  }
  return as_one ? std::vector<Write>{Write::set(path, map)} : writes;
}

/// Whether every tree is absent, or holds all its leaves with one number.
bool is_whole(const Snapshot& snapshot) {
  const Value domain = snapshot.find("domain").value_or(Value::map());
  for (const auto [name, tree] : domain.members()) {
    if (tree.size() != leaves)
      return false;
    for (const auto [key, number] : tree.members())
      if (number != tree[leaf_name(0)])
        return false;
  }
  return true;
}

/// Snapshots that threads hand to each other, so that they are released elsewhere than pinned.
class Exchange {
public:
  void trade(Snapshot& mine, std::size_t at) {
    const std::lock_guard lock{mutex_};
    auto& place = places_[at % places_.size()];
    if (place)
      std::swap(mine, *place);
    else
      place = mine;
  }

private:
  std::mutex mutex_;
  std::array<std::optional<Snapshot>, 8> places_;
};

TEST_CASE("snapshots stay whole under commits that replace and erase what they show", "[snapshot][stress]") {
  CommitTurn turn;
  Exchange exchange;
  std::atomic<int> writers{2};
  std::atomic<bool> torn{false};
  std::atomic<std::uint64_t> commits{0};

  const auto write = [&](unsigned seed) {
    std::mt19937 random{seed};
    for (int i = 0; i < 6000; ++i) {
      const auto tree = static_cast<unsigned>(random());
      const auto writes = random() % 4 == 0 ? std::vector<Write>{Write::erase(Path{"domain"}.key(tree_name(tree)))}
                                            : whole_tree(tree, i, random() % 2 == 0);
      if (turn.commit(ProposalView{turn.version(), false, {}, writes, {}}))
        ++commits;
    }
    --writers;
  };
  const auto read = [&](unsigned seed) {
    std::mt19937 random{seed};
    std::vector<std::pair<Snapshot, Value>> held;
    while (writers > 0) {
      Snapshot mine = turn.snapshot();
      if (random() % 4 == 0)
        exchange.trade(mine, random());
      if (!is_whole(mine))
        torn = true;
      const Snapshot copy = mine;
      if (random() % 4 == 0)
        held.emplace_back(copy, copy.find("").value());
      if (held.size() > 12)
        held.erase(held.begin() + static_cast<std::ptrdiff_t>(random() % held.size()));
      if (!held.empty()) {
        const auto& [old, expected] = held[random() % held.size()];
        if (old.find("") != expected)
          torn = true;
      }
    }
  };

  std::vector<std::thread> threads;
  for (unsigned i = 0; i < 2; ++i)
    threads.emplace_back(write, i);
  for (unsigned i = 2; i < 5; ++i)
    threads.emplace_back(read, i);
  for (std::thread& thread : threads)
    thread.join();
  CHECK_FALSE(torn);
  CHECK(commits > 1000);
}

TEST_CASE("snapshots released after their state are released by whichever thread is last", "[snapshot][stress]") {
  std::atomic<int> wrong{0};
  for (int round = 0; round < 200; ++round) {
    auto turn = std::make_unique<CommitTurn>();
    turn->commit(ProposalView{0, false, {}, whole_tree(0, round, false), {}}).value();
    std::vector<Snapshot> held(6, turn->snapshot());
    held.push_back(turn->snapshot());
    std::vector<std::thread> threads;
    for (Snapshot& snapshot : held)
      threads.emplace_back([mine = std::move(snapshot), round, &wrong] {
        if (mine.get<int>("domain.t0.k0").value() != round)
          ++wrong;
      });
    turn.reset();
    for (std::thread& thread : threads)
      thread.join();
  }
  CHECK(wrong == 0);
}

TEST_CASE("more snapshots than one chunk of pins holds are all kept apart", "[snapshot]") {
  CommitTurn turn;
  std::vector<Snapshot> held;
  for (int i = 0; i < 1000; ++i) {
    const std::vector<Write> writes{{"domain.n", i}};
    turn.commit(ProposalView{turn.version(), false, {}, writes, {}}).value();
    held.push_back(turn.snapshot());
  }
  for (int i = 0; i < 1000; ++i)
    CHECK(held[static_cast<std::size_t>(i)].get<int>("domain.n").value() == i);
}

TEST_CASE("releasing old snapshots gives their memory back", "[snapshot]") {
  CommitTurn turn;
  std::vector<Snapshot> held;
  const auto commit = [&](int number) {
    turn.commit(ProposalView{turn.version(), false, {}, whole_tree(0, number, false), {}}).value();
  };
  for (int i = 0; i < 300; ++i) {
    commit(i);
    held.push_back(turn.snapshot());
  }
  const std::size_t full = turn.statistics().node_bytes;
  held.clear();
  for (int i = 0; i < 300; ++i)
    commit(i);
  CHECK(turn.statistics().node_bytes < full / 3);
}

}  // namespace
}  // namespace theus

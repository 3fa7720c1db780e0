#include "tests/support/old_snapshot.hpp"

#include "runtime/commit_turn.hpp"
#include "tests/support/failing_allocation.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>

namespace theus::testing {
namespace {

constexpr unsigned keys = 500;
const Path many{"domain.many"};

std::string text(unsigned number) { return "a text that stands in memory of its own: " + std::to_string(number); }

Path key(unsigned number) { return many.key("k" + std::to_string(number)); }

/// A state of a few hundred long texts, changed at random.
class Workload {
  const std::size_t blocks_before_ = live_blocks();

public:
  CommitTurn turn;

  Workload() {
    std::vector<Write> writes;
    for (unsigned i = 0; i < keys; ++i)
      writes.push_back(Write::set(key(i), text(i)));
    commit(writes);
  }

  void step() {
    const auto number = static_cast<unsigned>(random_());
    switch (number % 8) {
      case 0: return commit({Write::erase(key(number % keys))});
      case 1: return commit({Write::set(Path{"domain.made"}.key(std::to_string(number)), text(number))});
      case 2: return commit({Write::erase("domain.made")});
      case 3: return commit({Write::set("domain.whole", Value{{"a", text(number)}, {"b", Value::list({number})}})});
      case 4: return commit({Write::set("domain.whole.a", text(number))});
      default: return commit({Write::set(key(number % keys), text(number))});
    }
  }

  /// Back to what the beginning made, so that sizes can be compared.
  void restore() {
    std::vector<Write> writes{Write::erase("domain.made"), Write::erase("domain.whole")};
    for (unsigned i = 0; i < keys; ++i)
      writes.push_back(Write::set(key(i), text(i)));
    commit(writes);
  }

  /// That are there since it began; other tests of this program may have given back what other threads had made.
  std::size_t blocks() const noexcept { return live_blocks() - blocks_before_; }

private:
  void commit(const std::vector<Write>& writes) {
    turn.commit(ProposalView{turn.version(), false, {}, writes, {}}).value();
  }

  std::mt19937 random_{7};
};

struct Usage {
  std::size_t node_bytes;
  std::size_t retained_bytes;
  std::size_t blocks;
};

// Asking looks at the pins as well, so it is done less often than the turn does it by itself.
Usage usage(const Workload& work) {
  const std::size_t blocks = work.blocks();
  const StateStatistics told = work.turn.statistics();
  return {told.node_bytes, told.retained_bytes, blocks};
}

}  // namespace

void check_memory_kept_for_one_snapshot(unsigned commits) {
  Workload work;
  for (unsigned i = 0; i < 2000; ++i)
    work.step();
  work.restore();
  const Usage before = usage(work);
  Usage most = before;
  {
    const Snapshot old = work.turn.snapshot();
    const Value shown = old.find("").value();
    for (unsigned i = 0; i < commits; ++i) {
      work.step();
      if (i % 5000 == 4999) {
        const Usage now = usage(work);
        most = {std::max(most.node_bytes, now.node_bytes), std::max(most.retained_bytes, now.retained_bytes),
                std::max(most.blocks, now.blocks)};
      }
    }
    CHECK(old.find("") == shown);
    CHECK(usage(work).retained_bytes > keys * text(0).size());
  }
  CAPTURE(before.node_bytes, before.blocks);
  // The snapshot keeps one state, of which it is the only reader in the end.
  CHECK(most.node_bytes < 3 * before.node_bytes);
  CHECK(most.retained_bytes < 2 * (before.node_bytes + keys * text(0).size()));
  CHECK(most.blocks < 3 * before.blocks);

  for (unsigned i = 0; i < 2000; ++i)
    work.step();
  work.restore();
  const Usage after = usage(work);
  CHECK(after.node_bytes < before.node_bytes * 5 / 4);
  CHECK(after.retained_bytes == 0);
  CHECK(after.blocks < before.blocks * 5 / 4);
}

}  // namespace theus::testing

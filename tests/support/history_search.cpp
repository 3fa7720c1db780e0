#include "tests/support/history_search.hpp"

#include <algorithm>
#include <cassert>
#include <map>
#include <optional>
#include <set>

namespace theus::testing {
namespace {

using Present = std::map<PathId, std::int64_t>;

class Search {
public:
  explicit Search(const History& history) : history_(history), operations_(history.operations()) {}

  bool run() { return explain(0, {0}); }

private:
  /// Whether the operations that are not in `done` can follow; `makers` are the swaps that made the versions so far,
  /// the first one standing for version 0.
  bool explain(unsigned done, const std::vector<std::size_t>& makers) {
    if (!tried_.emplace(done, makers).second)
      return false;
    bool all_answered = true;
    for (std::size_t i = 0; i < operations_.size(); ++i)
      all_answered &= (done >> i & 1U) != 0 || operations_[i].outcome == Operation::Outcome::unknown;
    if (all_answered)
      return true;
    for (std::size_t i = 0; i < operations_.size(); ++i)
      if ((done >> i & 1U) == 0 && is_next(done, i) && follows(done | 1U << i, makers, i))
        return true;
    return false;
  }

  /// Whether nothing else had to take effect before.
  bool is_next(unsigned done, std::size_t index) const {
    for (std::size_t i = 0; i < operations_.size(); ++i)
      if ((done >> i & 1U) == 0 && operations_[i].outcome != Operation::Outcome::unknown &&
          operations_[i].responded < operations_[index].invoked)
        return false;
    return true;
  }

  bool follows(unsigned done, const std::vector<std::size_t>& makers, std::size_t index) {
    const Operation& operation = operations_[index];
    const std::vector<Present> states = states_of(makers);
    if (operation.kind == Operation::Kind::read)
      return reads_right(operation, states) && explain(done, makers);
    if (operation.outcome == Operation::Outcome::mismatch)
      return is_justified(operation, states, makers) && explain(done, makers);
    if (!may_succeed(operation, states))
      return false;
    const bool changes = after(operation, states.back()) != states.back();
    const std::size_t made = states.size() - (changes ? 0 : 1);
    if (operation.outcome == Operation::Outcome::ok && operation.version != made)
      return false;
    if (!changes)
      return explain(done, makers);
    auto longer = makers;
    longer.push_back(index);
    return explain(done, longer);
  }

  std::vector<Present> states_of(const std::vector<std::size_t>& makers) const {
    std::vector<Present> states{{}};
    for (std::size_t version = 1; version < makers.size(); ++version)
      states.push_back(after(operations_[makers[version]], states.back()));
    return states;
  }

  Present after(const Operation& swap, Present state) const {
    for (const Change& change : history_.changes(swap)) {
      if (change.kind == Change::Kind::erase) {
        std::erase_if(state, [&](const auto& path) { return history_.covers(change.path, path.first); });
        continue;
      }
      std::int64_t& value = state[change.path];
      value = change.kind == Change::Kind::set ? change.value : value + change.value;
      for (PathId above = history_.parent(change.path); above != no_path; above = history_.parent(above))
        state[above] = 0;
    }
    return state;
  }

  Present below(PathId path, const Present& state) const {
    Present found;
    for (const auto& entry : state)
      if (history_.covers(path, entry.first))
        found.insert(entry);
    return found;
  }

  bool changed(PathId path, const std::vector<Present>& states, std::size_t version) const {
    return below(path, states[version]) != below(path, states[version - 1]);
  }

  std::vector<PathId> needs(const Operation& swap) const {
    const auto reads = history_.reads(swap);
    std::vector<PathId> paths(reads.begin(), reads.end());
    for (const Change& change : history_.changes(swap))
      if (change.kind != Change::Kind::increment)
        paths.push_back(change.path);
    return paths;
  }

  bool reads_right(const Operation& read, const std::vector<Present>& states) const {
    if (read.version != states.size() - 1)
      return false;
    for (std::size_t i = 0; i < read.reads; ++i) {
      const Glimpse glimpse = history_.glimpse(read, i);
      Present seen;
      for (const auto& [path, value] : glimpse.seen)
        seen.emplace(path, value);
      if (seen != below(glimpse.path, states.back()) || seen.size() != glimpse.seen.size())
        return false;
    }
    return true;
  }

  bool may_succeed(const Operation& swap, const std::vector<Present>& states) const {
    if (swap.base >= states.size())
      return false;
    for (const PathId path : needs(swap))
      for (std::size_t version = swap.base + 1; version < states.size(); ++version)
        if (changed(path, states, version))
          return false;
    return true;
  }

  bool is_justified(const Operation& swap, const std::vector<Present>& states,
                    const std::vector<std::size_t>& makers) const {
    const auto paths = needs(swap);
    if (std::ranges::find(paths, swap.path) == paths.end() || swap.version <= swap.base ||
        swap.version >= states.size())
      return false;
    for (std::size_t version = swap.version + 1; version < states.size(); ++version)
      if (changed(swap.path, states, version))
        return false;
    if (changed(swap.path, states, swap.version))
      return true;
    return below(swap.path, states.back()).empty() &&
           std::ranges::any_of(history_.changes(operations_[makers[swap.version]]), [&](const Change& change) {
             return change.kind == Change::Kind::erase && history_.covers(history_.parent(change.path), swap.path);
           });
  }

  const History& history_;
  std::span<const Operation> operations_;
  std::set<std::pair<unsigned, std::vector<std::size_t>>> tried_;
};

}  // namespace

bool has_explanation(const History& history) {
  assert(history.operations().size() <= 16);
  return Search{history}.run();
}

}  // namespace theus::testing

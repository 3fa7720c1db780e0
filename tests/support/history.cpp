#include "tests/support/history.hpp"

#include <cassert>
#include <limits>
#include <utility>

namespace theus::testing {
namespace {

std::uint32_t index_of(std::size_t size) {
  assert(size <= std::numeric_limits<std::uint32_t>::max());
  return static_cast<std::uint32_t>(size);
}

std::uint16_t count_of(std::size_t size) {
  assert(size <= std::numeric_limits<std::uint16_t>::max());
  return static_cast<std::uint16_t>(size);
}

}  // namespace

History::History(std::vector<PathId> parents) : parents_(std::move(parents)), is_leaf_(parents_.size(), true) {
  for (std::size_t path = 0; path < parents_.size(); ++path) {
    assert(parents_[path] == no_path || parents_[path] < path);
    if (parents_[path] != no_path)
      is_leaf_[parents_[path]] = false;
  }
}

void History::read(Interval when, std::uint64_t version, std::span<const Glimpse> glimpses) {
  operations_.push_back({.invoked = when.invoked,
                         .responded = when.responded,
                         .base = 0,
                         .version = version,
                         .first_read = index_of(glimpses_.size()),
                         .first_change = 0,
                         .reads = count_of(glimpses.size()),
                         .changes = 0,
                         .kind = Operation::Kind::read,
                         .outcome = Operation::Outcome::ok});
  for (const Glimpse& glimpse : glimpses) {
    glimpses_.push_back({glimpse.path, index_of(glimpse.seen.size()), seen_.size()});
    seen_.insert(seen_.end(), glimpse.seen.begin(), glimpse.seen.end());
  }
}

Operation& History::add_swap(Interval when, const Wish& wish, Operation::Outcome outcome) {
  operations_.push_back({.invoked = when.invoked,
                         .responded = when.responded,
                         .base = wish.base,
                         .version = 0,
                         .first_read = index_of(reads_.size()),
                         .first_change = index_of(changes_.size()),
                         .reads = count_of(wish.reads.size()),
                         .changes = count_of(wish.changes.size()),
                         .kind = Operation::Kind::swap,
                         .outcome = outcome});
  reads_.insert(reads_.end(), wish.reads.begin(), wish.reads.end());
  changes_.insert(changes_.end(), wish.changes.begin(), wish.changes.end());
  return operations_.back();
}

void History::swapped(Interval when, const Wish& wish, std::uint64_t version) {
  add_swap(when, wish, Operation::Outcome::ok).version = version;
}

void History::mismatched(Interval when, const Wish& wish, PathId path, std::uint64_t actual) {
  Operation& operation = add_swap(when, wish, Operation::Outcome::mismatch);
  operation.path = path;
  operation.version = actual;
}

void History::unanswered(std::uint64_t invoked, const Wish& wish) {
  add_swap({invoked, std::numeric_limits<std::uint64_t>::max()}, wish, Operation::Outcome::unknown);
}

void History::append(const History& other) {
  assert(parents_ == other.parents_);
  for (Operation operation : other.operations_) {
    const bool is_read = operation.kind == Operation::Kind::read;
    operation.first_read = index_of(operation.first_read + (is_read ? glimpses_.size() : reads_.size()));
    operation.first_change = index_of(operation.first_change + (is_read ? 0 : changes_.size()));
    operations_.push_back(operation);
  }
  for (StoredGlimpse glimpse : other.glimpses_) {
    glimpse.first += seen_.size();
    glimpses_.push_back(glimpse);
  }
  seen_.insert(seen_.end(), other.seen_.begin(), other.seen_.end());
  reads_.insert(reads_.end(), other.reads_.begin(), other.reads_.end());
  changes_.insert(changes_.end(), other.changes_.begin(), other.changes_.end());
}

Glimpse History::glimpse(const Operation& read, std::size_t index) const noexcept {
  const StoredGlimpse& stored = glimpses_[read.first_read + index];
  return {stored.path, std::span{seen_}.subspan(stored.first, stored.count)};
}

std::span<const PathId> History::reads(const Operation& swap) const noexcept {
  return std::span{reads_}.subspan(swap.first_read, swap.reads);
}

std::span<const Change> History::changes(const Operation& swap) const noexcept {
  return std::span{changes_}.subspan(swap.first_change, swap.changes);
}

std::span<Change> History::changes(const Operation& swap) noexcept {
  return std::span{changes_}.subspan(swap.first_change, swap.changes);
}

bool History::covers(PathId above, PathId path) const noexcept {
  while (path != no_path && path != above)
    path = parents_[path];
  return path == above;
}

}  // namespace theus::testing

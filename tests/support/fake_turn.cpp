#include "tests/support/fake_turn.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace theus::testing {

using Outcome = Operation::Outcome;

FakeTurn::Present FakeTurn::below(PathId path, std::uint64_t version) const {
  Present found;
  for (const auto& entry : states_[version])
    if (shape_.covers(path, entry.first))
      found.insert(entry);
  return found;
}

std::uint64_t FakeTurn::newest_change(PathId path) const {
  for (std::uint64_t at = version(); at > 0; --at)
    if (below(path, at) != below(path, at - 1))
      return at;
  return 0;
}

Observation FakeTurn::observe(std::span<const PathId> paths) {
  if (random_() % 2 == 0)
    carry_out_late();
  const std::uint64_t age = strikes(Bug::stale_read) ? 1 + random_() % 2 : 0;
  Observation observation{version() - std::min(age, version()), {}};
  for (const PathId path : paths) {
    const bool torn = observation.version > 0 && strikes(Bug::torn_read, 5);
    auto& seen = observation.seen.emplace_back();
    for (const auto& [present, value] : below(path, observation.version - (torn ? 1 : 0)))
      seen.push_back({present, value});
  }
  return observation;
}

Answer FakeTurn::checked(PathId path, std::uint64_t base, bool is_read) {
  const Answer fine{Outcome::ok, 0};
  if (is_read && strikes(Bug::write_skew))
    return fine;
  if (!is_read && strikes(Bug::lost_update))
    return fine;
  std::uint64_t changed = newest_change(path);
  if (changed <= base)
    return fine;
  if (strikes(Bug::forgotten_erasure, 1) && below(path, version()).empty())
    return fine;
  if (strikes(Bug::phantom, 1)) {
    const auto is_as_it_was = [&](const auto& stood) {
      return !shape_.is_leaf(stood.first) || newest_change(stood.first) <= base;
    };
    if (std::ranges::all_of(below(path, base), is_as_it_was))
      return fine;
  }
  if (strikes(Bug::wrong_cause))
    changed = base + 1;
  return {Outcome::mismatch, changed, path};
}

Answer FakeTurn::refusal(const History::Wish& wish) {
  if (!wish.reads.empty() && strikes(Bug::causeless_mismatch, 6))
    return {Outcome::mismatch, version(), wish.reads.front()};
  for (const PathId path : wish.reads)
    if (const Answer answer = checked(path, wish.base, true); answer.outcome != Outcome::ok)
      return answer;
  for (const Change& change : wish.changes)
    if (change.kind != Change::Kind::increment)
      if (const Answer answer = checked(change.path, wish.base, false); answer.outcome != Outcome::ok)
        return answer;
  return {Outcome::ok, 0};
}

FakeTurn::Present FakeTurn::changed(const History::Wish& wish) {
  Present next = states_.back();
  const bool half = wish.changes.size() > 1 && strikes(Bug::half_commit);
  for (const Change& change : wish.changes.subspan(half ? 1 : 0)) {
    for (PathId above = shape_.parent(change.path); above != no_path; above = shape_.parent(above))
      if (change.kind != Change::Kind::erase)
        next[above] = 0;
    switch (change.kind) {
      case Change::Kind::set: next[change.path] = change.value; break;
      case Change::Kind::erase:
        std::erase_if(next, [&](const auto& entry) { return shape_.covers(change.path, entry.first); });
        break;
      case Change::Kind::increment: {
        const auto& start = strikes(Bug::lost_increment) ? states_[wish.base] : next;
        const auto known = start.find(change.path);
        next[change.path] = (known == start.end() ? 0 : known->second) + change.value;
        break;
      }
    }
  }
  return next;
}

Answer FakeTurn::swap(const History::Wish& wish) {
  carry_out_late();
  last_.assign(wish.changes.begin(), wish.changes.end());
  Answer answer = refusal(wish);
  if (answer.outcome == Outcome::mismatch && !strikes(Bug::refused_but_done))
    return answer;
  Present next = changed(wish);
  if (answer.outcome == Outcome::ok && next == states_.back())
    return {Outcome::ok, version()};
  if (answer.outcome == Outcome::ok && strikes(Bug::late_commit)) {
    late_ = last_;
    return {Outcome::ok, version() + 1};
  }
  if (version() > 0 && strikes(Bug::shared_version))
    states_.back() = std::move(next);
  else
    states_.push_back(std::move(next));
  if (strikes(Bug::skipped_version) || strikes(Bug::double_commit))
    states_.push_back(bug_ == Bug::double_commit ? changed(wish) : states_.back());
  return answer.outcome == Outcome::ok ? Answer{Outcome::ok, version()} : answer;
}

void FakeTurn::lose_answer() {
  if (bug_ == Bug::repeated_request)
    late_ = last_;
}

void FakeTurn::carry_out_late() {
  if (late_.empty())
    return;
  const auto changes = std::exchange(late_, {});
  Present next = changed({version(), {}, changes});
  if (next != states_.back())
    states_.push_back(std::move(next));
}

std::string_view to_string(FakeTurn::Bug bug) noexcept {
  constexpr std::array<std::string_view, FakeTurn::bugs + 1> names{"none",
                                                                   "lost update",
                                                                   "write skew",
                                                                   "phantom",
                                                                   "forgotten erasure",
                                                                   "double commit",
                                                                   "skipped version",
                                                                   "shared version",
                                                                   "causeless mismatch",
                                                                   "wrong cause",
                                                                   "stale read",
                                                                   "torn read",
                                                                   "late commit",
                                                                   "half commit",
                                                                   "refused but done",
                                                                   "lost increment",
                                                                   "repeated request"};
  return names[static_cast<std::size_t>(bug)];
}

}  // namespace theus::testing

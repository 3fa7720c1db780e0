#include "tests/support/history_check.hpp"

#include "tests/support/history_registers.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

namespace theus::testing {
namespace {

using Rule = Violation::Rule;
using Kind = Operation::Kind;
using Outcome = Operation::Outcome;

bool answered(const Operation& operation) { return operation.outcome != Outcome::unknown; }
bool succeeded(const Operation& operation) { return operation.kind == Kind::swap && operation.outcome == Outcome::ok; }

/// Calls visit(operation, is_answer) in the order of the stamps. Stamps that are dense need no sorting.
template <class Visit>
void in_time_order(std::span<const Operation> operations, const Visit& visit) {
  std::uint64_t last = 0;
  for (const Operation& operation : operations)
    last = std::max({last, operation.invoked, answered(operation) ? operation.responded : 0});
  const auto event = [](std::size_t index, bool answer) {
    return static_cast<std::uint32_t>(2 * index + (answer ? 2 : 1));
  };
  const auto tell = [&](std::uint32_t packed) { visit((packed - 1) / 2, packed % 2 == 0); };
  if (last < 4 * operations.size() + 64) {
    std::vector<std::uint32_t> at(last + 1, 0);
    for (std::size_t i = 0; i < operations.size(); ++i) {
      at[operations[i].invoked] = event(i, false);
      if (answered(operations[i]))
        at[operations[i].responded] = event(i, true);
    }
    for (const std::uint32_t packed : at)
      if (packed != 0)
        tell(packed);
    return;
  }
  std::vector<std::pair<std::uint64_t, std::uint32_t>> events;
  for (std::size_t i = 0; i < operations.size(); ++i) {
    events.emplace_back(operations[i].invoked, event(i, false));
    if (answered(operations[i]))
      events.emplace_back(operations[i].responded, event(i, true));
  }
  std::ranges::sort(events);
  for (const auto& [stamp, packed] : events)
    tell(packed);
}

/// What does not depend on how the unanswered swaps are placed.
struct Plan {
  explicit Plan(const History& all) : history(all), operations(all.operations()), known(operations.size()) {
    for (const Operation& operation : operations) {
      makers += operation.kind == Kind::swap && operation.outcome != Outcome::mismatch ? 1 : 0;
      newest = answered(operation) ? std::max(newest, operation.version) : newest;
    }
    std::uint64_t witnessed = 0;
    in_time_order(operations, [&](std::size_t index, bool is_answer) {
      if (is_answer)
        witnessed = std::max(witnessed, operations[index].version);
      else
        known[index] = witnessed;
    });
  }

  /// Sorts by place; at each, successful swaps come first. REQUIRES: newest <= makers.
  void sort() {
    begin.assign(newest + 2, 0);
    std::vector<std::uint32_t> swaps(newest + 2, 0);
    for (std::size_t i = 0; i < operations.size(); ++i)
      if (answered(operations[i])) {
        ++begin[place(i) + 1];
        swaps[place(i)] += succeeded(operations[i]) ? 1 : 0;
      }
    for (std::size_t version = 0; version <= newest; ++version)
      begin[version + 1] += begin[version];
    std::vector<std::uint32_t> next_swap = begin;
    std::vector<std::uint32_t> next_other = begin;
    for (std::size_t version = 0; version <= newest; ++version)
      next_other[version] += swaps[version];
    order.resize(begin.back());
    for (std::uint32_t i = 0; i < operations.size(); ++i) {
      if (!answered(operations[i]))
        unanswered.push_back(i);
      else
        order[(succeeded(operations[i]) ? next_swap : next_other)[place(i)]++] = i;
    }
  }

  /// The version at which the operation is looked at: its own, or for a mismatch the first at which it may have stood.
  std::uint64_t place(std::size_t index) const {
    const Operation& operation = operations[index];
    return operation.outcome == Outcome::mismatch ? std::max(operation.version, known[index]) : operation.version;
  }

  const History& history;
  std::span<const Operation> operations;
  std::uint64_t newest = 0;          // any version that somebody witnessed
  std::uint64_t makers = 0;          // swaps that may have made a version
  std::vector<std::uint64_t> known;  // by operation: the newest version witnessed before its call
  std::vector<std::uint32_t> order;  // the answered operations
  std::vector<std::uint32_t> begin;  // by version: its first position in `order`
  std::vector<std::uint32_t> unanswered;
};

Violation violation(Rule rule, std::size_t operation, std::string text) { return {rule, operation, std::move(text)}; }

std::string number(std::uint64_t version) { return std::to_string(version); }

class Replay {
public:
  explicit Replay(const Plan& plan)
      : plan_(&plan),
        history_(&plan.history),
        registers_(plan.history),
        maker_(plan.newest + 1, none),
        left_(plan.unanswered) {}

  std::optional<Violation> run() { return run(0); }

private:
  static constexpr std::uint32_t none = ~0U;
  static constexpr int branches_max = 20'000;

  const Operation& operation(std::size_t index) const { return plan_->operations[index]; }
  std::span<const std::uint32_t> at(std::uint64_t version) const {
    return std::span{plan_->order}.subspan(plan_->begin[version], plan_->begin[version + 1] - plan_->begin[version]);
  }

  std::optional<Violation> run(std::uint64_t version) {
    for (; version <= plan_->newest; ++version) {
      if (version > 0) {
        std::optional<Violation> wrong;
        const std::uint32_t maker = find_maker(version, wrong);
        if (wrong)
          return wrong;
        if (maker == none)
          return place_unanswered(version);
        make(maker, version);
      }
      if (auto wrong = look_at(version))
        return wrong;
    }
    return std::nullopt;
  }

  /// The acknowledged swap that made the version, or none.
  std::uint32_t find_maker(std::uint64_t version, std::optional<Violation>& wrong) const {
    std::uint32_t maker = none;
    for (const std::uint32_t index : at(version)) {
      if (!succeeded(operation(index)))
        break;
      if (operation(index).base >= version || !would_change(index))
        continue;
      if (maker != none) {
        wrong = violation(Rule::double_version, index,
                          "version " + number(version) + " was already made by operation " + number(maker));
        return none;
      }
      maker = index;
      wrong = refusal(index, version);
      if (wrong)
        return none;
    }
    return maker;
  }

  bool would_change(std::uint32_t index) const {
    return std::ranges::any_of(history_->changes(operation(index)),
                               [&](const Change& change) { return registers_.would_change(change); });
  }

  /// Why the swap cannot be what makes the version out of the one before.
  std::optional<Violation> refusal(std::uint32_t index, std::uint64_t version) const {
    if (plan_->known[index] >= version)
      return violation(Rule::order, index,
                       "it made version " + number(version) + " after version " + number(plan_->known[index]) +
                           " had been witnessed");
    return overtaken(index);
  }

  std::optional<Violation> overtaken(std::uint32_t index) const {
    const Operation& swap = operation(index);
    const auto check = [&](PathId path) -> std::optional<Violation> {
      if (registers_.changed(path) <= swap.base)
        return std::nullopt;
      return violation(Rule::stale_success, index,
                       "it succeeded on version " + number(swap.base) + " though version " +
                           number(registers_.changed(path)) + " changed path " + number(path));
    };
    for (const PathId path : history_->reads(swap))
      if (auto wrong = check(path))
        return wrong;
    for (const Change& change : history_->changes(swap))
      if (change.kind != Change::Kind::increment)
        if (auto wrong = check(change.path))
          return wrong;
    return std::nullopt;
  }

  void make(std::uint32_t index, std::uint64_t version) {
    for (const Change& change : history_->changes(operation(index)))
      registers_.apply(change, version);
    maker_[version] = index;
  }

  /// The version was made by an unanswered swap, or by none: tries all that may be and goes on from each.
  std::optional<Violation> place_unanswered(std::uint64_t version) {
    std::optional<Violation> first;
    for (std::size_t i = 0; i < left_.size(); ++i) {
      const std::uint32_t index = left_[i];
      if (operation(index).base >= version || !would_change(index) || refusal(index, version))
        continue;
      if (++*branches_ > branches_max)
        return violation(Rule::undecided, index,
                         "too many unanswered swaps could have made version " + number(version));
      Replay branch = *this;
      branch.left_.erase(branch.left_.begin() + static_cast<std::ptrdiff_t>(i));
      branch.make(index, version);
      auto wrong = branch.look_at(version);
      if (!wrong)
        wrong = branch.run(version + 1);
      if (!wrong || wrong->rule == Rule::undecided)
        return wrong;
      if (!first)
        first = wrong;
    }
    return first ? first : violation(Rule::gap, witness(version), "no swap made version " + number(version));
  }

  /// An operation that knows of the version or a later one.
  std::size_t witness(std::uint64_t version) const { return plan_->order[plan_->begin[version]]; }

  std::optional<Violation> look_at(std::uint64_t version) const {
    for (const std::uint32_t index : at(version)) {
      if (index == maker_[version])
        continue;
      const Operation& looked = operation(index);
      auto wrong = looked.outcome == Outcome::mismatch ? check_mismatch(index)
                   : looked.kind == Kind::read         ? check_read(index)
                                                       : check_unchanged(index);
      if (wrong)
        return wrong;
    }
    return std::nullopt;
  }

  std::optional<Violation> outdated(std::uint32_t index) const {
    if (plan_->known[index] <= operation(index).version)
      return std::nullopt;
    return violation(Rule::order, index,
                     "it was answered with version " + number(operation(index).version) + " though version " +
                         number(plan_->known[index]) + " had been witnessed before the call");
  }

  std::optional<Violation> check_read(std::uint32_t index) const {
    if (auto wrong = outdated(index))
      return wrong;
    const Operation& read = operation(index);
    for (std::size_t i = 0; i < read.reads; ++i) {
      const Glimpse glimpse = history_->glimpse(read, i);
      for (const Seen& seen : glimpse.seen)
        if (!registers_.holds(seen) || !history_->covers(glimpse.path, seen.path))
          return violation(
              Rule::wrong_value, index,
              "version " + number(read.version) + " does not hold what was read at path " + number(seen.path));
      if (glimpse.seen.size() != registers_.present(glimpse.path))
        return violation(Rule::wrong_value, index,
                         "version " + number(read.version) + " holds " + number(registers_.present(glimpse.path)) +
                             " paths at and below " + number(glimpse.path) + ", not the " +
                             number(glimpse.seen.size()) + " that were read");
    }
    return std::nullopt;
  }

  /// A swap that made no version: nothing to change, and its base still good.
  std::optional<Violation> check_unchanged(std::uint32_t index) const {
    if (auto wrong = outdated(index))
      return wrong;
    const Operation& swap = operation(index);
    if (swap.base > swap.version || would_change(index))
      return violation(Rule::no_effect, index, "it did not make version " + number(swap.version) + " and should have");
    return overtaken(index);
  }

  std::optional<Violation> check_mismatch(std::uint32_t index) const {
    const Operation& swap = operation(index);
    const auto refuse = [&](const char* why) {
      return violation(Rule::no_cause, index,
                       "version " + number(swap.version) + ", path " + number(swap.path) + ": " + why);
    };
    const auto reads = history_->reads(swap);
    const auto changes = history_->changes(swap);
    const bool depends =
        std::ranges::find(reads, swap.path) != reads.end() || std::ranges::any_of(changes, [&](const Change& change) {
          return change.path == swap.path && change.kind != Change::Kind::increment;
        });
    if (!depends)
      return refuse("the swap does not depend on that path");
    if (swap.version <= swap.base)
      return refuse("that version is no newer than the base");
    if (registers_.changed(swap.path) > swap.version)
      return refuse("a later version changed it, and had been witnessed before the call");
    if (registers_.changed(swap.path) == swap.version || is_blurred(swap))
      return std::nullopt;
    return refuse("that version did not change it");
  }

  /// Whether nothing stands at the path and something of its parents was erased.
  bool is_blurred(const Operation& swap) const {
    if (registers_.present(swap.path) != 0)
      return false;
    return std::ranges::any_of(history_->changes(operation(maker_[swap.version])), [&](const Change& change) {
      const PathId parent = history_->parent(change.path);
      return change.kind == Change::Kind::erase && history_->covers(parent, swap.path);
    });
  }

  const Plan* plan_;
  const History* history_;
  Registers registers_;
  std::vector<std::uint32_t> maker_;  // by version
  std::vector<std::uint32_t> left_;   // unanswered swaps not placed
  std::shared_ptr<int> branches_ = std::make_shared<int>(0);
};

}  // namespace

std::string_view to_string(Rule rule) noexcept {
  constexpr std::array<std::string_view, 8> names{"gap",      "double_version", "stale_success", "wrong_value",
                                                  "no_cause", "order",          "no_effect",     "undecided"};
  return names[static_cast<std::size_t>(rule)];
}

std::optional<Violation> find_violation(const History& history) {
  Plan plan{history};
  if (plan.newest > plan.makers) {
    const auto witness = std::ranges::max_element(
        plan.operations, {}, [](const Operation& operation) { return answered(operation) ? operation.version : 0; });
    return violation(Rule::gap, static_cast<std::size_t>(witness - plan.operations.begin()),
                     "version " + number(plan.newest) + " of only " + number(plan.makers) + " swaps");
  }
  plan.sort();
  return Replay{plan}.run();
}

}  // namespace theus::testing

#include "runtime/workflow_analysis.hpp"

#include <algorithm>

namespace theus {
namespace {

class NoState : public StateReader {
public:
  std::optional<Value> read(const Path&) const override { return std::nullopt; }
};

class Analysis {
public:
  Analysis(WorkflowPlan& plan, Findings& findings) : plan_(plan), findings_(findings), known_(plan.blocks.size()) {
    plan.facts.resize(plan.blocks.size());
  }

  void run() {
    const BlockFacts main = facts(plan_.main, 1);
    if (main.depth > plan_.limits.depth_max)
      findings_.add({plan_.files.front(),
                     {},
                     "branches, loops and calls stand more than " + std::to_string(plan_.limits.depth_max) +
                         " deep in one another",
                     "Raise limits.max_depth (64 at most), or flatten the workflow"});
    check_locals();
  }

private:
  // Recursion ends where nesting exceeds what any limit allows.
  const BlockFacts& facts(BlockId block, std::uint32_t level) {
    BlockFacts& facts = plan_.facts[block];
    if (known_[block])
      return facts;
    facts.depth = 1;
    if (level > depth_max)
      return facts;
    for (const StepId id : plan_.blocks[block]) {
      if (facts.endless) {
        add(id, "this step can never run, because the loop before it never ends",
            "Give the loop a condition, or remove the step");
        break;
      }
      add_step(facts, id, level);
    }
    known_[block] = true;
    return facts;
  }

  void add_step(BlockFacts& facts, StepId id, std::uint32_t level) {
    const StepWork& work = plan_.steps[id].work;
    add_saturating(facts.steps, 1);
    bool all_endless = true;
    const std::vector<BlockId> entered = entered_blocks(work);
    for (const BlockId block : entered) {
      const BlockFacts inner = this->facts(block, level + 1);
      all_endless = all_endless && inner.endless;
      facts.loops = facts.loops || inner.loops;
      facts.depth = std::max(facts.depth, inner.depth + 1);
      add_saturating(facts.steps, inner.steps);
    }
    const auto* loop = std::get_if<WhileStep>(&work);
    const auto* branch = std::get_if<IfStep>(&work);
    if (loop != nullptr) {
      facts.loops = true;
      facts.endless = constant(id, loop->condition) == true;
    } else {
      if (branch != nullptr)
        constant(id, branch->condition);
      facts.endless = !entered.empty() && all_endless;
    }
  }

  /// The value of a condition that reads nothing.
  std::optional<bool> constant(StepId id, const Expression& condition) {
    if (!condition.is_constant())
      return std::nullopt;
    const auto value = condition.test(NoState{});
    if (value)
      return *value;
    findings_.add(value.error(), plan_.files[plan_.steps[id].file]);
    return std::nullopt;
  }

  void check_locals() {
    std::vector<Path> set;
    for (const PlannedStep& step : plan_.steps)
      if (const auto* work = std::get_if<SetStep>(&step.work))
        for (const auto& [path, value] : work->values)
          set.push_back(path);
    for (const PlannedStep& step : plan_.steps)
      for_each_expression(step.work, [&](const Expression& expression) {
        for (const Path& path : expression.paths()) {
          const bool is_set =
              std::ranges::any_of(set, [&](const Path& each) { return each.covers(path) || path.covers(each); });
          if (is_local(path) && !is_set)
            findings_.add({plan_.files[step.file], step.at,
                           "the path " + path.text() + " is read here, but no step sets it",
                           "Paths under `local` are set by `flux: set`"});
        }
      });
  }

  void add(StepId id, std::string cause, std::string suggestion) {
    const PlannedStep& step = plan_.steps[id];
    findings_.add({plan_.files[step.file], step.at, std::move(cause), std::move(suggestion)});
  }

  static void add_saturating(std::uint64_t& sum, std::uint64_t more) {
    if (__builtin_add_overflow(sum, more, &sum))
      sum = UINT64_MAX;
  }

  static constexpr std::uint32_t depth_max = 64;

  WorkflowPlan& plan_;
  Findings& findings_;
  std::vector<bool> known_;
};

}  // namespace

void analyse(WorkflowPlan& plan, Findings& findings) { Analysis{plan, findings}.run(); }

}  // namespace theus

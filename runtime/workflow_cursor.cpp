#include "runtime/workflow_cursor.hpp"

#include "runtime/findings.hpp"
#include "runtime/value_path.hpp"

namespace theus {
namespace {

/// The state, except that paths under `local` are read from the run's own values.
class StateWithLocals : public StateReader {
public:
  StateWithLocals(const StateReader& state, const Value& locals) noexcept : state_(state), locals_(locals) {}

  std::optional<Value> read(const Path& path) const override {
    if (!is_local(path))
      return state_.read(path);
    const Value* found = find_in(locals_, path.segments().subspan(1));
    return found != nullptr ? std::optional{*found} : std::nullopt;
  }

private:
  const StateReader& state_;
  const Value& locals_;
};

}  // namespace

WorkflowCursor::WorkflowCursor(Workflow workflow) : workflow_(std::move(workflow)) {
  const BlockFacts& facts = plan().facts[plan().main];
  if (!facts.loops && facts.steps <= plan().limits.operations_max)
    total_ = facts.steps;
  frames_.push_back({plan().main});
}

Result<WorkflowAction> WorkflowCursor::next(const StateReader& state) {
  if (failure_)
    return *failure_;
  const StateWithLocals all{state, locals_};
  current_.reset();
  while (!frames_.empty()) {
    auto advanced = advance(all);
    if (!advanced) {
      failure_ = advanced.error();
      return advanced.error();
    }
    if (std::optional<WorkflowAction>& action = *advanced)
      return *std::move(action);
  }
  return WorkflowAction{Finished{}};
}

Result<std::optional<WorkflowAction>> WorkflowCursor::advance(const StateReader& state) {
  Frame& frame = frames_.back();
  const auto& block = plan().blocks[frame.block];
  if (rounds_left_ > 0)
    return visit(block[frame.next - 1], state);
  if (frame.next < block.size()) {
    ++visited_;
    return visit(block[frame.next++], state);
  }
  if (auto ended = end_block(state); !ended)
    return ended.error();
  return std::optional<WorkflowAction>{};
}

Result<std::optional<WorkflowAction>> WorkflowCursor::visit(StepId id, const StateReader& state) {
  using Nothing = std::optional<WorkflowAction>;
  if (auto counted = count(id); !counted)
    return counted.error();
  const StepWork& work = step(id).work;
  current_ = id;
  if (const auto* process = std::get_if<ProcessStep>(&work)) {
    auto arguments = process->arguments.evaluate(state);
    if (!arguments)
      return at_step(id, arguments.error());
    return Nothing{RunProcess{place(id), process->process, *std::move(arguments), process->attempts, process->backoff,
                              process->timeout}};
  }
  if (const auto* set_values = std::get_if<SetStep>(&work))
    return set(id, *set_values, state);
  if (const auto* emit = std::get_if<EmitStep>(&work)) {
    auto payload = emit->payload.evaluate(state);
    if (!payload)
      return at_step(id, payload.error());
    return Nothing{Emit{place(id), emit->signal, *std::move(payload)}};
  }
  if (const auto* agents = std::get_if<RoundStep>(&work))
    return Nothing{round(id, *agents)};

  Status entered;
  if (const auto* branch = std::get_if<IfStep>(&work))
    entered = enter_branch(id, *branch, state);
  else if (const auto* loop = std::get_if<WhileStep>(&work))
    entered = enter_loop(id, *loop, state);
  else
    frames_.push_back({entered_blocks(work).front(), 0, id});
  if (!entered)
    return entered.error();
  return Nothing{};
}

Status WorkflowCursor::end_block(const StateReader& state) {
  const std::optional<StepId> owner = frames_.back().owner;
  frames_.pop_back();
  if (!owner)
    return {};
  const auto* loop = std::get_if<WhileStep>(&step(*owner).work);
  return loop != nullptr ? enter_loop(*owner, *loop, state) : Status{};
}

Status WorkflowCursor::enter_branch(StepId id, const IfStep& branch, const StateReader& state) {
  const auto chosen = branch.condition.test(state);
  if (!chosen)
    return at_step(id, chosen.error());
  const BlockId entered = *chosen ? branch.then_block : branch.else_block;
  const BlockId passed_over = *chosen ? branch.else_block : branch.then_block;
  if (total_)
    *total_ -= plan().facts[passed_over].steps;
  frames_.push_back({entered, 0, id});
  return {};
}

// On arrival and after each turn.
Status WorkflowCursor::enter_loop(StepId id, const WhileStep& loop, const StateReader& state) {
  const auto again = loop.condition.test(state);
  if (!again)
    return at_step(id, again.error());
  if (!*again)
    return {};
  frames_.push_back({loop.body, 0, id});
  return count(id);
}

Result<std::optional<WorkflowAction>> WorkflowCursor::set(StepId id, const SetStep& work, const StateReader& state) {
  // Every expression sees the state before the step, locals included.
  Value locals = locals_;
  SetValues action{place(id), {}};
  for (const auto& [path, value] : work.values) {
    auto evaluated = value.evaluate(state);
    if (!evaluated)
      return at_step(id, evaluated.error());
    if (!is_local(path)) {
      action.values.emplace_back(path, *std::move(evaluated));
      continue;
    }
    auto changed = with(locals, path.segments().subspan(1), *evaluated);
    if (!changed)
      return at_step(id, changed.error());
    locals = *std::move(changed);
  }
  locals_ = std::move(locals);
  return action.values.empty() ? std::optional<WorkflowAction>{} : std::optional<WorkflowAction>{std::move(action)};
}

WorkflowAction WorkflowCursor::round(StepId id, const RoundStep& work) {
  rounds_left_ = (rounds_left_ > 0 ? rounds_left_ : work.times) - 1;
  return Round{place(id), work.agents};
}

Status WorkflowCursor::count(StepId id) {
  if (++operations_ <= plan().limits.operations_max)
    return {};
  return safety_trip(id);
}

Error WorkflowCursor::safety_trip(StepId id) const {
  // The innermost loop is to blame, if there is one.
  StepId blamed = id;
  for (const Frame& frame : frames_)
    if (frame.owner && std::holds_alternative<WhileStep>(step(*frame.owner).work))
      blamed = *frame.owner;
  const bool is_loop = std::holds_alternative<WhileStep>(step(blamed).work);
  const std::uint64_t limit = plan().limits.operations_max;
  const std::string subject = (is_loop ? "the loop '" : "the step '") + step(blamed).label + "' reached the limit of ";
  return at_step(blamed, Error{Errc::safety_trip,
                               {},
                               subject + std::to_string(limit) + " operations",
                               "Check that its condition becomes false, or raise limits.max_ops"})
      .with("limit", limit)
      .with("count", operations_);
}

Error WorkflowCursor::at_step(StepId id, const Error& error) const {
  const StepPlace where = place(id);
  // An expression knows its line and column, but not its file.
  Findings findings;
  if (error.field("findings") != nullptr)
    findings.add(error, where.file);
  else
    findings.add({where.file, where.at, error.cause(), error.remedy()});
  Error placed = findings.error(error.code());
  for (const char* field : {"expression", "path"})
    if (const Value* value = error.field(field))
      placed.set(field, *value);
  return std::move(placed).with("step", where.label).with("file", where.file).with("line", where.at.line);
}

StepPlace WorkflowCursor::place(StepId id) const { return {step(id).label, plan().files[step(id).file], step(id).at}; }

WorkflowProgress WorkflowCursor::progress() const {
  const bool working = current_.has_value() && !frames_.empty();
  return {visited_ - (working ? 1 : 0), total_, working ? step(*current_).label : std::string{}};
}

}  // namespace theus

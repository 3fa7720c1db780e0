#include "runtime/rerun.hpp"

#include "runtime/process_run.hpp"
#include "runtime/round_merge.hpp"

#include <theus/nearest.hpp>

#include <algorithm>

namespace theus {
namespace {

bool matches(std::string_view pattern, std::string_view name) { return pattern == "*" || matches_name(pattern, name); }

Effects effects_of(Proposal&& proposal) { return {std::move(proposal.writes), std::move(proposal.signals)}; }

}  // namespace

Rerun::Names::Names(const std::vector<RerunAgent>& agents) {
  for (const RerunAgent& agent : agents)
    names_.push_back(agent.contract->name());
  std::ranges::sort(names_);
}

Status Rerun::Names::check(std::string_view agent) const {
  if (std::ranges::binary_search(names_, agent))
    return {};
  return Error{Errc::unknown_agent, "'" + std::string{agent} + "'", "no agent of this name exists",
               suggest(agent, names_)};
}

Rerun::Rerun(Cast cast)
    : cast_(std::move(cast)),
      names_(cast_.agents),
      trail_(std::make_shared<AuditTrail>([](const AuditEntry&) {})),
      states_(cast_.agents.size()) {
  for (const Cohort& cohort : cast_.cohorts)
    cohorts_[cohort.name] = {&cohort, nullptr};
}

Error Rerun::not_replayable(const Cause& cause, std::string why, std::string remedy) const {
  return Error{Errc::not_replayable, text_of(cause) + ", version " + std::to_string(version_), std::move(why),
               std::move(remedy)}
      .with("version", version_)
      .with("process", cause.name)
      .with("origin", cause.origin);
}

Error Rerun::failed(const Cause& cause, const Error& error) const {
  return Error{Errc::replay_diverged, text_of(cause) + ", version " + std::to_string(version_),
               "it was committed, but run again it fails: " + error.text(),
               "Run the version of the program that wrote the journal, or keep the change and begin a new journal"}
      .with("version", version_)
      .with("process", cause.name)
      .with("origin", cause.origin)
      .with("diff", Value::list())
      .with("error", error.text());
}

/// What no journal keeps, a body cannot be shown again.
Status Rerun::check_kept(const Cause& cause, const Contract& contract) const {
  for (const PathPattern& pattern : contract.inputs())
    if (const Zone zone = pattern.path().zone(); zone == Zone::heavy || zone == Zone::meta)
      return not_replayable(cause,
                            "it uses " + std::string{zone == Zone::heavy ? "heavy data" : "meta data"} + " at " +
                                pattern.path().text() + ", which no journal keeps",
                            "Verify the journal without running bodies again");
  return {};
}

Result<std::optional<Effects>> Rerun::run(Version version, const CommitRecord& record, const Snapshot& base) {
  version_ = version;
  next_states_.clear();
  stepped_ = nullptr;
  // Private states and columns of a joined process are followed by nobody.
  if (record.cause.origin != 0 && record.cause.kind != Cause::Kind::process)
    return std::optional<Effects>{};
  switch (record.cause.kind) {
    case Cause::Kind::process: return run_process(record, base);
    case Cause::Kind::round: return run_round(record, base);
    case Cause::Kind::agent: return run_agent(record, base);
    case Cause::Kind::cohort: return run_cohort(record, base);
    default: return std::optional<Effects>{};
  }
}

void Rerun::accept() {
  for (auto& [agent, state] : next_states_)
    states_[agent] = std::move(state);
  next_states_.clear();
  if (stepped_ != nullptr)
    std::exchange(stepped_, nullptr)->accept();
}

ExecutionStart Rerun::start_of(const Cause& cause, const Snapshot& base) {
  ++runs_;
  return {.contract = {},
          .snapshot = base,
          .id = cause.number,
          .attempt = static_cast<int>(cause.attempt),
          .log = cast_.log,
          .time = cause.time,
          .trail = trail_,
          .addressees = nullptr};
}

Result<std::optional<Effects>> Rerun::run_process(const CommitRecord& record, const Snapshot& base) {
  const Cause& cause = record.cause;
  const auto process = cast_.processes.find(cause.name);
  if (process == cast_.processes.end()) {
    std::vector<std::string> known;
    for (const auto& [name, other] : cast_.processes)
      known.push_back(name);
    return not_replayable(cause, "no process of this name is registered", suggest(cause.name, known));
  }
  if (auto light = check_kept(cause, *process->second.contract); !light)
    return light.error();
  ExecutionStart start = start_of(cause, base);
  start.contract = process->second.contract;
  start.arguments = cause.arguments;
  start.random = random_stream(cast_.seed, cause.name, cause.number);
  auto result = theus::run_process(process->second.definition, start);
  if (!result)
    return failed(cause, result.error());
  return std::optional{effects_of(std::move(result->proposal))};
}

/// The agents that took part in the round: later ones were not there yet.
Result<std::vector<std::size_t>> Rerun::members_of(const Cause& cause, std::size_t count) const {
  std::vector<std::size_t> members;
  std::uint64_t names = 0;
  for (std::size_t i = 0; i < cast_.agents.size() && members.size() < count; ++i)
    if (const std::string& name = cast_.agents[i].contract->name();
        !cast_.agents[i].acts && matches(cause.name, name)) {
      members.push_back(i);
      names = with_name(names, name);
    }
  if (members.size() < count || names != cause.contract)
    return not_replayable(
        cause, std::to_string(count) + " agents took part, and not those that are spawned here in this order",
        "Spawn the agents that took part, in the order of then; agents that were stopped on the way "
        "cannot be replayed");
  return members;
}

Result<std::optional<Effects>> Rerun::run_round(const CommitRecord& record, const Snapshot& base) {
  const Cause& cause = record.cause;
  const auto told = round_cause_of(cause.arguments);
  if (!told)
    return not_replayable(cause, told.error().text(), "");
  const auto members = members_of(cause, told->agents);
  if (!members)
    return members.error();
  std::vector<Proposal> wanted;
  wanted.reserve(members->size());
  for (std::size_t slot = 0; slot < members->size(); ++slot) {
    const std::size_t index = (*members)[slot];
    const RerunAgent& agent = cast_.agents[index];
    const std::string& name = agent.contract->name();
    if (auto light = check_kept(cause, *agent.contract); !light)
      return light.error();
    if (const auto state = told->states.find(slot); state != told->states.end())
      states_[index] = state->second;
    if (!states_[index])
      return not_replayable(cause, "the private state of the agent '" + name + "' is not known from here on",
                            "Replay a journal that has kept its whole history");
    Trigger trigger{.kind = Trigger::Kind::round};
    if (const auto mail = told->mail.find(slot); mail != told->mail.end())
      trigger.messages = mail->second;
    ExecutionStart start = start_of(cause, base);
    start.contract = agent.contract;
    start.agent_state = *states_[index];
    start.id = cause.number + slot;
    start.attempt = 1;  // when a round is repeated, its agents are not told
    start.random = random_stream(cast_.seed, name, base.version());
    start.trigger = &trigger;
    start.addressees = &names_;
    auto result = run_body(agent.body, std::make_shared<Execution>(std::move(start)));
    if (!result)
      return failed(cause, result.error());
    next_states_.emplace_back(index, std::move(result->agent_state));
    wanted.push_back(std::move(result->proposal));
  }
  std::vector<RoundPart> parts;
  parts.reserve(wanted.size());
  for (Proposal& proposal : wanted)
    parts.push_back({proposal.writes, &proposal.signals, &proposal.standing});
  auto whole = merge_round(base.version(), parts,
                           [&](std::size_t slot) { return cast_.agents[(*members)[slot]].contract->name(); });
  if (!whole)
    return failed(cause, whole.error());
  return std::optional{effects_of(*std::move(whole))};
}

Result<std::optional<Effects>> Rerun::run_agent(const CommitRecord& record, const Snapshot& base) {
  const Cause& cause = record.cause;
  const auto told = agent_cause_of(cause.arguments);
  if (!told)
    return not_replayable(cause, told.error().text(), "");
  const auto agent = std::ranges::find_if(
      cast_.agents, [&](const RerunAgent& each) { return each.acts && each.contract->name() == cause.name; });
  if (agent == cast_.agents.end())
    return not_replayable(cause, "no agent of this name that acts on its own is spawned", "Spawn it with its triggers");
  if (auto light = check_kept(cause, *agent->contract); !light)
    return light.error();
  const auto index = static_cast<std::size_t>(agent - cast_.agents.begin());
  if (told->state)
    states_[index] = *told->state;
  if (!states_[index])
    return not_replayable(cause, "its private state is not known from here on",
                          "Replay a journal that has kept its whole history");
  ExecutionStart start = start_of(cause, base);
  start.contract = agent->contract;
  start.agent_state = *states_[index];
  start.random = random_stream(cast_.seed, cause.name, cause.number);
  start.trigger = &told->trigger;
  start.addressees = &names_;
  auto result = run_body(agent->body, std::make_shared<Execution>(std::move(start)));
  if (!result)
    return failed(cause, result.error());
  next_states_.emplace_back(index, std::move(result->agent_state));
  return std::optional{effects_of(std::move(result->proposal))};
}

Result<std::optional<Effects>> Rerun::run_cohort(const CommitRecord& record, const Snapshot& base) {
  const Cause& cause = record.cause;
  const auto place = cohorts_.find(cause.name);
  if (place == cohorts_.end())
    return not_replayable(cause, "no cohort of this name is spawned", "Spawn it");
  std::shared_ptr<CohortTable>& table = place->second.table;
  // Its first step: it was spawned, perhaps not for the first time, with its initial columns.
  if (cause.number == 0) {
    auto made = CohortTable::make(*place->second.cohort, cast_.seed, cast_.access);
    if (!made)
      return made.error();
    table = *std::move(made);
  }
  if (table == nullptr || table->steps() != cause.number)
    return not_replayable(cause,
                          "step " + std::to_string(cause.number + 1) +
                              " stands on columns that are not known: steps before it left no record",
                          "Have each step write something into the state");
  if (auto light = check_kept(cause, table->contract()); !light)
    return light.error();
  ExecutionStart start = start_of(cause, base);
  start.contract = std::shared_ptr<const Contract>{table, &table->contract()};
  start.random = random_stream(cast_.seed, cause.name, cause.number);
  const Body body{[table](Context& context) { table->step(context); }};
  auto result = run_body(body, std::make_shared<Execution>(std::move(start)));
  if (!result)
    return failed(cause, result.error());
  stepped_ = table.get();
  return std::optional{effects_of(std::move(result->proposal))};
}

}  // namespace theus

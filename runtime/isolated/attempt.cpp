#include "runtime/isolated/attempt.hpp"

#include "runtime/agent_cause.hpp"
#include "runtime/commit_turn.hpp"
#include "runtime/projection.hpp"
#include "runtime/snapshot_access.hpp"

#include <algorithm>

namespace theus {
namespace {

/// The value, at the end of a path from the root.
Value standing_at(std::span<const Segment> path, Value value) {
  for (auto segment = path.rbegin(); segment != path.rend(); ++segment) {
    Value map = Value::map();
    map.set(segment->key, std::move(value));
    value = std::move(map);
  }
  return value;
}

/// A pattern that leads into a list shows nothing of the maps above it; the worker gets the list as a whole, and its
/// contract shows the body what is declared of it.
std::optional<Value> list_of(const PathPattern& pattern, const Snapshot& snapshot) {
  const auto segments = pattern.path().segments();
  const auto index = std::ranges::find_if(segments, [](const Segment& segment) { return segment.is_index(); });
  const auto keys = segments.first(static_cast<std::size_t>(index - segments.begin()));
  if (index == segments.end() || std::ranges::any_of(keys, is_wildcard))
    return std::nullopt;
  const Path path = pattern.path().prefix(keys.size());
  auto value = SnapshotAccess::find(snapshot, path);
  return value ? std::optional{standing_at(keys, without_private(path, *std::move(value)))} : std::nullopt;
}

}  // namespace

Value declared_state(const ExecutionStart& start) {
  const Contract& contract = *start.contract;
  ExecutionStart looking = start;
  looking.notes_reads = false;
  std::optional<Value> shown;
  if (contract.reading(Path{}, contract.standing()) != Contract::Reading::none)
    if (auto all = Execution{std::move(looking)}.read(Path{}))
      shown = *std::move(all);
  for (const auto* patterns : {&contract.inputs(), &contract.outputs()})
    for (const PathPattern& pattern : *patterns)
      if (auto list = list_of(pattern, start.snapshot))
        show_also(shown, std::move(list));
  return shown && shown->is_map() ? *std::move(shown) : Value::map();
}

IsolatedCall isolated_call(const ExecutionStart& start) {
  return {.name = start.contract->name(),
          .contract = contract_hash(*start.contract),
          .execution = start.id,
          .attempt = start.attempt,
          .time = start.time,
          .version = start.snapshot.version(),
          .arguments = start.arguments,
          .state = declared_state(start)};
}

Result<ExecutionResult> run_isolated(const Process& process, std::shared_ptr<const Contract> contract,
                                     const IsolatedCall& call, std::uint64_t seed, std::shared_ptr<CallState> state,
                                     LogSink log) {
  if (contract_hash(*contract) != call.contract)
    return Error{Errc::contract_violation, "'" + call.name + "'",
                 "the worker's program declares it otherwise than the engine's",
                 "Register processes in the function given to serve_if_worker() alone, and alike everywhere"}
        .with("rule", "worker_contract");
  CommitTurn turn;
  std::vector<Write> members;
  for (const auto [key, value] : call.state.members())
    members.push_back(Write::set(Path{}.key(key), value));
  if (call.version > 0)
    if (auto restored = turn.restore(call.version, members); !restored)
      return restored.error();
  ExecutionStart start{.contract = std::move(contract), .snapshot = turn.snapshot(), .arguments = call.arguments};
  start.id = call.execution;
  start.attempt = call.attempt;
  start.call = std::move(state);
  start.log = std::move(log);
  start.time = call.time;
  start.random = random_stream(seed, process.name, call.execution);
  return run_process(process, start);
}

Result<ExecutionResult> held_to_contract(const Process& process, const ExecutionStart& start, ExecutionResult told) {
  const Contract& contract = *start.contract;
  for (const Path& path : told.proposal.reads)
    if (contract.reading(path, contract.standing()) == Contract::Reading::none)
      return contract.illegal_read(path);
  Execution execution{start};
  for (const Write& write : told.proposal.writes)
    if (auto written = execution.write(write); !written)
      return written.error();
  for (Signal& signal : told.proposal.signals)
    if (auto sent = execution.emit(signal.name, std::move(signal.payload), std::source_location::current()); !sent)
      return sent.error();
  if (execution.is_cancelled())
    return Error{Errc::cancelled, "'" + process.name + "'", "it was cancelled while it ran",
                 "Nothing of this execution was committed"};
  auto result = execution.finish(Returned{});
  if (!result)
    return result;
  result->value = std::move(told.value);
  auto& reads = result->proposal.reads;
  reads.insert(reads.end(), told.proposal.reads.begin(), told.proposal.reads.end());
  return result;
}

}  // namespace theus

#include "runtime/divergence.hpp"

#include "runtime/commit_turn.hpp"
#include "runtime/state_parts.hpp"
#include "runtime/store/checkpoint_writer.hpp"

#include <theus/diff.hpp>

namespace theus {
namespace {

constexpr std::size_t differences_told_max = 1000;
constexpr std::size_t differences_in_text_max = 5;

std::vector<std::byte> bytes_of(std::span<const Write> writes, std::span<const Signal> signals) {
  std::vector<std::byte> bytes;
  append_record(bytes, {.writes = writes, .signals = signals}, {});
  return bytes;
}

/// The state after the writes, in a memory of its own. Errors: why they cannot be applied.
Result<Snapshot> after(const Snapshot& before, Version version, std::span<const Write> writes) {
  CommitTurn turn;
  std::vector<Write> values;
  StateParts parts{before};
  while (auto part = parts.next())
    values.push_back(Write::set(std::move(part->path), std::move(part->value)));
  if (before.version() > 0)
    if (auto copied = turn.restore(before.version(), values); !copied)
      return copied.error();
  std::vector<Write> kept;
  for (const Write& write : writes)
    if (write.path.zone() != Zone::meta)
      kept.push_back(write);
  if (auto applied = turn.restore(version, kept); !applied)
    return applied.error();
  return turn.snapshot();
}

Value data_of(std::span<const Signal> signals) {
  Value list = Value::list();
  for (const Signal& signal : signals)
    list.push_back({{"name", signal.name}, {"payload", signal.payload}});
  return list;
}

Error diverged(Version version, const Cause& cause, std::string what) {
  return Error{Errc::replay_diverged, text_of(cause) + ", version " + std::to_string(version), std::move(what),
               "Run the version of the program that wrote the journal, or keep the change and begin a new journal"}
      .with("version", version)
      .with("process", cause.name)
      .with("origin", cause.origin);
}

}  // namespace

Status check_same_effects(Version version, const CommitRecord& record, const Effects& wanted, const Snapshot& before) {
  if (bytes_of(record.writes, record.signals) == bytes_of(wanted.writes, wanted.signals))
    return {};
  const auto committed = after(before, version, record.writes);
  if (!committed)
    return committed.error();
  const auto now = after(before, version, wanted.writes);
  if (!now)
    return diverged(version, record.cause, "what its body wants now cannot be applied: " + now.error().cause())
        .with("diff", Value::list());
  const bool same_signals = bytes_of({}, record.signals) == bytes_of({}, wanted.signals);
  const bool same_state = store::state_digest(*committed) == store::state_digest(*now);
  if (same_signals && same_state)
    return {};
  const Diff found = diff(*committed, *now, {}, {.entries_max = differences_told_max});
  Value entries = Value::list();
  std::string text = "its body wants something else than what was committed";
  for (std::size_t i = 0; i < found.entries.size(); ++i) {
    entries.push_back(data_of(found.entries[i]));
    if (i < differences_in_text_max)
      text += (i == 0 ? ": " : "; ") + to_text(found.entries[i]);
  }
  if (const std::size_t all = found.entries.size() + found.omitted; all > differences_in_text_max)
    text += "; and " + std::to_string(all - differences_in_text_max) + " more";
  if (found.empty() && !same_state)
    text += ", in the private zone";
  Error error = diverged(version, record.cause, text + (same_signals ? "" : "; other signals")).with("diff", entries);
  if (!same_signals)
    error.set("signals_before", data_of(record.signals)).set("signals_after", data_of(wanted.signals));
  return error;
}

}  // namespace theus

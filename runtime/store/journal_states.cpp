#include "runtime/store/journal_states.hpp"

#include <algorithm>

namespace theus::store {
namespace {

/// Where to begin; nothing: with the empty state.
Result<std::optional<Checkpoint>> beginning(JournalReader& reader, Version to, JournalStates::From from) {
  const bool is_whole = reader.first() <= 1 || to == 0;
  if (to == 0 || (is_whole && from == JournalStates::From::oldest))
    return std::optional<Checkpoint>{};
  auto versions = checkpoint_versions(reader.database());
  if (!versions)
    return versions.error();
  if (from == JournalStates::From::nearest)
    std::ranges::reverse(*versions);
  for (const Version version : *versions) {
    if (version > to || (version < to && version + 1 < reader.first()))
      continue;  // too late, or what follows it was dropped
    auto checkpoint = read_checkpoint(reader.database(), version);
    if (!checkpoint || *checkpoint)
      return checkpoint;
  }
  if (is_whole)
    return std::optional<Checkpoint>{};
  return Error{Errc::not_replayable, reader.path().string(),
               "the history of version " + std::to_string(to) + " was dropped; the first commit that is kept is " +
                   std::to_string(reader.first()),
               "Ask for a later version; JournalOptions::history_min decides how much is kept"}
      .with("version", to);
}

}  // namespace

Result<JournalStates> JournalStates::begin(JournalReader& reader, Version to, From from) {
  if (to > reader.newest())
    return Error{Errc::bad_argument, "version " + std::to_string(to),
                 "it does not exist yet; the newest of the journal is " + std::to_string(reader.newest()),
                 "Ask for a version that was committed"}
        .with("version", to);
  const auto start = beginning(reader, to, from);
  if (!start)
    return start.error();
  auto turn = std::make_unique<CommitTurn>();
  Digest link = Chain::first(reader.header().name);
  std::optional<Digest> digest;
  if (*start) {
    if (auto restored = turn->restore((*start)->version, (*start)->values); !restored)
      return restored.error();
    link = (*start)->link;
    digest = (*start)->digest;
  }
  auto walk = CommitWalk::after(reader.database(), reader.path(), turn->version(), link);
  if (!walk)
    return walk.error();
  return JournalStates{std::move(turn), *std::move(walk), to, digest};
}

Result<std::optional<KeptCommit>> JournalStates::read() {
  if (version() >= to_)
    return std::optional<KeptCommit>{};
  return walk_.next();
}

Status JournalStates::apply(Version version, std::span<const Write> writes) { return turn_->restore(version, writes); }

Status JournalStates::finish() {
  for (;;) {
    const auto commit = read();
    if (!commit || !*commit)
      return commit ? Status{} : Status{commit.error()};
    if (auto applied = apply((*commit)->version, (*commit)->record.writes); !applied)
      return applied;
  }
}

}  // namespace theus::store

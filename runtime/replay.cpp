#include <theus/replay.hpp>

#include "runtime/store/journal_states.hpp"

namespace theus {

using store::AuditWalk;
using store::JournalReader;
using store::JournalStates;

Result<JournalExtent> journal_extent(const std::filesystem::path& journal) {
  auto reader = JournalReader::open(journal);
  if (!reader)
    return reader.error();
  JournalExtent extent{.first = 0, .newest = reader->newest()};
  if (reader->first() <= 1)
    return extent;
  const auto checkpoints = store::checkpoint_versions(reader->database());
  if (!checkpoints)
    return checkpoints.error();
  extent.first = checkpoints->empty() ? reader->newest() : checkpoints->front();
  return extent;
}

Result<Snapshot> state_at(const std::filesystem::path& journal, Version version) {
  auto reader = JournalReader::open(journal);
  if (!reader)
    return reader.error();
  auto states = JournalStates::begin(*reader, version, JournalStates::From::nearest);
  if (!states)
    return states.error();
  if (auto finished = states->finish(); !finished)
    return finished.error();
  return states->state();
}

Result<AuditLogReport> verify_audit_log(const std::filesystem::path& journal) {
  auto reader = JournalReader::open(journal);
  if (!reader)
    return reader.error();
  auto walk = AuditWalk::begin(reader->database(), reader->path(), reader->header().name);
  if (!walk)
    return walk.error();
  const auto& mark = reader->mark();
  const auto lost = [&](std::uint64_t sequence, std::string cause) {
    return Error{Errc::journal_corrupt, journal.string() + ", entry " + std::to_string(sequence) + " of the audit log",
                 std::move(cause), "Restore the journal from a copy"}
        .with("sequence", sequence)
        .with("path", journal.string());
  };
  for (;;) {
    const auto entry = walk->next();
    if (!entry)
      return entry.error();
    if (!*entry)
      break;
    if (mark && (*entry)->sequence == mark->audit && walk->link() != mark->audit_link)
      return lost(mark->audit, "it is not the one that was safe: the log was written anew up to here");
  }
  if (mark && mark->audit > walk->sequence())
    return lost(walk->sequence() + 1,
                "it is missing, though entries up to " + std::to_string(mark->audit) + " were safe");
  return AuditLogReport{walk->sequence(), walk->link()};
}

Result<std::vector<AuditEntry>> audit_log_of(const std::filesystem::path& journal, std::size_t most) {
  auto reader = JournalReader::open(journal);
  if (!reader)
    return reader.error();
  return store::newest_audit_entries(reader->database(), most);
}

}  // namespace theus

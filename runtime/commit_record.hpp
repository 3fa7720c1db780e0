#pragma once

// One commit as a journal keeps it: its effects, and its cause. Canonical CBOR:
//
//   record  = [base, cause, [write, ...], [signal, ...], request]
//   cause   = [kind, name, number, attempt, time, contract, arguments]    time: nanoseconds since 1970, UTC
//             or of a joined process  [..., arguments, origin]
//   write   = [kind, path, value]  or for a splice  [kind, path, value, position, removed]
//   signal  = [name, payload]
//   request = null or [id, fingerprint, value]
//
// Kinds are numbers: of writes set 0, erase 1, append 2, splice 3, increment 4, max 5, insert 6; of causes those of
// cause.hpp. What was written below the meta zone is left out, for it is neither kept nor replayed; processes that
// joined get it all the same. The version is not part of the record: it is the record's key.

#include "runtime/cause.hpp"
#include "runtime/proposal.hpp"
#include "runtime/state_parts.hpp"

namespace theus {

struct CommitRecord {
  Version base = 0;
  Cause cause;
  std::vector<Write> writes;
  std::vector<Signal> signals;
  std::optional<Request> request;
};

/// Appends the record of a proposal that is about to be committed.
void append_record(std::vector<std::byte>& out, const ProposalView& proposal, const Cause& cause,
                   MetaZone meta = MetaZone::left_out);
/// Appends the list of all of them.
void append_writes(std::vector<std::byte>& out, std::span<const Write> writes);

/// Paths that came before, so that they need not be parsed again. Belongs to one reader.
class PathCache {
public:
  /// Errors: bad_argument.
  Result<Path> path(std::string_view text);

private:
  static constexpr std::size_t paths_max = 65'536;
  std::unordered_map<std::string_view, Path> paths_;  // each key is the spelling of its path
};

/// Errors: journal_corrupt with the field `offset`.
Result<CommitRecord> read_record(std::span<const std::byte> bytes, PathCache& paths);

/// The same, and a list of writes, in the midst of others; the cursor tells of failures.
CommitRecord read_record(class CborCursor& in, PathCache& paths);
std::vector<Write> read_writes(CborCursor& in, PathCache& paths);

}  // namespace theus

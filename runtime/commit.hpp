#pragma once

#include "runtime/proposal.hpp"
#include "runtime/state_memory.hpp"

namespace theus {

// The rules by which one version follows another. None of them waits, performs I/O or calls user code.

/// Something that a proposal depends on changed after its base. Conflicts are common, so their text is made when they
/// are told, not within the turn.
struct Conflict {
  Path path;  ///< the root when the proposal depends on the whole state
  Version expected = 0;
  Version actual = 0;
  Value current;

  /// version_mismatch: path, expected, actual, current.
  Error error() const;
};

/// Refuses (bad_argument) a base that is still to come.
Status check_base(const Root& head, Version base);

/// The first of what the proposal reads or overwrites that changed after its base: at the finest path, subtree reads
/// included, so neither phantoms nor write skew pass.
std::optional<Conflict> find_conflict(const Root& head, const ProposalView& proposal);

/// The value after the write, given the one before it (nothing: absent). Nothing means that the path goes away.
/// Refuses (bad_argument) an append to something other than a list, an overflow, and the like.
Result<std::optional<Value>> applied(const Write& write, const std::optional<Value>& before);

/// The oldest elements go until the list has no more than that. Other values stay as they are.
Value trimmed(Value list, std::size_t elements_max);

/// What the new state must fit.
struct SchemaTerms {
  const SchemaGuard* guard = nullptr;  ///< nothing: anything is right
  bool finite = true;                  ///< no number of the state or of the proposal is anything else
};

/// The root that follows `head`; `head` itself when the proposal changes nothing and carries no signals.
/// The new root is not published yet. On an error, bad_alloc included, nothing has changed. A schema that the proposal
/// brings is asked about the whole state, the one in `schema` about what the writes touch. REQUIRES: no conflict.
Result<const Root*> commit(StateMemory& memory, const Root& head, const ProposalView& proposal,
                           const AccessTable& access, const SchemaTerms& schema = {});

/// As commit, but the root is always a new one, of that version: what a journal brings back.
Result<const Root*> restore(StateMemory& memory, const Root& head, Version version, std::span<const Write> writes,
                            const AccessTable& access);

}  // namespace theus

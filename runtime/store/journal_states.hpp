#pragma once

#include "runtime/commit_turn.hpp"
#include "runtime/store/journal_reader.hpp"

namespace theus::store {

/// The states that a journal tells, one version after the other. Belongs to one thread; the reader must outlive it.
class JournalStates {
public:
  enum class From : std::uint8_t { nearest, oldest };

  /// Begins at the nearest sound checkpoint at or before `to`, or at the oldest state that is kept. Errors:
  /// bad_argument when `to` is still to come, not_replayable when its history was dropped; journal_corrupt.
  static Result<JournalStates> begin(JournalReader& reader, Version to, From from);

  Version version() const noexcept { return turn_->version(); }
  Snapshot state() const { return turn_->snapshot(); }
  /// Of the checkpoint it began with.
  const std::optional<Digest>& first_digest() const noexcept { return first_digest_; }

  /// The next commit, not yet applied; nothing behind `to`.
  Result<std::optional<KeptCommit>> read();
  /// What follows from these writes is the state of the version. Errors: journal_corrupt.
  Status apply(Version version, std::span<const Write> writes);
  /// Reads and applies up to `to`.
  Status finish();

private:
  JournalStates(std::unique_ptr<CommitTurn> turn, CommitWalk walk, Version to, std::optional<Digest> digest)
      : turn_(std::move(turn)), walk_(std::move(walk)), to_(to), first_digest_(digest) {}

  std::unique_ptr<CommitTurn> turn_;
  CommitWalk walk_;
  Version to_;
  std::optional<Digest> first_digest_;
};

}  // namespace theus::store

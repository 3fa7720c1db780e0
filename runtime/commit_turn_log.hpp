#pragma once

#include "runtime/commit_turn.hpp"
#include "runtime/log_writer.hpp"
#include "runtime/unsettled_commits.hpp"

namespace theus {

/// The part of a commit turn that has a log: what was committed to the head and not yet settled, and who writes it.
class CommitTurn::Logging final : public LogWriter::Source {
public:
  Logging(CommitTurn& turn, CommitLog& log);

  /// Where the record of a proposal will stand once it is known to be committed; until then it can be left again.
  class Place {
  public:
    /// Takes the record of the proposal. May throw bad_alloc.
    Place(Logging& logging, const ProposalView& proposal);
    ~Place() {
      if (!taken_)
        logging_.unsettled_.take_back();
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;

    void take(const Root& root) noexcept;

  private:
    Logging& logging_;
    const ProposalView& proposal_;
    bool taken_ = false;
  };

  // Within the turn.

  /// Why no commit is possible at present.
  const Error* failure() const noexcept { return refuses_ ? &*failure_ : nullptr; }
  /// The newest version that the verdict depends on and that can still be taken back; 0: there is none.
  Version stands_on(const Verdict& verdict) const noexcept;
  /// Whether commits have to wait until the log has caught up.
  bool is_full() const noexcept;
  bool is_settled() const noexcept { return unsettled_.is_empty(); }
  void attach(Settlement& waiting) noexcept { unsettled_.attach(waiting); }
  void audit(AuditEntry&& entry);
  /// A schema has come into force with a commit that changed nothing.
  void settle_schema(std::shared_ptr<const SchemaGuard> schema) noexcept { settled_schema_ = std::move(schema); }

  // Outside of it.

  /// Something waits, and nobody for it.
  void submit() { writer_->submit(); }
  void wait(const AwaitedSettlement& settlement) { writer_->wait(settlement.is_told()); }
  Version durable() const noexcept { return durable_.load(std::memory_order_acquire); }
  void start_at(Version version) noexcept { durable_.store(version, std::memory_order_release); }
  Status wait_durable(Version version, std::chrono::steady_clock::time_point deadline);
  /// Writes what waits and ends the writer. Errors: why something is left.
  Status stop();

private:
  std::size_t waiting() const noexcept override { return waiting_.load(std::memory_order_relaxed); }
  LogWriter::Written write() noexcept override;
  bool tidy() noexcept override { return log_.tidy(); }

  /// Both return who is to be told, as a chain.
  Settlement* settle(std::size_t count) noexcept;
  Settlement* fail(const Error& error) noexcept;

  CommitTurn& turn_;
  CommitLog& log_;
  UnsettledCommits unsettled_;                         // guarded by the turn
  std::optional<Error> failure_;                       // guarded by the turn: of the last batch
  bool refuses_ = false;                               // guarded by the turn: it stands in the way of commits
  std::shared_ptr<const SchemaGuard> settled_schema_;  // guarded by the turn: which a failure goes back to
  std::vector<LoggedCommit*> batch_;                   // of whoever writes
  std::atomic<std::size_t> waiting_{0};
  std::atomic<Version> durable_{0};
  std::condition_variable durable_changed_;
  std::unique_ptr<LogWriter> writer_;  // last: its thread uses the others
};

}  // namespace theus

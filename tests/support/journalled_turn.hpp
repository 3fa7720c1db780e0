#pragma once

#include "runtime/commit_turn.hpp"
#include "runtime/store/journal.hpp"

namespace theus::testing {

/// A turn on a journal, from what that holds on. Throws what is wrong with it.
class JournalledTurn final : public CommitListener {
public:
  explicit JournalledTurn(JournalOptions options, store::LogPages log_pages = {})
      : path_(options.path),
        journal_(store::Journal::open({.options = options,
                                       .seed = 7,
                                       .log = [this](const LogEntry& entry) { warnings_.push_back(entry.text); },
                                       .log_pages = log_pages})
                     .value()),
        turn_(std::make_unique<CommitTurn>(
            this, system_clock(),
            CommitTurn::Terms{.log = journal_.get(),
                              .publishes_before_logging = options.level == Durability::disk_async})),
        found_(journal_->recover(*turn_).value()) {
    journal_->take_checkpoints_of([this] { return turn_->try_snapshot(); });
  }
  ~JournalledTurn() override { (void)end(); }

  const std::filesystem::path& path() const noexcept { return path_; }
  CommitTurn& turn() noexcept { return *turn_; }
  store::Journal& journal() noexcept { return *journal_; }
  const Recovery& found() const noexcept { return found_; }
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }
  const std::vector<AuditEntry>& audits() const noexcept { return audits_; }

  Outcome commit(std::vector<Write> writes) {
    return turn_->commit(ProposalView{.base = turn_->version(), .writes = writes});
  }
  Value at(const Path& path) const { return turn_->snapshot().find(path).value_or(Value{}); }
  Digest digest() const { return store::state_digest(turn_->snapshot()); }

  /// Closes turn and journal in order.
  Status end() {
    auto closed = turn_->close();
    auto ended = journal_->close();
    return closed ? ended : closed;
  }

private:
  void committed(Version, std::span<const Signal>) noexcept override {}
  void audited(const AuditEntry& entry) noexcept override { audits_.push_back(entry); }

  const std::filesystem::path path_;
  std::vector<std::string> warnings_;
  std::vector<AuditEntry> audits_;
  std::unique_ptr<store::Journal> journal_;
  std::unique_ptr<CommitTurn> turn_;
  Recovery found_;
};

}  // namespace theus::testing

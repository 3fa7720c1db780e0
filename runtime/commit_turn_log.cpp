// Commits with a log. The head runs ahead of what is published:
//
//   within the turn      validate against the head, apply, queue the record; the caller joins those who wait
//   outside of it        whoever writes takes a batch of records and has the log keep it
//   within the turn      publish the last version of the batch, tell watches and listener of each commit, in order
//   outside of it        answer those who waited
//
// When the log refuses a batch, it and all that was committed on top of it is taken back: nobody was told of it, and
// whoever stood on it, were it by a refusal, is refused with the log's error.

#include "runtime/commit_turn_log.hpp"

#include "runtime/commit_decider.hpp"
#include "runtime/commit_record.hpp"

#include <new>

namespace theus {

CommitTurn::Logging::Logging(CommitTurn& turn, CommitLog& log) : turn_(turn), log_(log) {
  batch_.reserve(UnsettledCommits::batch_max);
  writer_ = std::make_unique<LogWriter>(*this);
}

CommitTurn::Logging::Place::Place(Logging& logging, const ProposalView& proposal)
    : logging_(logging), proposal_(proposal) {
  UnsettledCommit& entry = logging.unsettled_.add();
  if (proposal.request != nullptr)
    entry.request = *proposal.request;
  if (proposal.audit != nullptr)
    entry.audit = *proposal.audit;
}

void CommitTurn::Logging::Place::take(const Root& root) noexcept {
  taken_ = true;
  if (proposal_.is_recorded != nullptr)
    *proposal_.is_recorded = true;
  UnsettledCommit& entry = logging_.unsettled_.last();
  entry.version = root.version;
  entry.record = std::move(*proposal_.record);
  if (entry.audit)
    entry.audit->version = root.version;
  if (proposal_.schema != nullptr)
    entry.schema = *proposal_.schema;
  if (!logging_.turn_.terms_.publishes_before_logging) {
    entry.root = &root;
    entry.proposal = proposal_;
  }
  logging_.unsettled_.count_bytes(entry.record.size());
  logging_.waiting_.fetch_add(1, std::memory_order_relaxed);
}

Version CommitTurn::Logging::stands_on(const Verdict& verdict) const noexcept {
  if (turn_.terms_.publishes_before_logging || unsettled_.is_empty())
    return 0;
  Version version = turn_.head_->version;
  if (const Version* committed = std::get_if<Version>(&verdict))
    version = *committed;
  else if (const Conflict* conflict = std::get_if<Conflict>(&verdict))
    version = conflict->actual;
  return version > turn_.version() ? version : 0;
}

bool CommitTurn::Logging::is_full() const noexcept {
  return unsettled_.size() > turn_.terms_.unlogged_max || unsettled_.bytes() > turn_.terms_.unlogged_bytes_max;
}

void CommitTurn::Logging::audit(AuditEntry&& entry) {
  unsettled_.add().audit = std::move(entry);
  waiting_.fetch_add(1, std::memory_order_relaxed);
}

LogWriter::Written CommitTurn::Logging::write() noexcept {
  {
    const std::lock_guard lock{turn_.turn_};
    unsettled_.gather(batch_);
  }
  if (batch_.empty())
    return {};
  const std::size_t count = batch_.size();
  const Status written = log_.append(batch_);
  Settlement* chain = nullptr;
  std::size_t left = 0;
  {
    const std::lock_guard lock{turn_.turn_};
    chain = written ? settle(count) : fail(written.error());
    left = unsettled_.size();
  }
  durable_changed_.notify_all();
  UnsettledCommits::tell(chain, durable(), written ? nullptr : &written.error());
  return {count, left, !written && left > 0};
}

Settlement* CommitTurn::Logging::settle(std::size_t count) noexcept {
  Version version = durable();
  const Root* root = nullptr;
  for (std::size_t i = 0; i < count; ++i) {
    const UnsettledCommit& entry = unsettled_[i];
    if (entry.version == 0)
      continue;
    if (entry.schema != nullptr)
      settled_schema_ = entry.schema;
    version = entry.version;
    root = entry.root;
  }
  waiting_.fetch_sub(count, std::memory_order_relaxed);
  durable_.store(version, std::memory_order_release);
  failure_.reset();
  refuses_ = false;
  if (root != nullptr)
    turn_.publish(root);
  for (std::size_t i = 0; i < count; ++i) {
    const UnsettledCommit& entry = unsettled_[i];
    if (entry.root != nullptr)
      turn_.tell(entry.version, entry.proposal);
    if (entry.audit && turn_.listener_ != nullptr)
      turn_.listener_->audited(*entry.audit);
  }
  turn_.look_at_memory();
  return unsettled_.remove(count);
}

Settlement* CommitTurn::Logging::fail(const Error& error) noexcept {
  failure_ = error;
  // What is published cannot be taken back: until it could be written, nothing is added to it.
  refuses_ = turn_.terms_.publishes_before_logging || error.code() == Errc::journal_failed ||
             error.code() == Errc::journal_corrupt;
  if (turn_.terms_.publishes_before_logging)
    return unsettled_.detach_waiting();
  if (std::exchange(turn_.schema_, settled_schema_) != settled_schema_)
    turn_.schema_changes_.fetch_add(1);
  turn_.memory_->rewind(turn_.head_);
  turn_.head_ = turn_.memory_->published();
  turn_.requests_.forget_after(turn_.head_->version);
  Settlement* const chain = unsettled_.remove_commits();
  waiting_.store(unsettled_.size(), std::memory_order_relaxed);
  return chain;
}

Status CommitTurn::Logging::wait_durable(Version version, std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock{turn_.turn_};
  const bool is_there =
      durable_changed_.wait_until(lock, deadline, [&] { return durable() >= version || refuses_ || turn_.is_closed_; });
  if (durable() >= version)
    return {};
  if (refuses_)
    return *failure_;
  const std::string what = "version " + std::to_string(version);
  return is_there ? Error{Errc::closed, what, "the engine was shut down", "Create another engine"}
                  : Error{Errc::timeout, what, "it is not durable yet", "Wait longer"};
}

Status CommitTurn::Logging::stop() {
  writer_->stop();
  const std::lock_guard lock{turn_.turn_};
  durable_changed_.notify_all();
  return unsettled_.is_empty() ? Status{} : Status{*failure_};
}

// A door for bad_alloc, as try_commit().
Status CommitTurn::add_record(ProposalView& proposal, std::vector<std::byte>& record) const try {
  append_record(record, proposal,
                proposal.cause != nullptr ? *proposal.cause : Cause{.kind = proposal.kind, .time = clock_.wall()});
  proposal.record = &record;
  return {};
} catch (const std::bad_alloc&) {
  return out_of_memory_;
}

Outcome CommitTurn::commit_logged(ProposalView proposal) {
  std::vector<std::byte> record;
  if (auto made = add_record(proposal, record); !made)
    return made.error();
  AwaitedSettlement settlement;
  std::unique_lock lock = enter();
  auto verdict = try_commit<true>(proposal);
  if (!verdict)
    verdict = commit_when_released<true>(lock, proposal);
  const Version stands_on = logging_->stands_on(*verdict);
  const bool waits = stands_on > 0 || logging_->is_full();
  const bool is_settled = logging_->is_settled();
  if (waits)
    logging_->attach(settlement);
  lock.unlock();

  if (waits)
    logging_->wait(settlement);
  else if (!is_settled)
    logging_->submit();
  if (stands_on > settlement.kept() && settlement.failure())
    return *settlement.failure();
  return told(*std::move(verdict));
}

namespace {

/// Keeps a batch until the log has answered for all of it.
class SettlingBatch final : public Settlement {
public:
  explicit SettlingBatch(std::shared_ptr<ProposalBatch> batch)
      : batch_(std::move(batch)), stands_on_(batch_->proposals.size()) {}

  void stand_on(std::size_t index, Version version) noexcept { stands_on_[index] = version; }

  void settled(Version kept, const Error* failure) noexcept override {
    const std::unique_ptr<SettlingBatch> end{this};
    for (std::size_t i = 0; i < stands_on_.size() && failure != nullptr; ++i)
      if (stands_on_[i] > kept)
        batch_->outcomes[i] = *failure;
    batch_->settled();
  }

private:
  const std::shared_ptr<ProposalBatch> batch_;
  std::vector<Version> stands_on_;  // 0: the outcome is final
};

}  // namespace

/// What cannot be right is refused here, the rest there.
void CommitTurn::decide_elsewhere(const std::shared_ptr<ProposalBatch>& batch) {
  for (std::size_t i = 0; i < batch->proposals.size(); ++i)
    if (auto fit = fits(batch->proposals[i]); !fit)
      batch->outcomes[i] = fit.error();
  terms_.elsewhere->decide(batch);
}

void CommitTurn::commit(const std::shared_ptr<ProposalBatch>& batch) {
  auto& proposals = batch->proposals;
  auto& outcomes = batch->outcomes;
  outcomes.resize(proposals.size());
  if (terms_.elsewhere != nullptr)
    return decide_elsewhere(batch);
  if (logging_ == nullptr) {
    commit(proposals, outcomes);
    return batch->settled();
  }
  std::vector<std::vector<std::byte>> records(proposals.size());
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    ProposalView& proposal = proposals[i];
    if (auto fit = fits(proposal); !fit)
      outcomes[i] = fit.error();
    else if (auto made = add_record(proposal, records[i]); !made)
      outcomes[i] = made.error();
  }
  auto settling = std::make_unique<SettlingBatch>(batch);
  bool waits = false;
  for (std::size_t at = 0; at < proposals.size(); at += batch_max) {
    const std::lock_guard lock{turn_};
    for (std::size_t i = at; i < std::min(at + batch_max, proposals.size()); ++i) {
      if (outcomes[i])
        continue;
      auto verdict = try_commit<true>(proposals[i]);
      if (!verdict)
        continue;
      settling->stand_on(i, logging_->stands_on(*verdict));
      outcomes[i] = told(*std::move(verdict));
    }
    const bool is_end = at + batch_max >= proposals.size();
    waits = is_end && !logging_->is_settled();
    if (waits)
      logging_->attach(*settling.release());
  }
  if (waits)
    return logging_->submit();
  batch->settled();
}

Status CommitTurn::advance(Version version, std::span<const Write> writes) {
  auto next = theus::restore(*memory_, *head_, version, writes, *terms_.access);
  if (!next)
    return Error{Errc::journal_corrupt, "version " + std::to_string(version),
                 "it cannot follow the one before it: " + next.error().text(), "Restore the journal from a copy"}
        .with("version", version);
  head_ = *next;
  publish(head_);
  look_at_memory();
  return {};
}

Status CommitTurn::follow(Version version, std::span<const Write> writes) {
  const std::lock_guard lock{turn_};
  auto advanced = advance(version, writes);
  if (advanced)
    tell(version, {.writes = writes});
  return advanced;
}

Status CommitTurn::restore(Version version, std::span<const Write> writes, const Request* request) {
  const std::lock_guard lock{turn_};
  if (auto advanced = advance(version, writes); !advanced)
    return advanced;
  if (logging_ != nullptr)
    logging_->start_at(version);
  if (request != nullptr) {
    requests_.prepare(*request);
    requests_.settle(*request, version);
  }
  return {};
}

void CommitTurn::restore_request(const Request& request, Version version) {
  const std::lock_guard lock{turn_};
  requests_.prepare(request);
  requests_.settle(request, version);
}

Version CommitTurn::durable_version() const noexcept { return logging_ != nullptr ? logging_->durable() : version(); }

Status CommitTurn::wait_durable(Version version, std::chrono::steady_clock::time_point deadline) const {
  if (logging_ != nullptr)
    return logging_->wait_durable(version, deadline);
  return Error{Errc::unsupported, "wait_durable", "the engine has no journal", "Set EngineOptions::journal"};
}

void CommitTurn::audit(AuditEntry entry) {
  std::unique_lock lock{turn_};
  if (logging_ == nullptr) {
    if (listener_ != nullptr)
      listener_->audited(entry);
    return;
  }
  if (is_closed_)
    return;
  logging_->audit(std::move(entry));
  lock.unlock();
  logging_->submit();
}

}  // namespace theus

#include "runtime/asymmetric_fence.hpp"
#include "runtime/commit_decider.hpp"
#include "runtime/commit_turn_log.hpp"
#include "runtime/schema_guard.hpp"
#include "runtime/value_check.hpp"

#include <cassert>
#include <new>

namespace theus {

CommitTurn::CommitTurn(CommitListener* listener, const Clock& clock, const Terms& terms)
    : memory_(StateMemory::make()),
      listener_(listener),
      clock_(clock),
      terms_(terms),
      out_of_memory_(Errc::resource_exhausted, "commit", "out of memory", "Release old snapshots or reduce the state"),
      head_(memory_->published()),
      requests_(terms.requests_kept_max),
      may_be_non_finite_(terms.elsewhere != nullptr),
      logging_(terms.log != nullptr ? std::make_unique<Logging>(*this, *terms.log) : nullptr) {}

CommitTurn::~CommitTurn() {
  (void)close();
  memory_->orphan();
}

// As try_commit(), a door for bad_alloc: deeply nested values are walked with the help of the heap.
Status CommitTurn::fits(const ProposalView& proposal) const try {
  const auto large = check_values(proposal.writes, may_be_non_finite_.load(std::memory_order_relaxed));
  if (!large)
    return large.error();
  if (*large && listener_ != nullptr) [[unlikely]]
    listener_->asked_for_large_value(*(*large)->path, (*large)->bytes);
  return {};
} catch (const std::bad_alloc&) {
  return out_of_memory_;
}

Outcome CommitTurn::commit(const ProposalView& proposal) {
  if (!are_harmless(proposal.writes)) [[unlikely]]
    if (auto fit = fits(proposal); !fit)
      return fit.error();
  if (logging_ != nullptr)
    return commit_logged(proposal);
  if (terms_.elsewhere != nullptr) [[unlikely]]
    return terms_.elsewhere->decide(proposal);
  std::unique_lock lock = enter();
  auto verdict = try_commit<false>(proposal);
  if (!verdict) [[unlikely]]
    verdict = commit_when_released<false>(lock, proposal);
  lock.unlock();
  return told(*std::move(verdict));
}

// As try_commit(), a door for bad_alloc: the text of a conflict needs memory.
Outcome CommitTurn::told(Verdict&& verdict) const try {
  if (const Version* version = std::get_if<Version>(&verdict)) [[likely]]
    return *version;
  if (const Conflict* conflict = std::get_if<Conflict>(&verdict)) {
    if (listener_ != nullptr)
      listener_->refused(conflict->path);
    return conflict->error();
  }
  return std::get<Error>(std::move(verdict));
} catch (const std::bad_alloc&) {
  return out_of_memory_;
}

/// A turn is shorter than going to sleep and being woken: whoever finds it taken looks a few times more before that. It
/// looks ever more rarely, for each time the turn changes hands its memory moves from one core's cache to another's.
std::unique_lock<std::mutex> CommitTurn::enter() const {
  constexpr int pauses_first = 64;
  constexpr int pauses_max = 256;
  for (int pauses = pauses_first; pauses <= pauses_max; pauses *= 2) {
    if (turn_.try_lock()) [[likely]]
      return std::unique_lock{turn_, std::adopt_lock};
    for (int pause = 0; pause < pauses; ++pause)
      pause_core();
  }
  return std::unique_lock{turn_};
}

template <bool is_logged>
CommitTurn::Verdict CommitTurn::commit_when_released(std::unique_lock<std::mutex>& lock, const ProposalView& proposal) {
  const auto until = std::chrono::steady_clock::now() + terms_.reserved_wait_max;
  while (std::chrono::steady_clock::now() < until) {
    released_.wait_for(lock, expiry_look_interval);
    if (auto verdict = try_commit<is_logged>(proposal))
      return *std::move(verdict);
  }
  return Error{Errc::deadline, proposal.writes.front().path.text(),
               "other transactions kept the path reserved for " + std::to_string(terms_.reserved_wait_max.count()) +
                   " ms; nothing was written",
               "Repeat it later, or make the transactions that meet here shorter"}
      .with("limit", terms_.reserved_wait_max.count());
}

void CommitTurn::commit(std::span<const ProposalView> proposals, std::span<std::optional<Outcome>> outcomes) {
  assert(proposals.size() == outcomes.size());
  for (std::size_t i = 0; i < proposals.size(); ++i)
    if (auto fit = fits(proposals[i]); !fit)
      outcomes[i] = fit.error();
    else if (terms_.elsewhere != nullptr)
      outcomes[i] = terms_.elsewhere->decide(proposals[i]);
  if (terms_.elsewhere != nullptr)
    return;
  for (std::size_t at = 0; at < proposals.size(); at += batch_max) {
    const std::lock_guard lock{turn_};
    for (std::size_t i = at; i < std::min(at + batch_max, proposals.size()); ++i)
      if (!outcomes[i])
        if (auto verdict = try_commit<false>(proposals[i]))
          outcomes[i] = told(*std::move(verdict));
  }
}

// A public door for bad_alloc: the turn is left with the state as it was. Nothing: another's reservation is in the way.
template <bool is_logged>
std::optional<CommitTurn::Verdict> CommitTurn::try_commit(const ProposalView& proposal) try {
  if (is_closed_) [[unlikely]]
    return Error{Errc::closed, "commit", "the engine was shut down", "Create another engine"};
  if constexpr (is_logged)
    if (logging_->failure() != nullptr)
      return *logging_->failure();
  if (!reservations_.is_empty()) [[unlikely]]
    if (reservations_.hold_back(proposal.writes, proposal.reservation, clock_.now()))
      return std::nullopt;
  return proposal.request == nullptr ? commit_now<is_logged>(proposal) : commit_request<is_logged>(proposal);
} catch (const std::bad_alloc&) {
  return out_of_memory_;
}

template <bool is_logged>
CommitTurn::Verdict CommitTurn::commit_request(const ProposalView& proposal) {
  const Request& request = *proposal.request;
  auto known = requests_.find(request);
  if (!known)
    return known.error();
  if (*known != nullptr)
    return (*known)->version;
  requests_.prepare(request);
  struct Prepared {
    RequestLog* log;
    const Request& request;
    ~Prepared() {
      if (log != nullptr)
        log->abandon(request);
    }
  } prepared{&requests_, request};
  auto verdict = commit_now<is_logged>(proposal);
  if (const Version* version = std::get_if<Version>(&verdict))
    std::exchange(prepared.log, nullptr)->settle(request, *version);
  return verdict;
}

/// Refuses while old snapshots keep too much, whatever they keep it for: memory has an end, and reading goes on.
Status CommitTurn::check_retained() {
  memory_->reclaim_some(clock_.now());
  const StateMemory::Retained retained = memory_->retained();
  may_retain_ = retained.bytes <= terms_.retained_bytes_max;
  if (may_retain_)
    return {};
  return Error{Errc::resource_exhausted, "commit",
               "snapshots of " + std::to_string(retained.versions) + " old versions, the oldest of version " +
                   std::to_string(retained.oldest_version) + ", keep " + std::to_string(retained.bytes) + " bytes",
               "Release snapshots that are no longer read, or raise EngineOptions::retained_bytes_max"}
      .with("limit", terms_.retained_bytes_max)
      .with("asked", retained.bytes);
}

template <bool is_logged>
CommitTurn::Verdict CommitTurn::commit_now(const ProposalView& proposal) {
  if (!may_retain_) [[unlikely]]
    if (auto allowed = check_retained(); !allowed)
      return allowed.error();
  if (proposal.base != head_->version) {
    if (auto known = check_base(*head_, proposal.base); !known)
      return known.error();
    if (auto conflict = find_conflict(*head_, proposal)) {
      if (schema_ != nullptr && schema_->has_secrets()) [[unlikely]]
        conflict->current = schema_->redacted(conflict->path, conflict->current);
      return *std::move(conflict);
    }
  }
  std::optional<Logging::Place> place;
  if constexpr (is_logged)
    place.emplace(*logging_, proposal);
  auto next = theus::commit(*memory_, *head_, proposal, *terms_.access,
                            {schema_.get(), !may_be_non_finite_.load(std::memory_order_relaxed)});
  if (!next)
    return next.error();
  if (proposal.schema != nullptr) [[unlikely]] {
    schema_ = *proposal.schema;
    schema_changes_.fetch_add(1);
    if (terms_.feed != nullptr)
      terms_.feed->ring();  // it need not come with a commit
    if (schema_->allows_non_finite())
      may_be_non_finite_.store(true, std::memory_order_relaxed);
  }
  if (*next == head_) {
    if constexpr (is_logged)
      if (proposal.schema != nullptr)
        logging_->settle_schema(schema_);
    return head_->version;
  }
  head_ = *next;
  const Version version = head_->version;
  if constexpr (is_logged)
    place->take(*head_);
  if (!is_logged || terms_.publishes_before_logging) {
    publish(head_);
    tell(version, proposal);
  }
  look_at_memory();
  return version;
}

void CommitTurn::publish(const Root* root) noexcept {
  memory_->publish(root);
  version_.store(root->version);  // seq_cst: before the look at who waits, see watch_points.hpp
}

void CommitTurn::tell(Version version, const ProposalView& proposal) noexcept {
  if (terms_.feed != nullptr && terms_.feed->is_followed()) [[unlikely]]
    feed(version, proposal.writes);
  watches_.committed(proposal.writes);
  if (listener_ == nullptr)
    return;
  listener_->committed(version, proposal.signals);
  if (proposal.audit != nullptr && logging_ == nullptr) [[unlikely]] {
    AuditEntry entry = *proposal.audit;
    entry.version = version;
    listener_->audited(entry);
  }
}

void CommitTurn::look_at_memory() {
  if (!memory_->is_look_due())
    return;
  memory_->reclaim_some(clock_.now());
  may_retain_ = memory_->retained().bytes <= terms_.retained_bytes_max;
}

// A door for bad_alloc: who follows then takes a checkpoint.
void CommitTurn::feed(Version version, std::span<const Write> writes) noexcept try {
  terms_.feed->add(version, writes);
} catch (const std::bad_alloc&) {
  terms_.feed->lose(version);
}

Snapshot CommitTurn::join_feed() {
  const std::lock_guard lock{turn_};
  Snapshot state = snapshot();
  terms_.feed->join(state.version());
  return state;
}

Result<std::optional<RequestLog::Outcome>> CommitTurn::request_outcome(const Request& request) const {
  if (terms_.elsewhere != nullptr)
    return terms_.elsewhere->request_outcome(request);
  const std::lock_guard lock{turn_};
  const auto known = requests_.find(request);
  if (!known)
    return known.error();
  // What the log does not have yet may still be taken back.
  if (*known == nullptr || (*known)->version > version())
    return std::optional<RequestLog::Outcome>{};
  return std::optional{**known};
}

Status CommitTurn::close() {
  {
    const std::lock_guard lock{turn_};
    is_closed_ = true;
    watches_.close();
  }
  return logging_ != nullptr ? logging_->stop() : Status{};
}

std::shared_ptr<const SchemaGuard> CommitTurn::schema() const {
  const std::lock_guard lock{turn_};
  return schema_;
}

Status CommitTurn::add_watch(std::shared_ptr<WatchPoint> point) {
  const std::lock_guard lock{turn_};
  if (is_closed_)
    point->close();
  return watches_.add(std::move(point));
}

void CommitTurn::remove_watch(const WatchPoint& point) noexcept {
  const std::lock_guard lock{turn_};
  watches_.remove(point);
}

std::optional<Snapshot> CommitTurn::try_snapshot() const noexcept {
  SnapshotPins::Slot* pin = memory_->pin();
  if (pin == nullptr)
    return std::nullopt;
  return Snapshot{*memory_, pin, *pin->root.load(std::memory_order_relaxed)};
}

Snapshot CommitTurn::snapshot() const {
  SnapshotPins::Slot* pin = memory_->pin();
  if (pin == nullptr)
    raise(Error{Errc::resource_exhausted, "snapshot",
                "all " + std::to_string(SnapshotPins::pins_max) + " snapshots are in use",
                "Release snapshots that are no longer read"});
  return Snapshot{*memory_, pin, *pin->root.load(std::memory_order_relaxed)};
}

StateStatistics CommitTurn::statistics() const {
  const std::lock_guard lock{turn_};
  const auto now = clock_.now();
  memory_->reclaim_some(now);
  const StateMemory::Retained retained = memory_->retained();
  StateStatistics told{.version = head_->version,
                       .node_bytes = memory_->live_bytes(),
                       .retained_bytes = retained.bytes,
                       .retained_versions = retained.versions,
                       .oldest_version = retained.oldest_version};
  if (retained.versions > 0)
    told.oldest_age = std::chrono::duration_cast<std::chrono::milliseconds>(now - retained.oldest_since);
  return told;
}

// For commit_turn_log.cpp.
template CommitTurn::Verdict CommitTurn::commit_when_released<true>(std::unique_lock<std::mutex>&, const ProposalView&);
template std::optional<CommitTurn::Verdict> CommitTurn::try_commit<true>(const ProposalView&);

}  // namespace theus

// How a joined process proposes, asks and sends.

#include "actors/owner_errors.hpp"
#include "actors/owner_link.hpp"

namespace theus::actors {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t queue_bytes_max = std::size_t{64} << 20;

Error too_large(std::size_t bytes) {
  return Error{Errc::too_large, "commit",
               "what a joined process proposes has at most " + std::to_string(submission_bytes_max) + " bytes",
               "Write it in parts, or in the process that runs the engine"}
      .with("limit", submission_bytes_max)
      .with("asked", bytes);
}

Error overloaded(std::string_view what, std::size_t limit) {
  return Error{Errc::overloaded, "join", std::to_string(limit) + " " + std::string{what} + " are on their way already",
               "Try again later, or propose less at a time"}
      .with("limit", limit);
}

Cause cause_of(const ProposalView& proposal) {
  return proposal.cause != nullptr ? *proposal.cause : Cause{.kind = proposal.kind, .time = system_clock().wall()};
}

}  // namespace

/// A thread's way to wait.
class OwnerLink::AwaitedOne final : public Awaiting {
public:
  void answer(std::size_t, Known&& answer) noexcept override {
    const std::lock_guard lock{mutex_};
    answer_.emplace(std::move(answer));
    changed_.notify_one();  // under the lock: whoever waits may then be gone
  }
  Known wait() {
    std::unique_lock lock{mutex_};
    changed_.wait(lock, [this] { return answer_.has_value(); });
    return *std::move(answer_);
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Known> answer_;
};

/// Keeps a batch until all of it was answered.
class OwnerLink::AwaitedBatch final : public Awaiting {
public:
  explicit AwaitedBatch(std::shared_ptr<ProposalBatch> batch) noexcept : batch_(std::move(batch)) {}
  void expect_one_more() noexcept { ++left_; }
  std::size_t left() const noexcept { return left_; }

  void answer(std::size_t index, Known&& answer) noexcept override {
    batch_->outcomes[index] = answer && *answer ? Outcome{(*answer)->version}
                              : answer          ? Outcome{unknown_outcome()}
                                                : Outcome{answer.error()};
    if (--left_ > 0)
      return;
    const std::unique_ptr<AwaitedBatch> end{this};
    batch_->settled();
  }

private:
  const std::shared_ptr<ProposalBatch> batch_;
  std::size_t left_ = 0;
};

/// Why something of that size cannot be sent now, nor wait for the owner if it may. REQUIRES: the lock.
std::optional<Error> OwnerLink::refusal(std::size_t bytes, bool may_wait) const {
  if (is_stopping_)
    return link_is_closed();
  if (!is_up() && fault_ && fault_->code() == Errc::stale_epoch)
    return *fault_;
  if (!is_up() && !may_wait)
    return nothing_written();
  if (bytes > submission_bytes_max)
    return too_large(bytes);
  if (pending_.size() >= submissions_max)
    return overloaded("proposals", submissions_max);
  if (queue_bytes_ + bytes > queue_bytes_max)
    return overloaded("bytes", queue_bytes_max);
  return std::nullopt;
}

/// REQUIRES: the lock, and no refusal.
void OwnerLink::propose(Pending pending, std::vector<std::byte> proposal, bool has_request) {
  std::vector<std::byte> entry;
  entry.reserve(proposal.size() + 9);
  append_cbor_number(entry, ++last_number_);
  entry.insert(entry.end(), proposal.begin(), proposal.end());
  if (has_request)
    pending.again = std::move(proposal);
  pending.is_sent = is_up();
  pending.give_up_at = Steady::now() + options_.patience;
  pending_.emplace(last_number_, std::move(pending));
  // While the owner is down it waits with all that is pending, see have_state().
  if (is_up())
    add(ToOwner::submit, entry);
  else
    queue_bytes_ += entry.size();
}

/// REQUIRES: the lock.
void OwnerLink::add(ToOwner kind, std::span<const std::byte> entry) {
  const bool joins_last = !queue_.empty() && queued_last_ == kind &&
                          (kind == ToOwner::submit || kind == ToOwner::signals || kind == ToOwner::names) &&
                          queue_.back().size() + entry.size() <= submission_bytes_wanted;
  if (!joins_last) {
    queue_.push_back(message_of(kind));
    queued_last_ = kind;
    if (kind == ToOwner::submit)
      append_cbor_text(queue_.back(), identity_.epoch);
  }
  queue_.back().insert(queue_.back().end(), entry.begin(), entry.end());
  queue_bytes_ += entry.size();
}

/// Sends what is queued, unless somebody does. REQUIRES: the lock, which is left while packets are sent.
void OwnerLink::flush(std::unique_lock<std::mutex>& lock) {
  if (is_sending_ || is_blocked_)
    return;
  is_sending_ = true;
  while (socket_ != nullptr) {
    if (writer_socket_ != socket_) {
      writer_socket_ = socket_;
      writer_ = MessageWriter{};
    }
    if (writer_.empty()) {
      if (queue_.empty())
        break;
      queue_bytes_ -= std::min(queue_bytes_, queue_.front().size());
      writer_.add(std::move(queue_.front()));
      queue_.pop_front();
      if (queue_.empty())
        queue_bytes_ = 0;
    }
    const auto socket = socket_;
    lock.unlock();
    const auto outcome = socket->send(writer_.packet());
    if (outcome == PacketSocket::Outcome::done)
      writer_.sent();
    lock.lock();
    if (outcome == PacketSocket::Outcome::would_block && socket == socket_) {
      is_blocked_ = true;
      ring();
      break;
    }
    if (outcome == PacketSocket::Outcome::gone)
      break;  // the thread notices by itself
  }
  is_sending_ = false;
  last_said_.store(Steady::now(), std::memory_order_relaxed);
}

Outcome OwnerLink::decide(const ProposalView& proposal) {
  if (proposal.schema != nullptr)
    return Error{Errc::unsupported, "schema", "it stays with the process that runs the engine",
                 "Set it there; commits from here are held to it"};
  std::vector<std::byte> bytes;
  append_proposal(bytes, proposal, cause_of(proposal));
  AwaitedOne awaited;
  std::unique_lock lock{mutex_};
  const bool has_request = proposal.request != nullptr;
  if (auto refused = refusal(bytes.size(), has_request))
    return *refused;
  propose({.awaiting = &awaited}, std::move(bytes), has_request);
  flush(lock);
  lock.unlock();
  const Known answer = awaited.wait();
  if (!answer)
    return answer.error();
  return *answer ? Outcome{(*answer)->version} : Outcome{unknown_outcome()};
}

void OwnerLink::decide(const std::shared_ptr<ProposalBatch>& batch) {
  std::vector<std::vector<std::byte>> all(batch->proposals.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    if (const ProposalView& proposal = batch->proposals[i]; !batch->outcomes[i])
      append_proposal(all[i], proposal, cause_of(proposal));
  auto awaited = std::make_unique<AwaitedBatch>(batch);
  std::unique_lock lock{mutex_};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (batch->outcomes[i])
      continue;
    const bool has_request = batch->proposals[i].request != nullptr;
    if (auto refused = refusal(all[i].size(), has_request)) {
      batch->outcomes[i] = *refused;
      continue;
    }
    awaited->expect_one_more();
    propose({.awaiting = awaited.get(), .index = i}, std::move(all[i]), has_request);
  }
  if (awaited->left() == 0) {
    lock.unlock();
    return batch->settled();
  }
  (void)awaited.release();  // the last answer ends it
  flush(lock);
}

Result<std::optional<RequestLog::Outcome>> OwnerLink::request_outcome(const Request& request) {
  AwaitedOne awaited;
  std::unique_lock lock{mutex_};
  if (auto refused = refusal(request.id.size(), true))
    return *refused;
  if (!is_up())
    return std::optional<RequestLog::Outcome>{};
  std::vector<std::byte> entry;
  append_cbor_number(entry, ++last_number_);
  append_cbor_text(entry, request.id);
  append_cbor_number(entry, request.fingerprint);
  pending_.emplace(last_number_, Pending{.awaiting = &awaited, .is_question = true, .is_sent = true});
  add(ToOwner::ask, entry);
  flush(lock);
  lock.unlock();
  return awaited.wait();
}

Status OwnerLink::post(ToOwner kind, std::span<const std::byte> entry) {
  std::unique_lock lock{mutex_};
  if (auto refused = refusal(entry.size()))
    return *refused;
  add(kind, entry);
  flush(lock);
  return {};
}

void OwnerLink::insist(ToOwner kind, std::span<const std::byte> entry) {
  std::unique_lock lock{mutex_};
  if (socket_ == nullptr)
    return;
  add(kind, entry);
  flush(lock);
}

}  // namespace theus::actors

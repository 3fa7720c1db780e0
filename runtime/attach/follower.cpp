#include "runtime/attach/follower.hpp"

#include "runtime/attach/wire.hpp"

#include <theus/limits.hpp>

#include <sys/eventfd.h>

#include <algorithm>

namespace theus {
namespace {

constexpr std::size_t message_bytes = std::size_t{48} << 10;
// How soon commits that others' reservations hold back are tried again.
constexpr std::chrono::milliseconds held_back_interval{1};

}  // namespace

/// Proposals of one message, which the turn decides on together.
class Follower::Submitted final : public ProposalBatch {
public:
  explicit Submitted(std::shared_ptr<const Descriptor> wake) : wake_(std::move(wake)) {}

  void add(std::uint64_t number, std::shared_ptr<const Submission> submission) {
    numbers_.push_back(number);
    proposals.push_back(submission->proposal.view());
    proposals.back().cause = &submission->cause;
    proposals.back().audit = submission->audit ? &*submission->audit : nullptr;
    submissions_.push_back(std::move(submission));
  }
  std::size_t size() const noexcept { return numbers_.size(); }
  std::uint64_t number(std::size_t index) const noexcept { return numbers_[index]; }
  const std::shared_ptr<const Submission>& submission(std::size_t index) const noexcept { return submissions_[index]; }

  void settled() noexcept override {
    if (state_.exchange(State::settled) == State::awaited)
      ::eventfd_write(wake_->number(), 1);
  }
  /// From now on the thread is woken when it is settled.
  void await() noexcept {
    State now = State::open;
    state_.compare_exchange_strong(now, State::awaited);
  }
  bool is_settled() const noexcept { return state_.load() == State::settled; }

private:
  enum class State : std::uint8_t { open, awaited, settled };

  const std::shared_ptr<const Descriptor> wake_;
  std::vector<std::uint64_t> numbers_;
  std::vector<std::shared_ptr<const Submission>> submissions_;
  std::atomic<State> state_{State::open};
};

Follower::Follower(const FollowTerms& terms, Version known, bool knows_run, bool is_near, Time now,
                   std::uint64_t origin)
    : terms_(terms),
      origin_(origin),
      told_(known),
      signals_(terms.hub, is_near),
      silence_(joined_silence_max, alive_interval, now),
      last_said_(now - alive_interval) {
  Snapshot state = terms_.turn.join_feed();
  if (!knows_run || known == 0)
    state_.emplace(state.version(), StateParts{state, MetaZone::kept});
}

Follower::~Follower() {
  signals_.drain();
  if (line_ != nullptr) {
    line_->close();
    terms_.rounds->left(line_);
  }
  terms_.feed.leave();
}

Status Follower::receive(std::span<const std::byte> message, Time now) {
  silence_.heard(now);
  CborCursor in{message};
  switch (static_cast<ToOwner>(in.number())) {
    case ToOwner::submit:
      if (auto done = submit(in); !done)
        return done;
      break;
    case ToOwner::ask: answer_request(in); break;
    case ToOwner::signals: signals_.take_signals(in); break;
    case ToOwner::names: signals_.take_names(in); break;
    case ToOwner::hear: signals_.take_hear(in); break;
    case ToOwner::fetch: signals_.take_fetch(in); break;
    case ToOwner::reserve: reserve(in); break;
    case ToOwner::release: {
      const Reservations::Id id = in.number();
      unstarted_.erase(id);
      reservations_.erase(id);
      break;
    }
    case ToOwner::offer:
      if (auto taken = take_offer(in); !taken)
        return taken;
      break;
    case ToOwner::stepped: take_steps(in); break;
    case ToOwner::alive: break;
    default: in.fail("the kind of the message is unknown");
  }
  if (in.failure() == nullptr && !in.is_at_end())
    in.fail("more bytes follow");
  return in.failure() != nullptr ? Status{misread(in)} : Status{};
}

Status Follower::submit(CborCursor& in) {
  if (in.text() != terms_.identity.epoch)
    return Error{Errc::stale_epoch, "join", "what was proposed was meant for an earlier run of the engine",
                 "Join it again"};
  auto batch = std::make_shared<Submitted>(terms_.wake);
  while (in.failure() == nullptr && !in.is_at_end()) {
    const std::uint64_t number = in.number();
    auto submission = std::make_shared<Submission>(read_submission(in, paths_));
    if (in.failure() != nullptr)
      return misread(in);
    if (batch->size() + in_flight_ >= 2 * submissions_max)
      return Error{Errc::bad_input, "join", "more proposals came than may be on their way"};
    if (auto ready = prepare(*submission); ready)
      batch->add(number, std::move(submission));
    else
      append_answer(answers_.empty() ? answers_ = message_of(ToJoined::answers) : answers_, number,
                    Result<Version>{ready.error()});
  }
  in_flight_ += batch->size();
  if (batch->size() > 0)
    commit(std::move(batch));
  return {};
}

/// What a caller in this process would be asked before the turn sees it.
Status Follower::prepare(Submission& submission) const {
  if (auto open = terms_.enter(); !open)
    return open;
  Proposal& proposal = submission.proposal;
  const auto reserved = reservations_.find(proposal.reservation);
  proposal.reservation = reserved != reservations_.end() ? reserved->second.id() : Reservations::nobody;
  if (proposal.request)
    if (auto fits = check_request_id(proposal.request->id); !fits)
      return fits;
  if (!may_come_from_joined(submission.cause))
    return Error{Errc::contract_violation, "join",
                 "a joined process tells a cause that it cannot have: " + text_of(submission.cause),
                 "Use one version of the library in both"}
        .with("rule", "cause");
  submission.cause.origin = origin_;
  if (proposal.standing.is_elevated && !terms_.turn.access()->allows_admin())
    return Error{Errc::contract_violation, "join", "the engine allows no elevation", "Set AccessOptions::admin there"}
        .with("rule", "capability");
  return terms_.turn.access()->admit_all(proposal.writes);
}

void Follower::commit(std::shared_ptr<Submitted> batch) {
  submitted_.push_back(batch);
  terms_.turn.commit(batch);
  batch->await();
}

void Follower::answer_request(CborCursor& in) {
  const std::uint64_t number = in.number();
  Request request;
  request.id = in.text();
  request.fingerprint = in.number();
  if (in.failure() != nullptr)
    return;
  if (answers_.empty())
    answers_ = message_of(ToJoined::answers);
  append_answer(answers_, number, terms_.turn.request_outcome(request));
  stands_on_ = std::max(stands_on_, terms_.turn.version());
}

Status Follower::take_offer(CborCursor& in) {
  RoundOffer offer = read_offer(in);
  if (in.failure() != nullptr)
    return {};
  if (terms_.rounds == nullptr)
    return Error{Errc::unsupported, "join", "this engine shares no rounds out", "Run them where the agents are"};
  if (line_ == nullptr)
    line_ = std::make_shared<HostLine>(static_cast<int>(offer.pid), terms_.wake);
  terms_.rounds->offered(line_, std::move(offer.agents));
  return {};
}

/// What was meant for another run of the owner, or of a share that nobody waits for, is no fault.
void Follower::take_steps(CborCursor& in) {
  const bool is_ours = in.text() == terms_.identity.epoch;
  ShareAnswer answer = read_answered_share(in, paths_);
  if (in.failure() != nullptr)
    return;
  if (line_ == nullptr)
    return in.fail("it has offered no agents");
  if (is_ours)
    terms_.rounds->answered(line_, std::move(answer));
}

/// Takes the outcomes that are there, in order.
void Follower::collect(Time now) {
  if (held_back_ != nullptr && now >= retry_at_)
    commit(std::exchange(held_back_, nullptr));
  while (!submitted_.empty() && submitted_.front()->is_settled()) {
    const auto batch = std::move(submitted_.front());
    submitted_.pop_front();
    for (std::size_t i = 0; i < batch->size(); ++i) {
      if (batch->outcomes[i]) {
        if (answers_.empty())
          answers_ = message_of(ToJoined::answers);
        append_answer(answers_, batch->number(i), *batch->outcomes[i]);
        --in_flight_;
        continue;
      }
      if (held_back_ == nullptr) {
        held_back_ = std::make_shared<Submitted>(terms_.wake);
        retry_at_ = now + held_back_interval;
      }
      held_back_->add(batch->number(i), batch->submission(i));
    }
    // Also a refusal stands on commits: who tries again should see what was in the way.
    stands_on_ = std::max(stands_on_, terms_.turn.version());
  }
}

Status Follower::look(MessageWriter& out, Time now, bool is_short_of_memory) {
  if (!wants_messages(out))
    silence_.excuse(now);
  if (silence_.look(now))
    return Error{in_flight_ == 0 ? Errc::stale_epoch : Errc::peer_down, "join",
                 "a joined process has been silent for too long, and was let go", "Look whether it was stopped"};
  if (line_ != nullptr && line_->is_cut())
    return Error{Errc::deadline, "a share of a round", "a step in it took too long, and is done elsewhere",
                 "Look for a body that does not end; agents are offered again when it has"};
  if (is_sending_state() && is_short_of_memory)
    return Error{Errc::overloaded, "join", "a joined process takes the state too slowly, which keeps too much memory"};
  collect(now);
  look_at_reservations(now);
  if (Status looked = signals_.look(); !looked)
    return looked;
  bool has_said = false;
  while (out.messages() < messages_max && add_message(out, now))
    has_said = true;
  if (!has_said && now - last_said_ >= alive_interval && out.empty()) {
    out.add(message_of(ToJoined::alive));
    has_said = true;
  }
  if (has_said)
    last_said_ = now;
  return {};
}

bool Follower::add_message(MessageWriter& out, Time) {
  // Before commits that would lead past the version that a share is to be stepped on.
  if (auto said = line_ != nullptr ? line_->next() : std::nullopt) {
    out.add(*std::move(said));
    return true;
  }
  if (add_schema(out))
    return true;
  if (is_sending_state()) {
    out.add(next_piece());
    return true;
  }
  const bool has_message = !answers_.empty() || !starts_.empty() || signals_.has_message();
  if (told_ < std::max(stands_on_, signals_.stands_on()) || !has_message)
    return add_commits(out);
  auto& first = !answers_.empty() ? answers_ : starts_;
  out.add(first.empty() ? signals_.take_message() : std::exchange(first, {}));
  return true;
}

bool Follower::add_commits(MessageWriter& out) {
  const auto blocks = terms_.feed.after(told_, 1);
  // It may have changed with one of them.
  if (blocks && !blocks->empty() && add_schema(out))
    return true;
  if (!blocks) {
    Snapshot state = terms_.turn.snapshot();
    state_.emplace(state.version(), StateParts{state, MetaZone::kept});
    return true;
  }
  if (blocks->empty())
    return false;
  const CommitFeed::Block& block = blocks->front();
  std::vector<std::byte> message;
  message.reserve(block.bytes->size() + 1);
  append_cbor_number(message, static_cast<std::uint64_t>(ToJoined::commits));
  message.insert(message.end(), block.bytes->begin(), block.bytes->end());
  out.add(std::move(message));
  told_ = block.last;
  return true;
}

std::vector<std::byte> Follower::next_piece() {
  std::vector<std::byte> parts;
  bool is_last = false;
  while (parts.size() < message_bytes && !is_last) {
    const auto part = state_->parts.next();
    is_last = !part;
    if (part) {
      append_cbor_text(parts, part->path.spelling());
      append_cbor(parts, part->value);
    }
  }
  std::vector<std::byte> message = message_of(ToJoined::state);
  append_cbor_number(message, state_->version);
  append_cbor_number(message, is_last ? 1 : 0);
  message.insert(message.end(), parts.begin(), parts.end());
  if (is_last) {
    told_ = state_->version;
    state_.reset();
  }
  return message;
}

Follower::Time Follower::look_at() const noexcept {
  Time next = std::min(last_said_ + alive_interval, silence_.end() + std::chrono::milliseconds{1});
  if (held_back_ != nullptr)
    next = std::min(next, retry_at_);
  if (!unstarted_.empty())
    next = std::min(next, next_look_at_them_);
  return next;
}

}  // namespace theus

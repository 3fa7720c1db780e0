#include "actors/owner_link.hpp"

#include "actors/signals_blocked.hpp"
#include "runtime/attach/protocol.hpp"
#include "runtime/attach/wire.hpp"
#include "runtime/state_difference.hpp"

#include <poll.h>
#include <sys/eventfd.h>

namespace theus::actors {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr std::size_t queue_bytes_max = std::size_t{64} << 20;
constexpr auto rejoin_pause_max = 500ms;
constexpr auto rejoin_timeout = 1000ms;
// Of one look, so that what is to be said gets its turn.
constexpr int packets_per_look = 64;

Error down(std::string cause) {
  return {Errc::owner_down, "the owner of the state", std::move(cause),
          "Reading goes on; it is joined again by itself when it is back"};
}

Error unknown_outcome() {
  return down("it went down before it answered: whether this was written is not known").with("unknown", true);
}

Error closed() { return {Errc::closed, "commit", "the engine was shut down", "Create another engine"}; }

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

/// A door for bad_alloc: the connection is then made anew.
template <class Work>
Status guarded(const Work& work) try {
  work();
  return {};
} catch (const std::exception& error) {
  return Error{Errc::resource_exhausted, "join", error.what()};
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

Result<std::unique_ptr<OwnerLink>> OwnerLink::join(std::string handle, const JoinOptions& options) {
  Descriptor wake{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  if (!wake)
    return Error{Errc::resource_exhausted, "join", "the system gave no eventfd", "Raise the limit of open files"};
  auto owner = join_owner(handle, std::nullopt, options.patience);
  if (!owner)
    return owner.error();
  return std::unique_ptr<OwnerLink>{new OwnerLink{std::move(handle), options, *std::move(owner), std::move(wake)}};
}

OwnerLink::OwnerLink(std::string handle, const JoinOptions& options, JoinedOwner owner, Descriptor wake)
    : options_(options),
      access_(std::move(owner.access)),
      address_(std::make_shared<OwnerAddress>(std::move(handle))),
      wake_(std::move(wake)),
      socket_(std::make_shared<PacketSocket>(std::move(owner.socket))),
      identity_(std::move(owner.identity)),
      joins_(1),
      reader_(std::in_place, feed_bytes_max) {}

OwnerLink::~OwnerLink() { stop(); }

void OwnerLink::start(CommitTurn& turn, SignalHub& hub) {
  turn_ = &turn;
  relay_.emplace(hub, *this);
  last_heard_ = Steady::now();
  const SignalsBlocked blocked;
  thread_ = std::thread{[this] { run(); }};
}

Status OwnerLink::wait_for_state() {
  std::unique_lock lock{mutex_};
  if (changed_.wait_for(lock, options_.patience, [this] { return has_state_ || fault_; }) && has_state_)
    return {};
  return fault_ ? *fault_ : Error{Errc::timeout, "join", "the state has not come yet", "Raise JoinOptions::patience"};
}

void OwnerLink::stop() {
  {
    const std::lock_guard lock{mutex_};
    is_stopping_ = true;
  }
  ring();
  if (thread_.joinable())
    thread_.join();
  std::unique_lock lock{mutex_};
  answer_all(std::exchange(pending_, {}), closed());
}

void OwnerLink::ring() const noexcept { ::eventfd_write(wake_.number(), 1); }

OwnerStatus OwnerLink::status() const {
  const std::lock_guard lock{mutex_};
  return {.is_up = socket_ != nullptr && has_state_, .joins = joins_, .fault = fault_};
}

// Proposing.

/// Why something of that size cannot be sent now. REQUIRES: the lock.
std::optional<Error> OwnerLink::refusal(std::size_t bytes) const {
  if (is_stopping_)
    return closed();
  if (socket_ == nullptr || !has_state_)
    return fault_ && fault_->code() == Errc::stale_epoch ? *fault_ : down("it is down; nothing was written");
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
  pending_.emplace(last_number_, std::move(pending));
  add(ToOwner::submit, entry);
}

/// REQUIRES: the lock.
void OwnerLink::add(ToOwner kind, std::span<const std::byte> entry) {
  const bool joins_last = !queue_.empty() && queued_last_ == kind &&
                          (kind == ToOwner::submit || kind == ToOwner::signals) &&
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
  append_proposal(bytes, proposal, proposal.cause != nullptr ? *proposal.cause : Cause{});
  AwaitedOne awaited;
  std::unique_lock lock{mutex_};
  if (auto refused = refusal(bytes.size()))
    return *refused;
  propose({.awaiting = &awaited}, std::move(bytes), proposal.request != nullptr);
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
      append_proposal(all[i], proposal, proposal.cause != nullptr ? *proposal.cause : Cause{});
  auto awaited = std::make_unique<AwaitedBatch>(batch);
  std::unique_lock lock{mutex_};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (batch->outcomes[i])
      continue;
    if (auto refused = refusal(all[i].size())) {
      batch->outcomes[i] = *refused;
      continue;
    }
    awaited->expect_one_more();
    propose({.awaiting = awaited.get(), .index = i}, std::move(all[i]), batch->proposals[i].request != nullptr);
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
  if (auto refused = refusal(request.id.size()))
    return *refused;
  std::vector<std::byte> entry;
  append_cbor_number(entry, ++last_number_);
  append_cbor_text(entry, request.id);
  append_cbor_number(entry, request.fingerprint);
  pending_.emplace(last_number_, Pending{.awaiting = &awaited});
  add(ToOwner::ask, entry);
  flush(lock);
  lock.unlock();
  return awaited.wait();
}

/// REQUIRES: the lock.
bool OwnerLink::ask_to_reserve(Reservations::Id id, std::span<const Path> paths, std::chrono::nanoseconds lifetime) {
  std::vector<std::byte> entry;
  append_cbor_number(entry, id);
  const auto milliseconds = std::chrono::ceil<std::chrono::milliseconds>(lifetime).count();
  append_cbor_number(entry, static_cast<std::uint64_t>(milliseconds));
  for (const Path& path : paths)
    append_cbor_text(entry, path.spelling());
  if (refusal(entry.size()))
    return false;
  add(ToOwner::reserve, entry);
  return true;
}

Reservations::Id OwnerLink::reserve(std::span<const Path> paths, std::chrono::nanoseconds lifetime) {
  const std::lock_guard lock{mutex_};
  // It goes with the proposal that follows.
  return ask_to_reserve(last_reservation_ + 1, paths, lifetime) ? ++last_reservation_ : Reservations::nobody;
}

void OwnerLink::extend(Reservations::Id id, std::span<const Path> paths) {
  const std::lock_guard lock{mutex_};
  (void)ask_to_reserve(id, paths, {});
}

void OwnerLink::release(Reservations::Id id) {
  std::vector<std::byte> entry;
  append_cbor_number(entry, id);
  std::unique_lock lock{mutex_};
  if (refusal(entry.size()))
    return;  // with the connection went what was reserved by it
  add(ToOwner::release, entry);
  flush(lock);
}

Result<std::uint64_t> OwnerLink::send(std::string_view name, const Value& payload) {
  std::vector<std::byte> entry;
  append_cbor_text(entry, name);
  append_cbor(entry, payload);
  std::unique_lock lock{mutex_};
  if (auto refused = refusal(entry.size()))
    return *refused;
  add(ToOwner::signals, entry);
  const std::uint64_t number = ++signals_sent_;
  flush(lock);
  return number;
}

// The thread.

void OwnerLink::run() {
  while (true) {
    bool is_up = false;
    {
      const std::lock_guard lock{mutex_};
      if (is_stopping_)
        return;
      is_up = socket_ != nullptr;
    }
    const Status done = guarded([&] { is_up ? serve() : rejoin(); });
    if (!done)
      lose_owner(done.error());
  }
}

/// Waits for packets, for room to send, and for what other threads want; then does what there is to do.
void OwnerLink::serve() {
  std::shared_ptr<PacketSocket> socket;
  bool is_blocked = false;
  {
    const std::lock_guard lock{mutex_};
    socket = socket_;
    is_blocked = is_blocked_;
  }
  const auto events = static_cast<short>(POLLIN | (is_blocked ? POLLOUT : 0));
  std::array<pollfd, 2> waiting{pollfd{wake_.number(), POLLIN, 0}, pollfd{socket->number(), events, 0}};
  ::poll(waiting.data(), waiting.size(), static_cast<int>(alive_interval.count()));
  eventfd_t rings = 0;
  ::eventfd_read(wake_.number(), &rings);
  receive_all(*socket);
  if ((waiting[1].revents & POLLOUT) != 0) {
    std::unique_lock lock{mutex_};
    is_blocked_ = false;
    flush(lock);
  }
  const Time now = Steady::now();
  say_alive(now);
  if (now - last_heard_ > owner_silence_max)
    lose_owner(down("it has been silent for too long"));
}

void OwnerLink::receive_all(PacketSocket& socket) {
  for (int i = 0; i < packets_per_look; ++i) {
    const auto outcome = socket.receive(packet_, packet_bytes_max);
    if (outcome == PacketSocket::Outcome::would_block)
      return;
    if (outcome == PacketSocket::Outcome::gone)
      return lose_owner(down("its process has ended, or let this one go"));
    last_heard_ = Steady::now();
    auto message = reader_->add(packet_);
    Status taken = message ? Status{} : Status{message.error()};
    if (taken && *message)
      taken = receive(**message);
    if (!taken)
      return lose_owner(taken.error());
  }
}

Status OwnerLink::receive(std::span<const std::byte> message) {
  CborCursor in{message};
  Status taken;
  switch (static_cast<ToJoined>(in.number())) {
    case ToJoined::commits: taken = take_commits(in); break;
    case ToJoined::answers: take_answers(in); break;
    case ToJoined::state: taken = take_state(in); break;
    case ToJoined::signals: take_signals(in); break;
    case ToJoined::alive: have_state(); break;
    case ToJoined::dropped: return error_from_wire(in.value());
    default: in.fail("the kind of the message is unknown");
  }
  return in.failure() != nullptr ? Status{misread(in)} : taken;
}

Status OwnerLink::take_commits(CborCursor& in) {
  Version version = in.number();
  for (std::uint64_t left = in.number(); left > 0 && in.failure() == nullptr; --left, ++version) {
    const std::vector<Write> writes = read_writes(in, paths_);
    if (in.failure() != nullptr || version <= turn_->version())
      continue;
    must_take_state_ = version != turn_->version() + 1;
    if (must_take_state_)
      return Error{Errc::internal, "join", "a commit is missing between two others"};
    if (Status followed = turn_->follow(version, writes); !followed) {
      must_take_state_ = true;
      return followed;
    }
  }
  have_state();
  return {};
}

Status OwnerLink::take_state(CborCursor& in) {
  const Version version = in.number();
  const bool is_last = in.number() != 0;
  while (in.failure() == nullptr && !in.is_at_end()) {
    auto path = paths_.path(in.text());
    if (!path)
      in.fail("a path cannot be read");
    Value value = in.value();
    if (in.failure() == nullptr)
      state_.push_back(Write::set(*std::move(path), std::move(value)));
  }
  if (!is_last || in.failure() != nullptr)
    return {};
  std::vector<Write> writes = std::exchange(state_, {});
  if (turn_->version() > 0 && version > turn_->version()) {
    CommitTurn there;
    if (Status made = there.restore(version, writes); !made)
      return made;
    writes = writes_between(turn_->snapshot(), there.snapshot());
  }
  if (version > turn_->version())
    if (Status followed = turn_->follow(version, writes); !followed)
      return followed;
  must_take_state_ = false;
  have_state();
  return {};
}

/// What was proposed before the owner went down, and may be sent again, goes to the one that is there now.
void OwnerLink::have_state() {
  if (std::exchange(is_following_, true))
    return;
  std::unique_lock lock{mutex_};
  has_state_ = true;
  fault_.reset();
  attempts_ = 0;
  for (const auto& [number, pending] : pending_) {
    std::vector<std::byte> entry;
    append_cbor_number(entry, number);
    entry.insert(entry.end(), pending.again.begin(), pending.again.end());
    add(ToOwner::submit, entry);
  }
  flush(lock);
  lock.unlock();
  changed_.notify_all();
}

void OwnerLink::take_answers(CborCursor& in) {
  while (in.failure() == nullptr && !in.is_at_end()) {
    JoinAnswer answer = read_answer(in);
    if (in.failure() != nullptr)
      return;
    std::unique_lock lock{mutex_};
    auto pending = pending_.extract(answer.number);
    lock.unlock();
    if (!pending.empty())
      pending.mapped().awaiting->answer(pending.mapped().index, std::move(answer.outcome));
  }
}

void OwnerLink::take_signals(CborCursor& in) {
  while (in.failure() == nullptr && !in.is_at_end()) {
    const RelayedSignal signal = read_signal(in);
    if (in.failure() != nullptr)
      return;
    if (signal.lost > 0)
      relay_->lose(signal.lost);
    else
      relay_->publish(signal.name, signal.payload, signal.version, signal.index);
  }
}

void OwnerLink::say_alive(Time now) {
  if (now - last_said_.load(std::memory_order_relaxed) < alive_interval)
    return;
  std::unique_lock lock{mutex_};
  if (socket_ == nullptr)
    return;
  add(ToOwner::alive, {});
  flush(lock);
}

// When the owner is down.

void OwnerLink::lose_owner(const Error& fault) {
  AllPending lost;
  {
    const std::lock_guard lock{mutex_};
    if (socket_ == nullptr)
      return;
    socket_.reset();
    has_state_ = false;
    is_blocked_ = false;
    fault_ = fault;
    queue_.clear();
    queue_bytes_ = 0;
    const Time give_up_at = Steady::now() + options_.patience;
    for (auto pending = pending_.begin(); pending != pending_.end();) {
      pending->second.give_up_at = give_up_at;
      const auto next = std::next(pending);
      if (pending->second.again.empty())
        lost.insert(pending_.extract(pending));
      pending = next;
    }
  }
  is_following_ = false;
  reader_.emplace(feed_bytes_max);
  state_.clear();
  // What the owner says it has not taken is known; anything else may have been written.
  answer_all(std::move(lost), fault.code() == Errc::stale_epoch ? fault : unknown_outcome());
  changed_.notify_all();
}

void OwnerLink::answer_all(AllPending pending, const Error& error) {
  for (const auto& [number, each] : pending)
    each.awaiting->answer(each.index, Known{error});
}

void OwnerLink::give_up_late(Time now) {
  AllPending late;
  {
    const std::lock_guard lock{mutex_};
    for (auto pending = pending_.begin(); pending != pending_.end();) {
      const auto next = std::next(pending);
      if (pending->second.give_up_at <= now)
        late.insert(pending_.extract(pending));
      pending = next;
    }
  }
  answer_all(std::move(late), unknown_outcome());
}

void OwnerLink::wait(std::chrono::milliseconds time) {
  pollfd waiting{wake_.number(), POLLIN, 0};
  ::poll(&waiting, 1, static_cast<int>(time.count()));
  eventfd_t rings = 0;
  ::eventfd_read(wake_.number(), &rings);
}

/// Looks for the owner once, by all handles that it may have.
void OwnerLink::rejoin() {
  wait(std::min<std::chrono::milliseconds>(10ms * (1 << std::min(attempts_, 6)), rejoin_pause_max));
  ++attempts_;
  give_up_late(Steady::now());
  JoinedBefore before;
  {
    const std::lock_guard lock{mutex_};
    if (is_stopping_)
      return;
    before.identity = identity_;
  }
  before.version = turn_->version();
  if (must_take_state_)
    before.identity.epoch.clear();
  for (const std::string& handle : handles_near(address_->get())) {
    auto owner = join_owner(handle, before, rejoin_timeout);
    const std::lock_guard lock{mutex_};
    if (is_stopping_)
      return;
    if (!owner) {
      if (owner.error().code() == Errc::stale_epoch)
        fault_ = owner.error();
      continue;
    }
    address_->set(handle);
    socket_ = std::make_shared<PacketSocket>(std::move(owner->socket));
    // Following goes on from here when this is the same run of the owner and nothing was missed.
    identity_ = std::move(owner->identity);
    ++joins_;
    last_heard_ = Steady::now();
    return;
  }
}

}  // namespace theus::actors

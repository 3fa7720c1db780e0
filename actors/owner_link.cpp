#include "actors/owner_link.hpp"

#include "actors/guarded.hpp"
#include "actors/owner_errors.hpp"
#include "actors/owner_reach.hpp"
#include "actors/signals_blocked.hpp"
#include "runtime/attach/protocol.hpp"
#include "runtime/attach/wire.hpp"
#include "runtime/state_difference.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace theus::actors {
namespace {

using Steady = std::chrono::steady_clock;

// Of one look, so that what is to be said gets its turn.
constexpr int packets_per_look = 64;

timespec as_timespec(std::chrono::nanoseconds time) noexcept {
  return {time.count() / 1'000'000'000, time.count() % 1'000'000'000};
}

}  // namespace

Result<std::unique_ptr<OwnerLink>> OwnerLink::join(std::string handle, const JoinOptions& options) {
  Descriptor wake{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  if (!wake)
    return Error{Errc::resource_exhausted, "join", "the system gave no eventfd", "Raise the limit of open files"};
  auto owner = reach_owner(handle, options.tls, std::nullopt, options.patience);
  if (!owner)
    return owner.error();
  auto signals = std::move(owner->signals);
  std::unique_ptr<OwnerLink> link{new OwnerLink{std::move(handle), options, *std::move(owner), std::move(wake)}};
  if (Status joined = link->signals_.join(std::move(signals), false); !joined)
    return joined.error();
  return link;
}

OwnerLink::OwnerLink(std::string handle, const JoinOptions& options, JoinedOwner owner, Descriptor wake)
    : options_(options),
      access_(std::move(owner.access)),
      seed_(owner.seed),
      origin_(owner.origin),
      address_(std::make_shared<OwnerAddress>(std::move(handle))),
      wake_(std::move(wake)),
      socket_(socket_of(owner)),
      identity_(std::move(owner.identity)),
      joins_(1),
      reader_(std::in_place, feed_bytes_max),
      records_causes_(owner.records_causes) {}

OwnerLink::~OwnerLink() { stop(); }

void OwnerLink::start(CommitTurn& turn, SignalHub& hub) {
  turn_ = &turn;
  signals_.start(hub);
  silence_.restart(Steady::now());
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
    std::unique_lock lock{mutex_};
    // So that its end is not taken for the death of a host.
    if (!is_stopping_ && socket_ != nullptr && has_state_ && !offer_.empty()) {
      std::vector<std::byte> nothing;
      append_offer(nothing, static_cast<std::uint64_t>(::getpid()), {});
      add(ToOwner::offer, nothing);
      flush(lock);
    }
    is_stopping_ = true;
  }
  ring();
  address_->tell_loss();
  if (thread_.joinable())
    thread_.join();
  signals_.leave();
  std::unique_lock lock{mutex_};
  take_share_ = nullptr;
  unstarted_.clear();
  changed_.notify_all();
  answer_all(std::exchange(pending_, {}), link_is_closed());
}

void OwnerLink::ring() noexcept { ::eventfd_write(wake_.number(), 1); }

OwnerStatus OwnerLink::status() const {
  const std::lock_guard lock{mutex_};
  return {.is_up = socket_ != nullptr && has_state_, .joins = joins_, .fault = fault_};
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
    const Status done = guarded("join", [&] { is_up ? serve() : rejoin(); });
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
  std::array<pollfd, 3> waiting{pollfd{wake_.number(), POLLIN, 0}, pollfd{socket->number(), events, 0},
                                pollfd{signals_.pump().wake_descriptor(), POLLIN, 0}};
  const timespec longest = as_timespec(std::min<std::chrono::nanoseconds>(alive_interval, signals_.pump().pause()));
  ::ppoll(waiting.data(), waiting.size(), &longest, nullptr);
  eventfd_t rings = 0;
  ::eventfd_read(wake_.number(), &rings);
  receive_all(*socket);
  if ((waiting[1].revents & POLLOUT) != 0) {
    std::unique_lock lock{mutex_};
    is_blocked_ = false;
    flush(lock);
  }
  signals_.pump().look(turn_->version());
  const Time now = Steady::now();
  say_alive(now);
  if (silence_.look(now))
    lose_owner(owner_is_down("it has been silent for too long"));
}

void OwnerLink::receive_all(PacketSocket& socket) {
  for (int i = 0; i < packets_per_look; ++i) {
    const auto outcome = socket.receive(packet_, packet_bytes_max);
    if (outcome == PacketSocket::Outcome::would_block)
      return;
    if (outcome == PacketSocket::Outcome::gone)
      return lose_owner(owner_is_down("its process has ended, or let this one go"));
    silence_.heard(Steady::now());
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
    case ToJoined::signals: signals_.pump().take_signals(in); break;
    case ToJoined::fetched: signals_.pump().take_fetched(in); break;
    case ToJoined::starts: take_starts(in); break;
    case ToJoined::schema: taken = take_schema(in); break;
    case ToJoined::hosting: take_hosting(in); break;
    case ToJoined::share: take_share(in); break;
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
    begin_shares();
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
  begin_shares();
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
  queue_bytes_ = 0;  // of what waited
  for (auto& [number, pending] : pending_) {
    pending.is_sent = true;
    std::vector<std::byte> entry;
    append_cbor_number(entry, number);
    entry.insert(entry.end(), pending.again.begin(), pending.again.end());
    add(ToOwner::submit, entry);
  }
  owes_offer_ = !offer_.empty() && shares_in_hand_ > 0;
  if (!offer_.empty() && !owes_offer_)
    add(ToOwner::offer, offer_);
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

Status OwnerLink::take_schema(CborCursor& in) {
  const std::string_view text = in.text();
  if (in.failure() != nullptr)
    return {};
  auto schema = text.empty() ? Result<StateSchema>{StateSchema{}} : StateSchema::parse(text, "the owner's schema");
  if (!schema)
    return schema.error();
  const std::lock_guard lock{mutex_};
  schema_ = *std::move(schema);
  return {};
}

StateSchema OwnerLink::schema() const {
  const std::lock_guard lock{mutex_};
  return schema_;
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

}  // namespace theus::actors

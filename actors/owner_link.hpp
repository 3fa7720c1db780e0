#pragma once

#include "actors/owner_address.hpp"
#include "runtime/attach/join_door.hpp"
#include "runtime/attach/owner_signals.hpp"
#include "runtime/attach/round_wire.hpp"
#include "runtime/attach/silence.hpp"
#include "runtime/commit_decider.hpp"

#include <theus/engine.hpp>

#include <condition_variable>
#include <thread>
#include <unordered_map>
#include <unordered_set>

namespace theus::actors {

/// A joined process's link to the owner of the state: brings proposals there and outcomes back, lets the turn here
/// follow, relays signals both ways. One thread receives; whoever proposes sends, unless another one is sending already
/// and takes it along. When the owner is down, what waits is answered, nothing is written, and the link looks for the
/// owner with back-off until it is back.
class OwnerLink final : public CommitDecider, private OwnerPost {
public:
  using Time = std::chrono::steady_clock::time_point;

  /// Errors: those of join_owner().
  static Result<std::unique_ptr<OwnerLink>> join(std::string handle, const JoinOptions& options);
  ~OwnerLink() override;
  OwnerLink(const OwnerLink&) = delete;
  OwnerLink& operator=(const OwnerLink&) = delete;

  /// Lets them follow. REQUIRES: called once, before anybody uses them; they live until stop().
  void start(CommitTurn& turn, SignalHub& hub);
  /// Waits until the turn has the state. Errors: timeout; why the owner cannot be followed.
  Status wait_for_state();
  /// Answers `closed` to what waits. Idempotent.
  void stop();

  Outcome decide(const ProposalView& proposal) override;
  void decide(const std::shared_ptr<ProposalBatch>& batch) override;
  Result<std::optional<RequestLog::Outcome>> request_outcome(const Request& request) override;
  Reservations::Id reserve(std::span<const Path> paths, std::chrono::nanoseconds lifetime) override;
  bool may_start(Reservations::Id id) const override;
  bool wait_to_start(Reservations::Id id, Time deadline) override;
  void extend(Reservations::Id id, std::span<const Path> paths) override;
  void release(Reservations::Id id) override;

  /// Called by the link's thread, with the state that the share is to be stepped on.
  using TakeShare = std::function<void(RoundShare, Snapshot)>;
  /// Offers to step agents in the owner's rounds, from now on and whenever it is joined again. How many of them the
  /// owner has alike. Errors: owner_down, closed, timeout, too_large.
  Result<std::size_t> host(std::span<const OfferedAgent> agents, TakeShare take);
  /// Tells what came of a share: `answer` as append_stepped() and append_step(), or append_returned(), leave it. A
  /// share whose answer cannot be sent is given back. Any thread.
  void answer_share(const RoundShare& share, std::vector<std::byte> answer);

  OwnerStatus status() const;
  /// The owner's: what it can tell of its schema, as of the commits that have come.
  StateSchema schema() const;
  /// The owner's, when it was first joined; one with other rules is not joined again.
  const AccessOptions& access() const noexcept { return access_; }
  std::uint64_t seed() const noexcept { return seed_; }
  std::uint64_t first_execution() const noexcept { return (origin_ << executions_bits) + 1; }
  bool records_causes() const noexcept { return records_causes_.load(std::memory_order_relaxed); }
  const std::shared_ptr<OwnerAddress>& address() const noexcept { return address_; }

private:
  using Known = Result<std::optional<RequestLog::Outcome>>;

  /// Who waits for answers. Told by one thread at a time.
  class Awaiting {
  public:
    virtual ~Awaiting() = default;
    virtual void answer(std::size_t index, Known&& answer) noexcept = 0;
  };
  class AwaitedOne;
  class AwaitedBatch;

  struct Pending {
    Awaiting* awaiting = nullptr;
    std::size_t index = 0;
    /// Of a proposal with a request id, which may be sent again: the first outcome counts. It waits for an owner.
    std::vector<std::byte> again{};
    /// Asks what became of a request. Without an owner nobody knows, and whoever commits it is told then.
    bool is_question = false;
    bool is_sent = false;
    Time give_up_at{};
  };
  using AllPending = std::unordered_map<std::uint64_t, Pending>;

  OwnerLink(std::string handle, const JoinOptions& options, JoinedOwner owner, Descriptor wake);

  Status post(ToOwner kind, std::span<const std::byte> entry) override;
  void insist(ToOwner kind, std::span<const std::byte> entry) override;
  void ring() noexcept override;

  // Whoever has something to say. The lock is that of mutex_.
  bool is_up() const noexcept { return socket_ != nullptr && has_state_; }
  std::optional<Error> refusal(std::size_t bytes, bool may_wait = false) const;
  void propose(Pending pending, std::vector<std::byte> proposal, bool has_request);
  void add(ToOwner kind, std::span<const std::byte> entry);
  bool ask_to_reserve(Reservations::Id id, std::span<const Path> paths, std::chrono::nanoseconds lifetime);
  void flush(std::unique_lock<std::mutex>& lock);
  /// Of which the shares are that come now.
  std::string connection() const { return identity_.epoch + "/" + std::to_string(joins_); }

  // The thread.
  void run();
  void serve();
  void receive_all(PacketSocket& socket);
  Status receive(std::span<const std::byte> message);
  Status take_commits(CborCursor& in);
  Status take_state(CborCursor& in);
  void take_answers(CborCursor& in);
  void take_starts(CborCursor& in);
  Status take_schema(CborCursor& in);
  void take_hosting(CborCursor& in);
  void take_share(CborCursor& in);
  void begin_shares();
  void give_back(const RoundShare& share, const Error& why);
  void tell_share(std::unique_lock<std::mutex>& lock, const RoundShare& share, std::vector<std::byte> answer);
  void say_alive(Time now);
  void lose_owner(const Error& fault);
  void answer_all(AllPending pending, const Error& error);
  void give_up_late(Time now);
  void rejoin();
  void wait(std::chrono::milliseconds time);
  void have_state();

  const JoinOptions options_;
  const AccessOptions access_;
  const std::uint64_t seed_;
  const std::uint64_t origin_;
  const std::shared_ptr<OwnerAddress> address_;
  const Descriptor wake_;  // an eventfd, readable when the thread has something to do

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  // Guarded by mutex_.
  std::shared_ptr<PacketSocket> socket_;  // nullptr: the owner is down
  OwnerIdentity identity_;
  std::optional<Error> fault_;  // why it is down
  std::uint64_t joins_ = 0;     // that succeeded
  bool has_state_ = false;
  bool is_stopping_ = false;
  bool is_sending_ = false;
  bool is_blocked_ = false;  // the thread goes on with it when there is room
  AllPending pending_;
  std::uint64_t last_number_ = 0;
  Reservations::Id last_reservation_ = Reservations::nobody;
  std::unordered_set<Reservations::Id> unstarted_;  // of which the owner has not said that they may start
  StateSchema schema_;
  std::deque<std::vector<std::byte>> queue_;
  ToOwner queued_last_ = ToOwner::alive;
  std::size_t queue_bytes_ = 0;
  std::vector<std::byte> offer_;  // a message, or empty
  TakeShare take_share_;
  std::size_t shares_in_hand_ = 0;     // that are being stepped
  bool owes_offer_ = false;            // when they are done: until then one of them may hang
  std::optional<std::size_t> hosted_;  // as the owner answered the newest offer

  OwnerSignals signals_{*this};  // what it reads is the thread's own

  // Of whoever sends; the socket is changed under the lock.
  MessageWriter writer_;
  std::shared_ptr<PacketSocket> writer_socket_;  // for which it is filled

  // The thread's own.
  CommitTurn* turn_ = nullptr;
  std::optional<MessageReader> reader_;
  std::vector<std::byte> packet_;
  PathCache paths_;
  std::vector<Write> state_;       // as far as it has come
  std::deque<RoundShare> shares_;  // whose version has not come yet
  bool is_following_ = false;      // the state here goes on from the owner's
  bool must_take_state_ = false;   // what is here cannot be followed from
  Silence silence_{owner_silence_max, alive_interval, Time{}};
  std::atomic<Time> last_said_{Time{}};
  std::atomic<bool> records_causes_;
  int attempts_ = 0;

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace theus::actors

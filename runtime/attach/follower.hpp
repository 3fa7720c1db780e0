#pragma once

#include "runtime/attach/framing.hpp"
#include "runtime/attach/guest_signals.hpp"
#include "runtime/attach/join_wire.hpp"
#include "runtime/attach/round_desk.hpp"
#include "runtime/attach/silence.hpp"
#include "runtime/commit_turn.hpp"
#include "runtime/state_parts.hpp"

#include <functional>
#include <map>
#include <set>

namespace theus {

/// What somebody who joins must know again: whose history he follows, and which run of its owner he talks to.
struct OwnerIdentity {
  std::string history;  ///< that of the journal, or as random as the epoch
  std::string epoch;    ///< another one each time the owner is started

  friend bool operator==(const OwnerIdentity&, const OwnerIdentity&) = default;
};

/// What the owner lends those who follow it. All of it must outlive them.
struct FollowTerms {
  CommitTurn& turn;
  CommitFeed& feed;
  SignalHub& hub;
  OwnerIdentity identity;
  /// Which the joined processes take over, for what they refuse by themselves.
  AccessOptions access;
  /// An eventfd of the thread to which the followers belong; lives on with commits that are not settled.
  std::shared_ptr<const Descriptor> wake;
  /// Whether the owner takes calls.
  std::function<Status()> enter;
  /// Who shares rounds out; nullptr: nobody, offers are refused.
  RoundDesk* rounds = nullptr;
  /// Of ctx.random(), which joined processes take over.
  std::uint64_t seed = 0;
  /// Whether causes are kept, so that joined processes need to tell them.
  bool records_causes = false;
  /// The highest number of a joined process so far. Belongs to the followers' thread.
  mutable std::uint64_t origins = 0;
};

/// A joined process counts its executions from its number times 2^executions_bits on, so that none of them draws the
/// random numbers of another one. There may be so many of these processes; further ones share the last number.
inline constexpr int executions_bits = 40;
inline constexpr std::int64_t origin_max = (std::int64_t{1} << (63 - executions_bits)) - 1;

/// The owner's side of one joined process, as a rule: messages and time go in, messages come out (join_wire.hpp). It
/// lets the turn decide on what the process proposes, and tells it of all commits: those that the feed has, or the
/// whole state when it does not have them any more. Belongs to one thread.
class Follower {
public:
  using Time = std::chrono::steady_clock::time_point;

  /// `known` is the version that the process has of this history; 0: none. `knows_run`: it has it from this run of the
  /// owner. Throws OverloadError when too many snapshots are held or there are too many subscribers.
  /// `is_near`: it can be given memory of this host. Under `origin` the commits of the process are recorded.
  Follower(const FollowTerms& terms, Version known, bool knows_run, bool is_near, Time now, std::uint64_t origin = 0);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// Whether it takes messages now: not while too much waits for the turn or to be sent.
  bool wants_messages(const MessageWriter& out) const noexcept {
    return in_flight_ < submissions_max && out.messages() < messages_max && signals_.has_room();
  }
  /// Refuses (bad_input) what it cannot read, and (stale_epoch) what was meant for another run of the owner.
  Status receive(std::span<const std::byte> message, Time now);

  /// Adds what there is to say, as far as there is room. Refuses (peer_down) to wait any longer for who is silent, and
  /// (overloaded) to keep an old state any longer for who is slow.
  Status look(MessageWriter& out, Time now, bool is_short_of_memory);
  /// Whether a look would find something to say at once.
  bool has_news(const MessageWriter& out) noexcept {
    return out.messages() < messages_max && (is_sending_state() || told_ < terms_.feed.newest() || !is_schema_told() ||
                                             (line_ != nullptr && line_->has_message()) || signals_.has_news());
  }
  Time look_at() const noexcept;
  /// Readable when there are signals; -1 when there is nothing to wait for.
  int wake_descriptor() const noexcept { return signals_.wake_descriptor(); }
  const GuestSignals& signals() const noexcept { return signals_; }
  bool is_sending_state() const noexcept { return state_.has_value(); }
  bool is_schema_told() const noexcept { return told_schema_ == terms_.turn.schema_changes(); }

private:
  // Messages that wait to be sent before nothing is added.
  static constexpr std::size_t messages_max = 8;
  static constexpr std::size_t reservations_max = Reservations::count_max;

  class Submitted;

  Status submit(CborCursor& in);
  Status prepare(Submission& submission) const;
  void commit(std::shared_ptr<Submitted> batch);
  void answer_request(CborCursor& in);
  void reserve(CborCursor& in);
  Status take_offer(CborCursor& in);
  void take_steps(CborCursor& in);
  void collect(Time now);
  void look_at_reservations(Time now);
  bool add_schema(MessageWriter& out);
  bool add_message(MessageWriter& out, Time now);
  bool add_commits(MessageWriter& out);
  std::vector<std::byte> next_piece();

  const FollowTerms& terms_;
  const std::uint64_t origin_;
  Version told_;
  std::optional<std::uint64_t> told_schema_;  // as counted by the turn
  PathCache paths_;

  struct State {
    Version version;
    StateParts parts;
  };
  std::optional<State> state_;  // that is being sent

  std::deque<std::shared_ptr<Submitted>> submitted_;
  std::shared_ptr<Submitted> held_back_;  // by reservations of others
  Time retry_at_{};
  std::size_t in_flight_ = 0;
  // By the process's own numbers.
  std::map<Reservations::Id, Reservation> reservations_;
  std::set<Reservations::Id> unstarted_;  // of which it has not heard that they may start
  Time next_look_at_them_{};

  HostLinePtr line_;  // nullptr: it has offered nothing

  std::vector<std::byte> answers_;  // a message, or empty
  std::vector<std::byte> starts_;   // the same
  Version stands_on_ = 0;           // what must be told before them

  GuestSignals signals_;

  Silence silence_;
  Time last_said_;
};

}  // namespace theus

// What a joined process does when the owner goes down, until it is back.

#include "actors/owner_errors.hpp"
#include "actors/owner_link.hpp"
#include "actors/owner_reach.hpp"

#include <poll.h>
#include <sys/eventfd.h>

namespace theus::actors {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr auto rejoin_pause_max = 500ms;
constexpr auto rejoin_timeout = 1000ms;

}  // namespace

void OwnerLink::lose_owner(const Error& fault) {
  AllPending lost;
  // Ended without the lock: what goes to another host may take a moment.
  std::array<std::shared_ptr<PacketSocket>, 2> left;
  {
    const std::lock_guard lock{mutex_};
    if (socket_ == nullptr)
      return;
    left[0] = std::exchange(socket_, nullptr);
    if (!is_sending_)
      left[1] = std::exchange(writer_socket_, nullptr);
    has_state_ = false;
    is_blocked_ = false;
    fault_ = fault;
    queue_.clear();
    queue_bytes_ = 0;
    unstarted_.clear();
    const Time give_up_at = Steady::now() + options_.patience;
    for (auto pending = pending_.begin(); pending != pending_.end();) {
      pending->second.give_up_at = give_up_at;
      const auto next = std::next(pending);
      if (pending->second.again.empty())
        lost.insert(pending_.extract(pending));
      pending = next;
    }
  }
  signals_.leave();
  address_->tell_loss();
  is_following_ = false;
  reader_.emplace(feed_bytes_max);
  state_.clear();
  shares_.clear();
  // What the owner says it has not taken is known; anything else may have been written.
  answer_all(std::move(lost), fault.code() == Errc::stale_epoch ? fault : unknown_outcome());
  changed_.notify_all();
}

/// With that error, or with what it means to one that nobody was asked about.
void OwnerLink::answer_all(AllPending pending, const Error& error) {
  const bool is_final = error.code() == Errc::closed || error.code() == Errc::stale_epoch;
  for (const auto& [number, each] : pending) {
    Known answer = error;
    if (!is_final && each.is_question)
      answer = std::optional<RequestLog::Outcome>{};
    else if (!is_final && !each.is_sent)
      answer = nothing_written();
    each.awaiting->answer(each.index, std::move(answer));
  }
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
  const OwnerIdentity last = before.identity;
  before.version = turn_->version();
  before.origin = origin_;
  if (must_take_state_)
    before.identity.epoch.clear();
  for (const std::string& handle : handles_near(address_->get())) {
    auto owner = reach_owner(handle, options_.tls, before, rejoin_timeout);
    if (owner)
      if (Status joined = signals_.join(std::move(owner->signals), owner->identity == last); !joined)
        owner = joined.error();
    const std::lock_guard lock{mutex_};
    if (is_stopping_)
      return;
    if (!owner) {
      if (owner.error().code() == Errc::stale_epoch)
        fault_ = owner.error();
      continue;
    }
    if (owner->access != access_) {
      fault_ = has_other_rules();
      continue;
    }
    records_causes_.store(owner->records_causes, std::memory_order_relaxed);
    address_->set(handle);
    socket_ = socket_of(*owner);
    // Following goes on from here when this is the same run of the owner and nothing was missed.
    identity_ = std::move(owner->identity);
    ++joins_;
    silence_.restart(Steady::now());
    return;
  }
}

}  // namespace theus::actors

// How a joined process takes part in the owner's rounds.

#include "actors/owner_errors.hpp"
#include "actors/owner_link.hpp"

#include <unistd.h>

namespace theus::actors {
namespace {

// The owner gives out no more at a time than fits into HostLine::bytes_max; what comes beyond is given back.
constexpr std::size_t shares_waiting_max = 4096;

Error missed(const RoundShare& share, Version version) {
  return {Errc::stale_epoch, "a share of a round",
          "it is to be stepped on version " + std::to_string(share.version) + ", and here it is version " +
              std::to_string(version)};
}

}  // namespace

Result<std::size_t> OwnerLink::host(std::span<const OfferedAgent> agents, TakeShare take) {
  std::vector<std::byte> offer;
  append_offer(offer, static_cast<std::uint64_t>(::getpid()), agents);
  std::unique_lock lock{mutex_};
  if (auto refused = refusal(offer.size()))
    return *refused;
  offer_ = std::move(offer);
  take_share_ = std::move(take);
  hosted_.reset();
  add(ToOwner::offer, offer_);
  flush(lock);
  if (!changed_.wait_for(lock, options_.patience, [this] { return hosted_ || is_stopping_; }))
    return fault_ ? *fault_
                  : Error{Errc::timeout, "join", "the owner did not answer the offer of agents",
                          "Raise JoinOptions::patience"};
  return hosted_ ? Result<std::size_t>{*hosted_} : link_is_closed();
}

void OwnerLink::take_hosting(CborCursor& in) {
  const std::size_t agents = in.number();
  {
    const std::lock_guard lock{mutex_};
    hosted_ = agents;
  }
  changed_.notify_all();
}

void OwnerLink::take_share(CborCursor& in) {
  RoundShare share = read_share(in);
  if (in.failure() != nullptr)
    return;
  {
    const std::lock_guard lock{mutex_};
    share.epoch = connection();
  }
  if (shares_.size() == shares_waiting_max)
    return give_back(share, {Errc::overloaded, "a share of a round", "too many wait for their version"});
  shares_.push_back(std::move(share));
  begin_shares();
}

/// Those whose version is here begin, and those whose version is gone are given back.
void OwnerLink::begin_shares() {
  const Version version = turn_->version();
  while (!shares_.empty() && shares_.front().version <= version) {
    RoundShare share = std::move(shares_.front());
    shares_.pop_front();
    TakeShare take;
    {
      const std::lock_guard lock{mutex_};
      take = take_share_;
    }
    auto snapshot = turn_->try_snapshot();
    if (take == nullptr || !snapshot || snapshot->version() != share.version) {
      give_back(share, missed(share, version));
      continue;
    }
    {
      const std::lock_guard lock{mutex_};
      ++shares_in_hand_;
    }
    take(std::move(share), *std::move(snapshot));
  }
}

void OwnerLink::give_back(const RoundShare& share, const Error& why) {
  std::vector<std::byte> answer;
  append_returned(answer, share.number, why);
  std::unique_lock lock{mutex_};
  tell_share(lock, share, std::move(answer));
}

void OwnerLink::answer_share(const RoundShare& share, std::vector<std::byte> answer) {
  std::unique_lock lock{mutex_};
  if (--shares_in_hand_ == 0 && std::exchange(owes_offer_, false) && socket_ != nullptr)
    add(ToOwner::offer, offer_);
  tell_share(lock, share, std::move(answer));
}

void OwnerLink::tell_share(std::unique_lock<std::mutex>& lock, const RoundShare& share, std::vector<std::byte> answer) {
  // Of a share that came by an earlier connection, or when the owner is away, nobody wants to hear.
  if (socket_ == nullptr || share.epoch != connection())
    return flush(lock);
  std::vector<std::byte> entry;
  append_cbor_text(entry, identity_.epoch);
  if (const auto refused = refusal(entry.size() + answer.size()))
    append_returned(entry, share.number, *refused);
  else
    entry.insert(entry.end(), answer.begin(), answer.end());
  add(ToOwner::stepped, entry);
  flush(lock);
}

}  // namespace theus::actors

#include "shm/joined_heavy.hpp"

#include "shm/refusal.hpp"

namespace theus::shm {

/// A lease, given back under the lock. In a forked child it is its parent's.
class JoinedHeavy::Kept {
public:
  Kept(std::shared_ptr<JoinedHeavy> zone, Lease lease) noexcept : zone_(std::move(zone)), lease_(std::move(lease)) {}
  Kept(const Kept&) = delete;
  Kept& operator=(const Kept&) = delete;
  ~Kept() {
    if (zone_->fork_mark_.is_child()) {
      lease_->abandon();
      return;
    }
    const std::lock_guard lock{zone_->mutex_};
    lease_.reset();
  }
  const Lease& operator*() const noexcept { return *lease_; }

private:
  const std::shared_ptr<JoinedHeavy> zone_;
  std::optional<Lease> lease_;
};

JoinedHeavy::JoinedHeavy(Fetch fetch, Reader reader)
    : fetch_(std::move(fetch)),
      owner_(reader.owner()),
      owner_watched_(watch_process(owner_)),
      reader_(std::move(reader)) {}

Result<std::shared_ptr<JoinedHeavy>> JoinedHeavy::join(Fetch fetch) {
  const auto files = fetch(std::nullopt);
  if (!files)
    return files.error();
  constexpr std::size_t expected = 2;
  if (files->size() != expected)
    return bad_handle("the engine did not send a block table and a lease page");
  auto reader = Reader::attach((*files)[0], (*files)[1]);
  if (!reader)
    return reader.error();
  return std::shared_ptr<JoinedHeavy>{new JoinedHeavy{std::move(fetch), *std::move(reader)}};
}

Result<JoinedHeavy::Seen> JoinedHeavy::look(const HeavyRef& ref) {
  if (fork_mark_.is_child())
    return forked_reader();
  std::unique_lock lock{mutex_};
  if (has_ended(owner_watched_))
    reader_.orphan();
  auto lease = acquire(ref);
  if (!lease)
    return lease.error();
  auto kept = std::make_shared<const Kept>(shared_from_this(), *std::move(lease));
  return Seen{(**kept).bytes(), (**kept).shape(), kept, &(**kept).epoch_word()};
}

Result<Lease> JoinedHeavy::acquire(const HeavyRef& ref) {
  auto lease = reader_.acquire(ref);
  const Value* missing = lease ? nullptr : lease.error().field("segment");
  if (missing == nullptr)
    return lease;
  const auto id = missing->get<std::uint32_t>();
  if (!id)
    return lease;
  const auto files = fetch_(*id);
  if (!files)
    return files.error();
  if (files->size() != 1)
    return bad_handle("the engine did not send the segment");
  reader_.drop_dead_segments();
  if (auto status = reader_.attach_segment(*id, files->front()); !status)
    return status.error();
  return reader_.acquire(ref);
}

}  // namespace theus::shm

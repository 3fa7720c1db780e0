#pragma once

#include "runtime/heavy_gate.hpp"
#include "shm/arena.hpp"
#include "shm/fetched_heavy.hpp"
#include "shm/guest_heavy.hpp"
#include "shm/joined_heavy.hpp"

#include <theus/heavy.hpp>

#include <variant>

namespace theus::shm {

/// What stands behind a HeavyZone: an arena that is made when it is first needed; or another process's zone, which is
/// joined when it is first needed, again when its owner was replaced, and only read; or copies of another host's; or
/// what a worker has of its engine's. Thread-safe.
class HeavyRoom final : public HeavyGate {
public:
  explicit HeavyRoom(const HeavyOptions& options) : options_(options) {}
  using Join = std::function<Result<std::shared_ptr<JoinedHeavy>>()>;
  explicit HeavyRoom(Join join) : join_(std::move(join)) {}
  explicit HeavyRoom(std::shared_ptr<FetchedHeavy> fetched) : fetched_(std::move(fetched)) {}

  static HeavyZone zone_of(std::shared_ptr<HeavyRoom> room) {
    HeavyZone zone;
    zone.room_ = std::move(room);
    return zone;
  }

  /// That of the zone: for those who let other processes join.
  static const std::shared_ptr<HeavyRoom>& of(const HeavyZone& zone) noexcept { return zone.room_; }

  /// REQUIRES: nobody has used it yet.
  void become_guest(std::shared_ptr<GuestHeavy> guest) noexcept { guest_ = std::move(guest); }
  /// nullptr: this is no worker.
  const std::shared_ptr<GuestHeavy>& guest() const noexcept { return guest_; }

  bool is_joined() const noexcept { return join_ != nullptr || fetched_ != nullptr; }
  /// Another host's; nullptr: it is not.
  const std::shared_ptr<FetchedHeavy>& fetched() const noexcept { return fetched_; }
  /// REQUIRES: is_joined(), and not another host's. Errors: why it cannot be.
  Result<std::shared_ptr<JoinedHeavy>> joined();

  /// Makes it if there is none. Refuses (unsupported) in another process's zone, and in a worker.
  Result<ArenaPtr> arena();
  /// nullptr: nobody needed it yet.
  ArenaPtr arena_if_made() const;
  /// The same as arena(), for handles: without an arena there is nothing that they could name.
  Result<Hold> hold(const HeavyRef& ref) const;

  Result<Admitted> admit(const Value& value) override;

  const HeavyOptions& options() const noexcept { return options_; }
  void count_copy(std::uint64_t bytes) noexcept { copied_bytes_.fetch_add(bytes, std::memory_order_relaxed); }
  std::uint64_t copied_bytes() const noexcept { return copied_bytes_.load(std::memory_order_relaxed); }

private:
  const HeavyOptions options_;
  const Join join_;
  const std::shared_ptr<FetchedHeavy> fetched_;
  std::shared_ptr<GuestHeavy> guest_;  // constant once it is used
  std::atomic<std::uint64_t> copied_bytes_{0};
  mutable std::mutex mutex_;
  ArenaPtr arena_;                       // guarded by mutex_
  std::shared_ptr<JoinedHeavy> joined_;  // guarded by mutex_
};

/// A published block as a Value, which keeps it.
Value to_handle(Hold hold);

}  // namespace theus::shm

#pragma once

#include "runtime/attach/heavy_guest.hpp"
#include "runtime/attach/lending.hpp"
#include "shm/heavy_room.hpp"

#include <theus/attach.hpp>

#include <chrono>

namespace theus::actors {

/// The owner's side of a heavy zone that other processes read: lets them in, notices when they end, and takes back
/// what they held. Belongs to one thread, but for report().
class HeavyHost {
public:
  using Time = std::chrono::steady_clock::time_point;

  /// How often what readers have let go of is looked at, besides whenever memory is asked for.
  static constexpr std::chrono::milliseconds look_interval{100};

  explicit HeavyHost(const HeavyZone& zone) : room_(shm::HeavyRoom::of(zone)) {}

  /// Readable when a reader has ended; -1 as long as there is no zone.
  int death_signal() const;
  /// When to look at the latest; nothing when nobody reads.
  std::optional<Time> next_look() const noexcept { return next_look_; }
  /// What readers left behind that have ended since the last look.
  std::vector<shm::LostLeases> look(Time now);

  /// For a process that was seen at the other end of a connection.
  HeavyInvitation invitation(std::optional<shm::ProcessIdentity> process);
  /// As AttachTarget::lend().
  static Result<LentBuffer> lend(const HeavyZone& zone, const HeavyRef& ref);
  /// As AttachTarget::heavy().
  /// `state`: where to look for the buffers' places, or nullptr.
  static HeavyReport report(const HeavyZone& zone, const HeavyQuery& query, const Snapshot* state);

private:
  const std::shared_ptr<shm::HeavyRoom> room_;
  std::optional<Time> next_look_;
};

}  // namespace theus::actors

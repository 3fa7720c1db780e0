#pragma once

#include "shm/mapping.hpp"

#include <theus/result.hpp>

#include <optional>
#include <span>

namespace theus::shm {

/// A buffer that outlives the process which builds it: a file in memory of its own, filled in place and then sealed
/// against everybody, its builder included. Arena::adopt() takes the descriptor. When its builder dies before, nothing
/// of it is left. Belongs to one thread at a time.
class SealedBuffer {
public:
  /// Refuses with no_space.
  static Result<SealedBuffer> create(std::uint64_t bytes);

  std::span<std::byte> bytes() const noexcept { return bytes_; }
  /// Ends the building. The descriptor is to be passed to the owner of the zone.
  Result<Descriptor> seal() &&;

private:
  SealedBuffer() = default;

  Descriptor file_;
  std::optional<Mapping> map_;
  std::span<std::byte> bytes_;
};

}  // namespace theus::shm

#pragma once

#include "runtime/descriptor.hpp"

#include <theus/result.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace theus {

/// A client's place among the processes that read an engine's heavy buffers. When this goes, nothing more is lent to
/// it; what it has, it keeps until it lets go or ends. Belongs to one thread.
class HeavyGuest {
public:
  virtual ~HeavyGuest() = default;

  /// By what it finds buffers and says which ones it reads.
  virtual Result<std::vector<Descriptor>> files() = 0;
  /// Memory that buffers lie in. Refuses bad_handle.
  virtual Result<Descriptor> segment(std::uint32_t id) = 0;
};

/// Gives the process at the other end of one connection its place.
using HeavyInvitation = std::function<Result<std::unique_ptr<HeavyGuest>>()>;

}  // namespace theus

#pragma once

// The heavy zone as a worker has it, for one call after another: buffers that the engine lent to the call, to be read,
// and buffers that its body builds, each in a file of its own.
//
// Invariants: (1) What the engine lends, it keeps until it has the answer; end() unmaps it before, or refuses the call
// whose body still looks at it. (2) What is built has no writable mapping from publish() on, and no writer: the kernel
// would refuse the seal. (3) A handle made here carries `zone` and the number of its call, so that it means nothing
// anywhere else, and nothing in the next call.

#include "runtime/isolated/packets.hpp"
#include "shm/joined_heavy.hpp"
#include "shm/sealed_buffer.hpp"

namespace theus::shm {

/// Thread-safe, but for the SealedBuffers.
class GuestHeavy {
public:
  static constexpr std::uint64_t zone = ~std::uint64_t{0};
  using Seen = JoinedHeavy::Seen;

  /// So many bytes may be built by one call.
  explicit GuestHeavy(std::uint64_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  void begin(std::vector<PassedBuffer> lent);
  /// Ends the call: of what it built, the buffers with these handles. Refuses with expired_handle a handle of an
  /// earlier call, and with unsupported a body that keeps a view.
  Result<std::vector<PassedBuffer>> end(std::span<const HeavyRef> named);

  /// Refuses with no_space.
  Result<SealedBuffer> build(std::uint64_t bytes);
  /// Refuses with no_space and too_large {limit}.
  Result<Value> publish(SealedBuffer buffer, HeavyType type, const HeavyShape& shape);
  /// Refuses with bad_handle, and with expired_handle what neither came with the call nor was built in it.
  Result<Seen> look(const HeavyRef& ref);

private:
  struct Entry {
    PassedBuffer buffer;
    std::shared_ptr<const Mapping> map{};
  };

  const std::uint64_t bytes_max_;
  std::mutex mutex_;
  // Guarded by mutex_.
  std::vector<Entry> lent_;
  std::vector<Entry> built_;
  std::uint64_t bytes_asked_ = 0;
  std::uint64_t call_ = 0;
};

}  // namespace theus::shm

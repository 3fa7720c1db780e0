#pragma once

// Which roots somebody still reads. A pin is a hazard pointer with a count: the reader claims a slot (count 0 -> 1),
// stores the published root in it and checks that it is still the published one; the commit turn publishes first and
// looks at the slots after.
//
// All of these are sequentially consistent, so either the reader sees that the root was replaced and tries again, or
// the turn sees the pin. A slot may name a root that is already gone (just claimed, or released): it is compared, never
// followed, and at worst keeps nodes until the next look. Copies of a snapshot count on the slot of the original, so
// that a pin is never between two slots during a look.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace theus {

struct Root;

class SnapshotPins {
public:
  static constexpr std::size_t chunk_slots = 64;
  static constexpr std::size_t chunks_max = 4096;
  static constexpr std::size_t pins_max = chunk_slots * chunks_max;

  struct alignas(64) Slot {
    std::atomic<const Root*> root{nullptr};
    std::atomic<std::uint32_t> count{0};  // 0: the slot is free
  };

  SnapshotPins() = default;
  ~SnapshotPins();
  SnapshotPins(const SnapshotPins&) = delete;
  SnapshotPins& operator=(const SnapshotPins&) = delete;

  /// Pins what `published` holds. Returns nullptr when all pins_max slots are taken. Lock-free, any thread.
  Slot* pin(const std::atomic<const Root*>& published);

  static void add(Slot* slot) noexcept { slot->count.fetch_add(1, std::memory_order_relaxed); }
  /// Whether this was the last pin after close(). The release half pairs with the look at `count` in for_each:
  /// what the holder read, it read before.
  bool release(Slot* slot) noexcept {
    const bool last = slot->count.fetch_sub(1, std::memory_order_acq_rel) == (closed_bit | 1);
    return last && open_slots_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  /// Whether nothing is pinned any more; otherwise the release() of the last pin tells. REQUIRES: no pin() from now on.
  bool close() noexcept;

  /// Calls visit(const Root*) for every pin; the pointers are for comparison only.
  template <class Visit>
  void for_each(const Visit& visit) const {
    const std::size_t chunks = chunk_count_.load(std::memory_order_seq_cst);
    for (std::size_t c = 0; c < chunks; ++c)
      for (const Slot& slot : chunks_[c].load(std::memory_order_acquire)->slots)
        if (slot.count.load(std::memory_order_seq_cst) != 0)
          visit(slot.root.load(std::memory_order_seq_cst));
  }

private:
  static constexpr std::uint32_t closed_bit = 1U << 31;

  struct Chunk {
    Slot slots[chunk_slots];
  };

  Slot* claim();
  bool grow(std::size_t seen);

  std::atomic<std::size_t> open_slots_{1};  // after close(): slots still pinned, and one for close() itself
  std::atomic<std::size_t> chunk_count_{0};
  std::unique_ptr<std::atomic<Chunk*>[]> chunks_ = std::make_unique<std::atomic<Chunk*>[]>(chunks_max);
};

}  // namespace theus

#include "runtime/snapshot_pins.hpp"

namespace theus {
namespace {

// Where this thread looks first: its own last slot, so that threads seldom meet on a cache line.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): one per thread
thread_local std::size_t hint = reinterpret_cast<std::uintptr_t>(&hint) >> 12;

}  // namespace

SnapshotPins::~SnapshotPins() {
  for (std::size_t c = 0; c < chunk_count_.load(); ++c)
    delete chunks_[c].load();
}

bool SnapshotPins::close() noexcept {
  const std::size_t chunks = chunk_count_.load();
  for (std::size_t c = 0; c < chunks; ++c)
    for (Slot& slot : chunks_[c].load()->slots) {
      open_slots_.fetch_add(1);
      if (slot.count.fetch_or(closed_bit) == 0)
        open_slots_.fetch_sub(1);
    }
  return open_slots_.fetch_sub(1) == 1;
}

bool SnapshotPins::grow(std::size_t seen) {
  if (seen == chunks_max)
    return false;
  auto chunk = std::make_unique<Chunk>();
  Chunk* none = nullptr;
  if (chunks_[seen].compare_exchange_strong(none, chunk.get()))
    chunk.release();
  // Whoever lost the place announces the winner's chunk, so that nobody depends on the winner's progress.
  chunk_count_.compare_exchange_strong(seen, seen + 1);
  return true;
}

SnapshotPins::Slot* SnapshotPins::claim() {
  for (;;) {
    const std::size_t chunks = chunk_count_.load(std::memory_order_acquire);
    const std::size_t slots = chunks * chunk_slots;
    for (std::size_t tried = 0; tried < slots; ++tried) {
      const std::size_t at = (hint + tried) % slots;
      Slot& slot = chunks_[at / chunk_slots].load(std::memory_order_acquire)->slots[at % chunk_slots];
      std::uint32_t free = 0;
      if (slot.count.load(std::memory_order_relaxed) == 0 && slot.count.compare_exchange_strong(free, 1)) {
        hint = at;
        return &slot;
      }
    }
    if (!grow(chunks))
      return nullptr;
  }
}

SnapshotPins::Slot* SnapshotPins::pin(const std::atomic<const Root*>& published) {
  Slot* slot = claim();
  if (slot == nullptr)
    return nullptr;
  const Root* root = published.load(std::memory_order_acquire);
  for (;;) {
    slot->root.store(root, std::memory_order_seq_cst);
    const Root* now = published.load(std::memory_order_seq_cst);
    if (now == root)
      return slot;
    root = now;
  }
}

}  // namespace theus

// Blocks in place: the one kind that changes after its publication. Readers compare epochs; see BlockEntry.

#include "shm/arena_block.hpp"

namespace theus::shm {

bool Arena::begin_write(const Hold& hold) noexcept {
  std::atomic<std::uint64_t>& epoch = table_[hold.block_].epoch;
  std::uint64_t seen = epoch.load(std::memory_order_relaxed);
  if (seen % 2 != 0 || !epoch.compare_exchange_strong(seen, seen + 1, std::memory_order_acquire))
    return false;
  std::atomic_thread_fence(std::memory_order_release);  // the odd epoch before the first byte
  return true;
}

void Arena::end_write(const Hold& hold, bool whole) noexcept {
  BlockEntry& entry = table_[hold.block_];
  const std::uint64_t generation = at(hold.block_).generation;
  entry.word.store(block_word(generation, whole ? BlockState::published : BlockState::dirty),
                   std::memory_order_release);
  entry.epoch.fetch_add(1, std::memory_order_release);  // pairs with the acquire in epoch()
}

std::span<std::byte> Arena::writable(const Hold& hold) noexcept {
  return {store_.place(hold.block_).address, static_cast<std::size_t>(at(hold.block_).bytes)};
}

}  // namespace theus::shm

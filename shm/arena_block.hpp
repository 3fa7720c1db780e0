#pragma once

#include "shm/arena.hpp"

namespace theus::shm {

/// What the owner knows of a block beyond its entry in the table.
struct Arena::Block {
  std::atomic<std::uint64_t> holds{0};
  std::atomic<std::uint32_t> next{0};  ///< in the list of released blocks: the next one's number + 1
  // By whoever has the block: the arena, a loan, and then nobody until it is recycled.
  std::uint64_t generation = 0;
  std::uint64_t bytes = 0;
  HeavyRef ref;
  OwnerId owner = 0;

  LeaseWord lease() const noexcept { return ref.words[1]; }
};

struct Arena::Account {
  std::string name;
  std::uint64_t used_bytes = 0;
  std::deque<LeaseWord> retained{};  ///< published blocks that are kept until space is short, oldest first
};

inline Arena::Block& Arena::at(std::uint32_t block) const noexcept {
  assert(block < table_.size());
  return blocks_[block];
}

}  // namespace theus::shm

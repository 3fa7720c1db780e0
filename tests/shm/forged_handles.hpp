#pragma once

#include "shm/arena.hpp"
#include "shm/reader.hpp"

#include <algorithm>
#include <random>

namespace theus::testing {

/// Changes the words of good handles at random and shows them to the owner and to a consumer, as handles and as grants.
/// Returns how often one was taken that names nothing, or a good one refused. REQUIRES: the first segment is attached.
inline std::uint64_t forge_handles(shm::Arena& arena, shm::Reader& reader, unsigned seed, int count) {
  std::mt19937_64 random{seed};
  std::vector<shm::Hold> holds;
  for (int i = 0; i < 20; ++i)
    holds.push_back(arena.publish(arena.lend(128).value(), HeavyType::u8, {128}).value());
  std::uint64_t wrong = 0;
  for (int i = 0; i < count; ++i) {
    HeavyRef ref = holds[random() % holds.size()].ref();
    for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      std::uint64_t& word = ref.words[random() % 8];
      word = random() % 2 == 0 ? random() : word ^ std::uint64_t{1} << random() % 64;
    }
    const auto is_real = [&](const HeavyRef& named) {
      return std::ranges::any_of(holds, [&](const shm::Hold& each) { return each.ref() == named; });
    };
    HeavyRef without_slot = ref;  // who acquires does not look at the slot, which is of a grant
    without_slot.words[0] &= ~(std::uint64_t{0xffff} << 32);
    wrong += static_cast<std::uint64_t>(arena.hold(ref).ok() != is_real(ref));
    wrong += static_cast<std::uint64_t>(reader.acquire(ref).ok() != is_real(without_slot));
    wrong += static_cast<std::uint64_t>(reader.take(ref).ok());
  }
  return wrong;
}

}  // namespace theus::testing

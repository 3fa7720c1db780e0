#include "shm/arena_block.hpp"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

namespace theus::shm {

std::vector<BlockReport> Arena::blocks(std::size_t reports_max, std::uint64_t& omitted) {
  const std::lock_guard lock{mutex_};
  sweep();
  const auto now = clock_.now();
  std::unordered_map<LeaseWord, std::uint64_t> leases;
  for (auto& [id, consumer] : consumers_)
    for (const LeaseDesk::Held& held : consumer.desk.held(now))
      ++leases[held.lease];
  const std::unordered_set<LeaseWord> condemned{condemned_.begin(), condemned_.end()};

  std::vector<BlockReport> all;
  for (std::uint32_t number = 0; number < table_.size(); ++number) {
    const Block& block = at(number);
    const BlockState state = state_of(table_[number].word.load(std::memory_order_acquire));
    // Of a condemned block the entry is closed already. Any other closed one is free, or being built.
    const bool is_condemned = state == BlockState::closed && condemned.contains(block.lease());
    if (state == BlockState::closed && !is_condemned)
      continue;
    const auto found = leases.find(block.lease());
    all.push_back({.ref = block.ref,
                   .owner = accounts_[block.owner].name,
                   .state = state,
                   .is_condemned = is_condemned,
                   .holds = block.holds.load(std::memory_order_relaxed),
                   .leases = found == leases.end() ? 0 : found->second});
  }
  const std::size_t kept = std::min(all.size(), reports_max);
  std::ranges::partial_sort(all, all.begin() + static_cast<std::ptrdiff_t>(kept), std::ranges::greater{},
                            [](const BlockReport& each) { return parts_of(each.ref).bytes; });
  omitted = all.size() - kept;
  all.resize(kept);
  return all;
}

}  // namespace theus::shm

#include "runtime/unsettled_commits.hpp"

#include <algorithm>

namespace theus {

void UnsettledCommits::gather(std::vector<LoggedCommit*>& out) {
  out.clear();
  out.reserve(std::min(entries_.size(), batch_max));
  std::size_t bytes = 0;
  for (UnsettledCommit& entry : entries_) {
    bytes += entry.record.size();
    if (out.size() == batch_max || (bytes > batch_bytes_max && !out.empty()))
      return;
    out.push_back(&entry);
  }
}

Settlement* UnsettledCommits::remove(std::size_t count) noexcept {
  Settlement* chain = nullptr;
  for (; count > 0; --count) {
    bytes_ -= entries_.front().record.size();
    join(chain, entries_.front().waiting);
    entries_.pop_front();
  }
  return chain;
}

Settlement* UnsettledCommits::detach_waiting() noexcept {
  Settlement* chain = nullptr;
  for (UnsettledCommit& entry : entries_)
    join(chain, std::exchange(entry.waiting, nullptr));
  return chain;
}

Settlement* UnsettledCommits::remove_commits() noexcept {
  Settlement* const chain = detach_waiting();
  std::erase_if(entries_, [](const UnsettledCommit& entry) { return entry.version != 0; });
  bytes_ = 0;
  return chain;
}

void UnsettledCommits::join(Settlement*& chain, Settlement* more) noexcept {
  while (more != nullptr) {
    Settlement* const next = more->next_;
    more->next_ = std::exchange(chain, more);
    more = next;
  }
}

void UnsettledCommits::tell(Settlement* chain, Version kept, const Error* failure) noexcept {
  while (chain != nullptr) {
    Settlement* const next = chain->next_;  // told, it may be gone
    chain->settled(kept, failure);
    chain = next;
  }
}

}  // namespace theus

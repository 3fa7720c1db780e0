#include "runtime/commit_feed.hpp"

#include "runtime/cbor_stream.hpp"
#include "runtime/commit_record.hpp"

#include <sys/eventfd.h>

namespace theus {

void CommitFeed::join(Version version) {
  const std::lock_guard lock{mutex_};
  if (followers_.fetch_add(1) > 0)
    return;
  clear();
  newest_.store(version);
}

void CommitFeed::leave() noexcept {
  const std::lock_guard lock{mutex_};
  if (followers_.fetch_sub(1) == 1)
    clear();
}

void CommitFeed::clear() noexcept {
  blocks_.clear();
  bytes_ = 0;
  open_.clear();
  open_commits_ = 0;
}

void CommitFeed::add(Version version, std::span<const Write> writes) {
  {
    const std::lock_guard lock{mutex_};
    if (open_commits_ == 0)
      open_first_ = version;
    append_writes(open_, writes);
    ++open_commits_;
    if (open_.size() >= block_bytes)
      seal();
    while (bytes_ > bytes_max_ && !blocks_.empty()) {
      bytes_ -= blocks_.front().bytes->size();
      blocks_.pop_front();
    }
    newest_.store(version);
  }
  ring();
}

void CommitFeed::lose(Version version) noexcept {
  {
    const std::lock_guard lock{mutex_};
    clear();
    newest_.store(version);
  }
  ring();
}

// Whoever arms looks at newest() after that, and here it was changed before: one of them sees the other.
void CommitFeed::ring() noexcept {
  if (armed_.load() < 0)
    return;
  if (const int event_fd = armed_.exchange(-1); event_fd >= 0)
    ::eventfd_write(event_fd, 1);
}

void CommitFeed::seal() {
  auto block = std::make_shared<std::vector<std::byte>>();
  block->reserve(open_.size() + 20);
  append_cbor_number(*block, open_first_);
  append_cbor_number(*block, open_commits_);
  block->insert(block->end(), open_.begin(), open_.end());
  blocks_.push_back({open_first_, open_first_ + open_commits_ - 1, std::move(block)});
  bytes_ += blocks_.back().bytes->size();
  open_.clear();
  open_commits_ = 0;
}

std::optional<std::vector<CommitFeed::Block>> CommitFeed::after(Version version, std::size_t bytes_max) {
  const std::lock_guard lock{mutex_};
  if (open_commits_ > 0)
    seal();
  std::vector<Block> found;
  if (version >= newest_.load())
    return found;
  if (blocks_.empty() || blocks_.front().first > version + 1 || blocks_.back().last < version + 1)
    return std::nullopt;
  const auto begin = std::ranges::lower_bound(blocks_, version + 1, {}, &Block::last);
  std::size_t bytes = 0;
  for (auto block = begin; block != blocks_.end() && (found.empty() || bytes < bytes_max); ++block) {
    bytes += block->bytes->size();
    found.push_back(*block);
  }
  return found;
}

}  // namespace theus

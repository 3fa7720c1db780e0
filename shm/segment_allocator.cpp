#include "shm/segment_allocator.hpp"

#include "shm/refusal.hpp"

#include <boost/interprocess/indexes/iset_index.hpp>
#include <boost/interprocess/managed_external_buffer.hpp>
#include <boost/interprocess/mem_algo/rbtree_best_fit.hpp>
#include <boost/interprocess/sync/mutex_family.hpp>

namespace theus::shm {
namespace {

namespace bip = boost::interprocess;

// Boost's cross-process locks and names are not used: a process that dies while it holds one leaves the segment hung.
// One process allocates, so there is nothing to lock, and offsets from the memory's own place need no names.
using ManagedBuffer =
    bip::basic_managed_external_buffer<char, bip::rbtree_best_fit<bip::null_mutex_family, bip::offset_ptr<void>>,
                                       bip::iset_index>;

}  // namespace

struct SegmentAllocator::Buffer {
  explicit Buffer(std::span<std::byte> memory) : managed(bip::create_only, memory.data(), memory.size()) {}
  ManagedBuffer managed;
};

SegmentAllocator::SegmentAllocator(std::unique_ptr<Buffer> buffer) noexcept : buffer_(std::move(buffer)) {}
SegmentAllocator::SegmentAllocator(SegmentAllocator&&) noexcept = default;
SegmentAllocator& SegmentAllocator::operator=(SegmentAllocator&&) noexcept = default;
SegmentAllocator::~SegmentAllocator() = default;

Result<SegmentAllocator> SegmentAllocator::over(std::span<std::byte> memory) {
  try {
    return SegmentAllocator{std::make_unique<Buffer>(memory)};
  } catch (const bip::interprocess_exception& refused) {
    return no_space(std::string{"a segment is too small to be divided: "} + refused.what(), overhead_bytes,
                    memory.size(), "Ask for a larger segment");
  }
}

std::byte* SegmentAllocator::allocate(std::size_t bytes) noexcept {
  return static_cast<std::byte*>(buffer_->managed.allocate_aligned(bytes, alignment_bytes, std::nothrow));
}

void SegmentAllocator::free(std::byte* piece) noexcept { buffer_->managed.deallocate(piece); }
std::size_t SegmentAllocator::free_bytes() const noexcept { return buffer_->managed.get_free_memory(); }
bool SegmentAllocator::is_empty() const noexcept { return buffer_->managed.all_memory_deallocated(); }
bool SegmentAllocator::is_sane() const noexcept { return buffer_->managed.check_sanity(); }

}  // namespace theus::shm

#include "shm/guest_heavy.hpp"

#include "shm/refusal.hpp"
#include "shm/segment_header.hpp"

#include <algorithm>

namespace theus::shm {
namespace {

// Of buffers that never change.
constinit const std::atomic<std::uint64_t> only_epoch{0};

}  // namespace

void GuestHeavy::begin(std::vector<PassedBuffer> lent) {
  const std::lock_guard lock{mutex_};
  lent_.clear();
  built_.clear();
  for (PassedBuffer& buffer : lent)
    lent_.push_back({std::move(buffer)});
  bytes_asked_ = 0;
  ++call_;
}

Result<std::vector<PassedBuffer>> GuestHeavy::end(std::span<const HeavyRef> named) {
  const std::lock_guard lock{mutex_};
  const auto is_kept = [](const Entry& entry) { return entry.map.use_count() > 1; };
  const bool keeps = std::ranges::any_of(lent_, is_kept) || std::ranges::any_of(built_, is_kept);
  lent_.clear();
  std::vector<Entry> built;
  built.swap(built_);
  if (keeps)
    return Error{Errc::unsupported, "heavy zone", "the body keeps a view of a buffer beyond its call",
                 "Let go of views when the body returns; the next call gets its buffers anew"};
  std::vector<PassedBuffer> answered;
  for (const HeavyRef& ref : named) {
    const auto is_it = [&](const auto& buffer) { return buffer.ref == ref; };
    if (parts_of(ref).zone != zone || std::ranges::any_of(answered, is_it))
      continue;
    const auto found = std::ranges::find_if(built, [&](const Entry& entry) { return is_it(entry.buffer); });
    if (found == built.end())
      return expired_handle();
    answered.push_back(std::move(found->buffer));
  }
  return answered;
}

Result<SealedBuffer> GuestHeavy::build(std::uint64_t bytes) {
  {
    const std::lock_guard lock{mutex_};
    const std::uint64_t free = bytes_max_ - bytes_asked_;
    if (bytes > free)
      return no_space("this call has built as much as the heavy zone may hold", bytes, free,
                      "Build less in one call, or raise HeavyOptions::bytes_max");
    bytes_asked_ += bytes;
  }
  return SealedBuffer::create(bytes);
}

Result<Value> GuestHeavy::publish(SealedBuffer buffer, HeavyType type, const HeavyShape& shape) {
  const std::uint64_t bytes = buffer.bytes().size();
  auto file = std::move(buffer).seal();
  if (!file)
    return file.error();
  const std::lock_guard lock{mutex_};
  if (built_.size() == passed_buffers_max)
    return Error{Errc::too_large, "heavy zone",
                 "an isolated body gives " + std::to_string(passed_buffers_max) + " buffers at most",
                 "Build larger ones, or split the work"}
        .with("limit", passed_buffers_max);
  const HeavyRef ref = encode({.type = type,
                               .lease = lease_word(static_cast<std::uint32_t>(built_.size()), call_),
                               .bytes = bytes,
                               .shape = shape,
                               .zone = zone});
  built_.push_back({{ref, SegmentHeader::page_bytes, *std::move(file)}});
  return Value::heavy(ref);
}

Result<GuestHeavy::Seen> GuestHeavy::look(const HeavyRef& ref) {
  const auto handle = decode(ref);
  if (!handle)
    return handle.error();
  const std::lock_guard lock{mutex_};
  const auto is_it = [&](const Entry& entry) { return entry.buffer.ref == ref; };
  auto& entries = handle->zone == zone ? built_ : lent_;
  const auto found = std::ranges::find_if(entries, is_it);
  if (found == entries.end())
    return handle->is_in_place()
               ? Error{Errc::unsupported, "heavy zone", "buffers in place are not shown to isolated bodies",
                       "Let a process that is not isolated read it, or publish the buffer for good"}
               : expired_handle();
  if (found->map == nullptr) {
    auto map = Mapping::map(found->buffer.file, handle->bytes, Mapping::Access::read, found->buffer.offset);
    if (!map)
      return map.error();
    found->map = std::make_shared<const Mapping>(*std::move(map));
  }
  return Seen{{found->map->address(), static_cast<std::size_t>(handle->bytes)}, handle->shape, found->map, &only_epoch};
}

}  // namespace theus::shm

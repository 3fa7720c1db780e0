#include "shm/handle.hpp"

#include "shm/refusal.hpp"

namespace theus::shm {
namespace {

constexpr unsigned slot_at = 32;
constexpr unsigned type_at = 48;
constexpr unsigned dimensions_at = 56;
constexpr unsigned flags_at = 60;
constexpr std::uint64_t flags_known = Handle::in_place;
constexpr std::uint64_t slot_mask = std::uint64_t{0xffff} << slot_at;

}  // namespace

HeavyRef encode(const Handle& handle) noexcept {
  HeavyRef ref;
  ref.words[0] = handle.segment | std::uint64_t{handle.slot} << slot_at |
                 std::uint64_t{static_cast<std::uint8_t>(handle.type)} << type_at |
                 static_cast<std::uint64_t>(handle.shape.dimensions()) << dimensions_at |
                 std::uint64_t{handle.flags} << flags_at;
  ref.words[1] = handle.lease;
  ref.words[2] = handle.bytes;
  for (std::size_t i = 0; i < HeavyShape::dimensions_max; ++i)
    ref.words[3 + i] = handle.shape[i];
  ref.words[7] = handle.zone;
  return ref;
}

Handle parts_of(const HeavyRef& ref) noexcept {
  const std::uint64_t head = ref.words[0];
  Handle handle;
  handle.segment = static_cast<std::uint32_t>(head);
  handle.slot = static_cast<std::uint16_t>(head >> slot_at);
  handle.type = static_cast<HeavyType>(static_cast<std::uint8_t>(head >> type_at));
  handle.flags = static_cast<std::uint8_t>(head >> flags_at);
  handle.lease = ref.words[1];
  handle.bytes = ref.words[2];
  const auto dimensions = static_cast<std::size_t>(head >> dimensions_at & 0xf);
  if (dimensions <= HeavyShape::dimensions_max)
    handle.shape = HeavyShape{{ref.words[3], ref.words[4], ref.words[5], ref.words[6]}, dimensions};
  handle.zone = ref.words[7];
  return handle;
}

Result<Handle> decode(const HeavyRef& ref) {
  const Handle handle = parts_of(ref);
  if (size_of(handle.type) == 0 || (handle.flags & ~flags_known) != 0 || handle.shape.dimensions() == 0 ||
      handle.generation() == 0)
    return bad_handle("it is no handle of a heavy buffer");
  for (std::size_t i = handle.shape.dimensions(); i < HeavyShape::dimensions_max; ++i)
    if (handle.shape[i] != 0)
      return bad_handle("it has an extent without a dimension");
  if (handle.shape.bytes(handle.type) != handle.bytes)
    return bad_handle("its shape and its size contradict each other");
  return handle;
}

std::uint64_t description_of(const HeavyRef& ref) noexcept {
  constexpr std::uint64_t multiplier = 0x9e3779b97f4a7c15;
  std::uint64_t mixed = (ref.words[0] & ~slot_mask) >> slot_at;
  for (std::size_t i = 3; i < 7; ++i) {
    mixed = (mixed ^ ref.words[i]) * multiplier;
    mixed ^= mixed >> 29;
  }
  return mixed;
}

}  // namespace theus::shm

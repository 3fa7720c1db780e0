#include <theus/heavy_shape.hpp>

namespace theus {

std::string_view to_string(HeavyType type) noexcept {
  constexpr std::array<std::string_view, 11> names{"unknown", "u8",  "i8",  "u16", "i16", "u32",
                                                   "i32",     "u64", "i64", "f32", "f64"};
  const auto at = static_cast<std::size_t>(type);
  return names[at < names.size() ? at : 0];
}

}  // namespace theus

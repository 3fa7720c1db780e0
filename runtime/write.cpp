#include <theus/write.hpp>

#include <array>

namespace theus {

std::string_view to_string(Write::Kind kind) noexcept {
  constexpr std::array<std::string_view, 7> names{"set", "erase", "append", "splice", "increment", "max", "insert"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace theus

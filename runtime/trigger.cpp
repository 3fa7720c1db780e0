#include <theus/trigger.hpp>

#include <array>

namespace theus {

std::string_view to_string(Trigger::Kind kind) noexcept {
  constexpr std::array<std::string_view, 6> names{"call", "round", "tick", "change", "signal", "message"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace theus

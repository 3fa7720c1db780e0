#include <theus/journal.hpp>

namespace theus {

std::string_view to_string(Durability level) noexcept {
  switch (level) {
    case Durability::disk: return "disk";
    case Durability::os: return "os";
    case Durability::disk_async: return "disk_async";
  }
  return "unknown";
}

}  // namespace theus

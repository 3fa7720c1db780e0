#include "actors/large_value_warning.hpp"

#include "actors/user_callback.hpp"

namespace theus::actors {

void LargeValueWarning::warn(const Path& path, std::size_t bytes) noexcept {
  // A warning that finds no memory, or a sink that throws, must not stop the commit.
  (void)call_user([&] {
    if (is_new(path) && log_)
      log_({LogLevel::warning,
            "the value at " + path.text() + " has " + std::to_string(bytes) +
                " bytes, and each commit that sets it checks all of them; append to it, or set its parts",
            Value{{"path", path.text()}, {"bytes", static_cast<std::int64_t>(bytes)}}, "engine", 0, 0, clock_.wall()});
  });
}

bool LargeValueWarning::is_new(const Path& path) {
  const std::lock_guard lock{mutex_};
  return warned_.size() < paths_max && warned_.insert(path).second;
}

}  // namespace theus::actors

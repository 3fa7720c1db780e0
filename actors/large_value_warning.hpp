#pragma once

#include "runtime/clock.hpp"

#include <theus/log.hpp>
#include <theus/path.hpp>

#include <mutex>
#include <set>

namespace theus::actors {

/// Warns of values of a megabyte or more, once per path. Thread-safe.
class LargeValueWarning {
public:
  /// Both must outlive it.
  LargeValueWarning(const LogSink& log, const Clock& clock) noexcept : log_(log), clock_(clock) {}

  void warn(const Path& path, std::size_t bytes) noexcept;

private:
  bool is_new(const Path& path);

  static constexpr std::size_t paths_max = 1000;  // after so many different ones nothing more is said

  const LogSink& log_;
  const Clock& clock_;
  std::mutex mutex_;
  std::set<Path> warned_;  // guarded by mutex_
};

}  // namespace theus::actors

#pragma once

#include <algorithm>
#include <chrono>
#include <utility>

namespace theus {

/// How long the other side has been silent. What passes while nobody listens does not count: after a pause of this
/// process, or of the whole machine with all who speak to it, they have time to be heard before they are let go of.
class Silence {
public:
  using Time = std::chrono::steady_clock::time_point;

  /// Whoever listens looks at least every `look_interval`; what goes beyond twice that counts as a pause.
  Silence(std::chrono::milliseconds max, std::chrono::milliseconds look_interval, Time now) noexcept
      : max_(max), pause_min_(2 * look_interval), heard_(now), looked_(now) {}

  void restart(Time now) noexcept { heard_ = looked_ = now; }
  void heard(Time now) noexcept { heard_ = now; }
  /// At least half of it is left, for what was said may still lie unread.
  void excuse(Time now) noexcept { heard_ = std::max(heard_, now - max_ / 2); }

  /// Whether it is too long by now.
  bool look(Time now) noexcept {
    const auto unlooked = now - std::exchange(looked_, now);
    if (unlooked > pause_min_)
      heard_ = std::min(now, heard_ + unlooked);
    return now - heard_ > max_;
  }
  /// When it will be too long.
  Time end() const noexcept { return heard_ + max_; }

private:
  std::chrono::milliseconds max_;
  std::chrono::milliseconds pause_min_;
  Time heard_;
  Time looked_;
};

}  // namespace theus

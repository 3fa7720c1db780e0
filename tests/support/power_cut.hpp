#pragma once

// What a power cut leaves of files whose changes were recorded.

#include "tests/support/fault_files.hpp"

#include <algorithm>
#include <random>
#include <vector>

namespace theus::testing {

inline constexpr std::size_t sector_bytes = 512;

struct Change {
  enum class Kind : std::uint8_t { made, write, truncate, sync, failed_sync, folder_sync, remove };

  std::string file;
  Kind kind;
  std::size_t at = 0;   // of a write; the size of a truncation
  std::string bytes{};  // of a write
};

inline void put(std::string& content, std::size_t at, std::string_view bytes) {
  if (content.size() < at + bytes.size())
    content.resize(at + bytes.size());
  std::ranges::copy(bytes, content.begin() + static_cast<std::ptrdiff_t>(at));
}

/// One file up to a cut: what is safe, and what may be.
struct Fate {
  struct Step {
    const Change* change;
    bool is_safe = false;
    bool is_lost = false;  // a sync of it has failed
  };
  std::vector<Step> steps;

  static bool is_of_folder(const Step& step) {
    return step.change->kind == Change::Kind::made || step.change->kind == Change::Kind::remove;
  }
  void sync() {
    for (Step& step : steps)
      step.is_safe |= !step.is_lost && !is_of_folder(step);
  }
  void sync_folder() {
    for (Step& step : steps)
      step.is_safe |= is_of_folder(step);
  }
  void fail_sync() {
    for (Step& step : steps)
      step.is_lost |= !step.is_safe;
  }
};

class Cutter {
  using Loss = FaultFiles::Loss;

public:
  Cutter(Loss loss, std::uint32_t seed) : loss_(loss), random_(seed), keep_one_in_(2 + random_() % 4) {}

  std::optional<std::string> content(const Fate& fate) {
    std::optional<std::string> content;
    for (const Fate::Step& step : fate.steps)
      apply(content, step);
    return content;
  }

private:
  bool is_kept() { return loss_ != Loss::all && (loss_ == Loss::nothing || random_() % keep_one_in_ != 0); }

  void apply(std::optional<std::string>& content, const Fate::Step& step) {
    const Change& change = *step.change;
    const bool is_whole = step.is_safe || loss_ == Loss::nothing;
    switch (change.kind) {
      case Change::Kind::made:
        if (is_whole || is_kept())
          content = std::string{};
        break;
      case Change::Kind::remove:
        if (is_whole || is_kept())
          content.reset();
        break;
      case Change::Kind::truncate:
        if (content && (is_whole || is_kept()))
          content->resize(change.at);
        break;
      case Change::Kind::write:
        if (content)
          write(*content, change, is_whole);
        break;
      default: break;
    }
  }

  void write(std::string& content, const Change& change, bool is_whole) {
    if (is_whole || (loss_ == Loss::some && is_kept()))
      return put(content, change.at, change.bytes);
    if (loss_ == Loss::zeros)
      content.resize(std::max(content.size(), change.at + change.bytes.size()));
    if (loss_ != Loss::sectors || !is_kept())
      return;
    for (std::size_t at = 0; at < change.bytes.size();) {
      const std::size_t count = std::min(sector_bytes - (change.at + at) % sector_bytes, change.bytes.size() - at);
      if (is_kept())
        put(content, change.at + at, std::string_view{change.bytes}.substr(at, count));
      at += count;
    }
  }

  const Loss loss_;
  std::mt19937 random_;
  const std::uint32_t keep_one_in_;
};

}  // namespace theus::testing

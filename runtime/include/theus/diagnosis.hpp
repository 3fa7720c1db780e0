#pragma once

#include <theus/value.hpp>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace theus {

/// What was found out about one thing that engines need.
struct Finding {
  enum class Verdict : std::uint8_t {
    ok,
    fallback,  ///< it works, but in a slower or weaker way
    wrong,     ///< something will fail, or was left behind
  };

  std::string subject{};
  Verdict verdict = Verdict::ok;
  std::string text{};    ///< what it is
  std::string remedy{};  ///< empty when there is nothing to do
  Value facts = Value::map();
};

std::string_view to_string(Finding::Verdict verdict) noexcept;

struct DiagnosisOptions {
  /// Where to look for a folder .theus, here and then in each parent; empty: here.
  std::filesystem::path from{};
  /// Where the system keeps shared memory with names.
  std::filesystem::path shared_memory = "/dev/shm";
};

/// Looks at versions, what the kernel can do, the limits of this process, memory, shared memory and what dead processes
/// left behind, and at the engines that run in the project folder. Changes nothing.
std::vector<Finding> diagnose(const DiagnosisOptions& options = {});

/// Segments of heavy zones with names, of processes of this user.
struct NamedSegments {
  std::vector<std::string> dead{};  ///< whose owner has ended; by name
  std::uint64_t dead_bytes = 0;
  std::size_t alive = 0;
};

/// Looks for them. Of a process that may still live nothing counts as dead.
NamedSegments find_named_segments(const std::filesystem::path& folder = "/dev/shm");
/// Removes the dead ones, and returns which those were.
NamedSegments remove_dead_segments(const std::filesystem::path& folder = "/dev/shm");

}  // namespace theus

#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

struct Production {
  std::string program;  ///< which starts a consumer when it is called with --consume WORK HANDLE
  std::uint64_t frames = 300;
  std::optional<std::uint64_t> kill_at{};  ///< the frame at which the first consumer is killed, and started again
  std::filesystem::path folder = ".theus";
};

/// Builds frames, has two processes look at them, and prints how that went.
int produce(const Production& production);

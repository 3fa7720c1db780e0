#pragma once

#include <nlohmann/json.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/subprocess.hpp"

namespace theus::testing {

/// Runs `theus` as a user would.
inline Finished theus(std::vector<std::string> arguments, SubprocessOptions options = {}) {
  arguments.insert(arguments.begin(), THEUS_BINARY_DIR "/bin/theus");
  return run(std::move(arguments), std::move(options));
}

/// A module of tests/system/modules.
inline std::string module(const std::string& name) { return THEUS_BINARY_DIR "/lib/test_modules/" + name + ".so"; }

/// Fails the test unless the text is one whole JSON document and a line feed.
inline nlohmann::json document(const std::string& text) {
  if (text.empty() || text.back() != '\n')
    throw std::runtime_error{"no JSON document: " + text};
  return nlohmann::json::parse(text);
}

inline bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace theus::testing

#pragma once

#include "runtime/workflow_cursor.hpp"

#include <theus/convert.hpp>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <unistd.h>

namespace theus::testing {

/// A state of a few paths that a test writes as it likes.
class MapState : public StateReader {
public:
  std::map<std::string, Value> values;

  std::optional<Value> read(const Path& path) const override {
    const auto found = values.find(path.text());
    return found == values.end() ? std::nullopt : std::optional{found->second};
  }
};

/// A fresh folder that is removed with its contents.
class Folder {
public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "theus-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }

  const std::filesystem::path& path() const noexcept { return path_; }

  /// Writes a file, with the folders above it.
  std::filesystem::path write(const std::string& name, const std::string& content) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream{file, std::ios::binary} << content;
    return file;
  }

private:
  std::filesystem::path path_;
};

/// The findings of an error as "line:column cause" lines.
inline std::vector<std::string> findings_of(const Error& error) {
  std::vector<std::string> lines;
  const Value* findings = error.field("findings");
  if (findings == nullptr)
    return lines;
  for (const Value& finding : findings->items()) {
    const Value& cause = finding["cause"];
    lines.push_back(std::to_string(finding["line"].as_int()) + ':' + std::to_string(finding["column"].as_int()) + ' ' +
                    std::string{cause.as_string()});
  }
  return lines;
}

}  // namespace theus::testing

#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace theus::testing {

/// A folder of the test's own, gone with it.
class Folder {
public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "theus-test-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  /// Writes a file and returns its path.
  std::string file(std::string_view name, std::string_view content) const {
    const auto path = path_ / name;
    std::ofstream{path, std::ios::binary} << content;
    return path.string();
  }

  const std::filesystem::path& path() const { return path_; }

private:
  std::filesystem::path path_;
};

}  // namespace theus::testing

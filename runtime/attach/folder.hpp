#pragma once

#include "runtime/descriptor.hpp"

#include <theus/result.hpp>

#include <sys/types.h>

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace theus {

/// A folder that only we can enter: it belongs to our user, has mode 0700 and was not reached through a symbolic link
/// in its last part. Names in it are looked up relative to the open folder, so nobody can put another one in its place.
class AttachFolder {
public:
  /// Makes the folder when it is missing. Errors: join_refused (reason "folder") for one that others can enter;
  /// bad_argument for what the system refuses.
  static Result<AttachFolder> make(const std::filesystem::path& path);
  /// As above, but a missing folder is nothing.
  static Result<std::optional<AttachFolder>> open(const std::filesystem::path& path);

  int number() const noexcept { return folder_.number(); }
  /// Absolute.
  const std::filesystem::path& path() const noexcept { return path_; }
  /// The names in it, in order; at most names_max.
  std::vector<std::string> names() const;
  static constexpr std::size_t names_max = 4096;

  /// Removes the folder if make() made it and nothing is left in it.
  void remove_if_made() noexcept;

private:
  AttachFolder(Descriptor folder, std::filesystem::path path, bool was_made) noexcept
      : folder_(std::move(folder)), path_(std::move(path)), was_made_(was_made) {}

  Descriptor folder_;
  std::filesystem::path path_;
  bool was_made_;
};

/// What a file is, by which it is known again.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;

  friend bool operator==(const FileIdentity&, const FileIdentity&) = default;
};

}  // namespace theus

#pragma once

#include <theus/path.hpp>

namespace theus {

/// A path whose segments may be `*` (any one) or `**` (any number, also none): the one matcher of all contracts.
/// A pattern grants the paths it matches and everything below them.
class PathPattern {
public:
  static Result<PathPattern> parse(std::string_view text);

  const Path& path() const noexcept { return path_; }
  std::string text() const { return path_.text(); }
  bool has_wildcards() const noexcept { return has_wildcards_; }

  /// Whether the pattern matches the path or one of its ancestors.
  bool grants(const Path& path) const noexcept;
  /// Whether something that the pattern could match stands strictly below the path.
  bool leads_below(const Path& path) const noexcept;

private:
  Path path_;
  bool has_wildcards_ = false;
};

/// Whether the name matches the pattern, in which `*` stands for any characters and `?` for one.
bool matches_name(std::string_view pattern, std::string_view name) noexcept;

}  // namespace theus

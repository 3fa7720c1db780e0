#pragma once

#include <theus/path.hpp>

#include <vector>

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
  /// Whether something that the pattern could match stands strictly below the path, among the members of maps: an
  /// element of a list is reached by its own path only.
  bool leads_below(const Path& path) const noexcept;
  /// What of the pattern is left to match below the path; several rests when `**` can end at several places.
  std::vector<std::span<const Segment>> rests_below(const Path& path) const;

private:
  Path path_;
  bool has_wildcards_ = false;
};

/// Whether this segment of a pattern is `**`.
bool is_any_number(const Segment& pattern) noexcept;
/// Whether this segment of a pattern is `*` or `**`.
bool is_wildcard(const Segment& pattern) noexcept;
/// Whether a map's key fits this segment of a pattern, which is not `**`.
bool matches_key(const Segment& pattern, std::string_view key) noexcept;

/// Whether the name matches the pattern, in which `*` stands for any characters and `?` for one.
bool matches_name(std::string_view pattern, std::string_view name) noexcept;

}  // namespace theus

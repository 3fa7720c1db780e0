#include "runtime/path_pattern.hpp"

#include <algorithm>

namespace theus {
namespace {

using Segments = std::span<const Segment>;

constexpr std::string_view any_one = "*";
constexpr std::string_view any_number = "**";

bool matches(const Segment& pattern, const Segment& segment) noexcept {
  if (pattern.key == any_one && !pattern.is_index())
    return true;
  return pattern.hash == segment.hash && pattern.index == segment.index && pattern.key == segment.key;
}

// Both walk with one point to come back to, so that a pattern of many `**` costs the product of the lengths at most.
// Greedy for the last `**` is enough, as in matching file names.
bool grants_prefix(Segments pattern, Segments path) noexcept {
  std::size_t p = 0;
  std::size_t s = 0;
  std::size_t resume_p = pattern.size() + 1;
  std::size_t resume_s = 0;
  while (p < pattern.size()) {
    if (is_any_number(pattern[p])) {
      resume_p = ++p;
      resume_s = s;
    } else if (s < path.size() && matches(pattern[p], path[s])) {
      ++p;
      ++s;
    } else if (resume_p <= pattern.size() && resume_s < path.size()) {
      p = resume_p;
      s = ++resume_s;
    } else {
      return false;
    }
  }
  return true;
}

}  // namespace

bool is_any_number(const Segment& pattern) noexcept { return pattern.key == any_number && !pattern.is_index(); }

bool is_wildcard(const Segment& pattern) noexcept {
  return !pattern.is_index() && (pattern.key == any_one || pattern.key == any_number);
}

bool matches_key(const Segment& pattern, std::string_view key) noexcept {
  return !pattern.is_index() && (pattern.key == any_one || pattern.key == key);
}

Result<PathPattern> PathPattern::parse(std::string_view text) {
  auto path = Path::parse(text);
  if (!path)
    return path.error();
  if (path->is_root())
    return Error{Errc::bad_argument, "a contract", "a declared path is empty",
                 "Declare a layer such as domain, or a path below it"};
  PathPattern pattern;
  pattern.path_ = *std::move(path);
  pattern.has_wildcards_ = std::ranges::any_of(pattern.path_.segments(), is_wildcard);
  return pattern;
}

bool PathPattern::grants(const Path& path) const noexcept {
  if (!has_wildcards_)
    return path_.covers(path);
  return grants_prefix(path_.segments(), path.segments());
}

bool PathPattern::leads_below(const Path& path) const noexcept {
  const Segments pattern = path_.segments();
  const Segments segments = path.segments();
  for (std::size_t i = 0; i < segments.size(); ++i) {
    if (i == pattern.size())
      return false;
    if (is_any_number(pattern[i]))
      return true;
    if (!matches(pattern[i], segments[i]))
      return false;
  }
  return pattern.size() > segments.size() && !pattern[segments.size()].is_index();
}

std::vector<Segments> PathPattern::rests_below(const Path& path) const {
  const Segments pattern = path_.segments();
  std::vector<bool> reached(pattern.size() + 1, false);  // by position in the pattern
  reached[0] = true;
  for (const Segment& segment : path.segments()) {
    std::vector<bool> next(pattern.size() + 1, false);
    for (std::size_t p = 0; p < pattern.size(); ++p) {
      if (!reached[p])
        continue;
      if (is_any_number(pattern[p]))
        next[p] = reached[p + 1] = true;
      else if (matches(pattern[p], segment))
        next[p + 1] = true;
    }
    reached = std::move(next);
  }
  std::vector<Segments> rests;
  for (std::size_t p = 0; p < pattern.size(); ++p)
    if (reached[p])
      rests.push_back(pattern.subspan(p));
  return rests;
}

bool matches_name(std::string_view pattern, std::string_view name) noexcept {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t resume_p = std::string_view::npos;
  std::size_t resume_n = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      resume_p = ++p;
      resume_n = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (resume_p != std::string_view::npos) {
      p = resume_p;
      n = ++resume_n;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

}  // namespace theus

#include "runtime/name_pattern.hpp"

#include <cstddef>

namespace theus {

bool NamePattern::matches(std::string_view name) const noexcept {
  const std::string_view pattern = text_;
  // Of each kind of star only the last one met is worth extending: an earlier one of the same kind could not reach
  // anything the later one cannot. A `*` that meets a dot gives up and leaves the choice to the last `**`.
  struct Star {
    std::size_t next_in_pattern = std::string_view::npos;
    std::size_t end_in_name = 0;
  };
  Star segment;
  Star any;
  std::size_t p = 0;
  std::size_t n = 0;
  while (true) {
    if (p < pattern.size() && pattern[p] == '*') {
      const bool is_any = p + 1 < pattern.size() && pattern[p + 1] == '*';
      p += is_any ? 2 : 1;
      (is_any ? any : segment) = {p, n};
      if (is_any)
        segment = {};
      continue;
    }
    if (p == pattern.size() && n == name.size())
      return true;
    if (p < pattern.size() && n < name.size() && pattern[p] == name[n]) {
      ++p;
      ++n;
      continue;
    }
    if (segment.next_in_pattern != std::string_view::npos && segment.end_in_name < name.size() &&
        name[segment.end_in_name] != '.') {
      n = ++segment.end_in_name;
      p = segment.next_in_pattern;
      continue;
    }
    if (any.next_in_pattern == std::string_view::npos || any.end_in_name == name.size())
      return false;
    n = ++any.end_in_name;
    p = any.next_in_pattern;
    segment = {};
  }
}

}  // namespace theus

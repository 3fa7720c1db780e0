#include "runtime/matched_files.hpp"

#include <glob.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <system_error>

namespace theus {
namespace {

constexpr std::string_view wildcards = "*?[";

Error refused(std::string_view pattern, const std::string& cause, std::string remedy = {}) {
  return {Errc::bad_input, std::string{pattern}, "'" + std::string{pattern} + "' " + cause, std::move(remedy)};
}

/// The text as a pattern that matches it alone.
std::string literally(const std::string& text) {
  std::string pattern;
  for (const char letter : text) {
    if (wildcards.find(letter) != std::string_view::npos || letter == '\\')
      pattern += '\\';
    pattern += letter;
  }
  return pattern;
}

}  // namespace

std::string_view fixed_part(std::string_view pattern) noexcept {
  const std::string_view before = pattern.substr(0, pattern.find_first_of(wildcards));
  return before.substr(0, before.rfind('/') + 1);
}

Result<std::vector<std::string>> matched_files(const std::filesystem::path& folder, std::string_view pattern,
                                               std::size_t names_max) {
  if (pattern.empty() || pattern.find('\0') != std::string_view::npos)
    return refused(pattern, "names no file");
  const std::string start = folder.empty() ? std::string{} : folder.string() + "/";
  glob_t found{};
  const std::unique_ptr<glob_t, decltype(&::globfree)> freed{&found, &::globfree};
  const std::string whole = literally(start) + std::string{pattern};
  const int failed = ::glob(whole.c_str(), GLOB_ERR | GLOB_MARK | GLOB_NOSORT, nullptr, &found);
  if (failed == GLOB_ABORTED || failed == GLOB_NOSPACE)
    return refused(pattern, "cannot be listed: " + std::generic_category().message(errno));
  std::vector<std::string> names;
  for (std::size_t i = 0; failed == 0 && i < found.gl_pathc; ++i)
    if (const std::string_view path{found.gl_pathv[i]}; !path.ends_with('/'))
      names.emplace_back(path.substr(start.size()));
  if (names.empty())
    return refused(pattern, "matches no file", "Look at the pattern and at the folder that it begins with");
  if (names.size() > names_max)
    return refused(pattern,
                   "matches " + std::to_string(names.size()) + " files, more than " + std::to_string(names_max),
                   "Write a narrower pattern");
  std::ranges::sort(names);
  return names;
}

}  // namespace theus

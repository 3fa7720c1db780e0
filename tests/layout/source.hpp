#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace theus::testing {

/// A file of this project, named relative to its root.
struct Source {
  std::string path;
  std::string text;

  bool in(std::string_view folder) const { return path.starts_with(folder); }
  bool is_header() const { return path.ends_with(".hpp"); }
  bool is_cpp() const { return is_header() || path.ends_with(".cpp"); }
};

/// Every file below the folders of this project that a person wrote, and the scripts and documents beside them.
std::vector<Source> project_sources();

/// The text with comments and the contents of literals blanked; lines keep their numbers.
std::string code_of(std::string_view text);

/// What the text includes, each with its quotes or brackets.
std::vector<std::string> includes_of(std::string_view text);

/// Whether `word` stands in `code` with no letter, digit or underscore on either side.
bool has_word(std::string_view code, std::string_view word);

/// The names of the classes, structs, enums, concepts and aliases that the code declares.
std::vector<std::string> type_names_of(std::string_view code);

}  // namespace theus::testing

#include "tests/layout/source.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace theus::testing {
namespace {

namespace fs = std::filesystem;

bool is_word_character(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

std::string contents_of(const fs::path& file) {
  std::ifstream in{file, std::ios::binary};
  return {std::istreambuf_iterator<char>{in}, {}};
}

// The end of the literal that opens at `at`, past its closing quote.
std::size_t literal_end(std::string_view text, std::size_t at) {
  const bool raw = text[at] == '"' && at > 0 && text[at - 1] == 'R';
  if (raw) {
    const std::size_t open = std::min(text.find('(', at), text.size());
    const std::string close = ")" + std::string{text.substr(at + 1, open - at - 1)} + "\"";
    const std::size_t found = text.find(close, open);
    return found == std::string_view::npos ? text.size() : found + close.size();
  }
  for (std::size_t i = at + 1; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == text[at] || text[i] == '\n')
      return i + 1;
  }
  return text.size();
}

std::size_t comment_end(std::string_view text, std::size_t at) {
  const bool block = text[at + 1] == '*';
  const std::size_t end = block ? text.find("*/", at + 2) : text.find('\n', at);
  return end == std::string_view::npos ? text.size() : end + (block ? 2 : 0);
}

}  // namespace

std::vector<Source> project_sources() {
  const fs::path root{THEUS_SOURCE_DIR};
  std::vector<Source> sources;
  const auto add = [&](const fs::path& file) {
    sources.push_back({fs::relative(file, root).generic_string(), contents_of(file)});
  };
  for (const char* folder : {"runtime", "shm", "actors", "examples", "tests", "benchmarks", "cmake", "docs"})
    if (fs::is_directory(root / folder))
      for (const auto& entry : fs::recursive_directory_iterator{root / folder})
        if (entry.is_regular_file())
          add(entry.path());
  for (const char* file : {"dev", "CMakeLists.txt", ".ci/run", "README.md", "ARCHITECTURE.md", "CHANGELOG.md"})
    add(root / file);
  std::ranges::sort(sources, {}, &Source::path);
  return sources;
}

std::string code_of(std::string_view text) {
  std::string code{text};
  const auto blank = [&](std::size_t from, std::size_t to) {
    for (std::size_t i = from; i < to; ++i)
      if (code[i] != '\n')
        code[i] = ' ';
  };
  for (std::size_t at = 0; at < text.size();) {
    // A quote inside a number, as in 1'000, opens nothing.
    const bool separator = text[at] == '\'' && at > 0 && is_word_character(text[at - 1]);
    std::size_t end = at + 1;
    if (text[at] == '/' && at + 1 < text.size() && (text[at + 1] == '/' || text[at + 1] == '*'))
      blank(at, end = comment_end(text, at));
    else if ((text[at] == '"' || text[at] == '\'') && !separator)
      blank(at, end = literal_end(text, at));
    at = end;
  }
  return code;
}

std::vector<std::string> includes_of(std::string_view text) {
  std::vector<std::string> found;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::string_view line = text.substr(at, end - at);
    at = end + 1;
    const std::size_t word = line.find("include");
    const std::size_t open = line.find_first_of("<\"");
    if (line.find_first_not_of(" \t") != line.find('#') || word == std::string_view::npos || open < word)
      continue;
    const std::size_t close = line.find_first_of(">\"", open + 1);
    if (close != std::string_view::npos)
      found.emplace_back(line.substr(open, close + 1 - open));
  }
  return found;
}

bool has_word(std::string_view code, std::string_view word) {
  for (std::size_t at = code.find(word); at != std::string_view::npos; at = code.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool starts = at == 0 || !is_word_character(code[at - 1]);
    if (starts && (end == code.size() || !is_word_character(code[end])))
      return true;
  }
  return false;
}

std::vector<std::string> type_names_of(std::string_view code) {
  std::vector<std::string> names;
  std::string previous;
  for (std::size_t at = 0; at < code.size();) {
    if (!is_word_character(code[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < code.size() && is_word_character(code[end]))
      ++end;
    std::string word{code.substr(at, end - at)};
    for (const char* introducer : {"class", "struct", "union", "enum", "concept", "using"})
      if (previous == introducer && word != "class" && word != "struct")
        names.push_back(word);
    previous = std::move(word);
    at = end;
  }
  return names;
}

}  // namespace theus::testing

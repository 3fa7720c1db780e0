#include "tests/layout/source.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>

#include <catch2/catch.hpp>

namespace theus::testing {
namespace {

using Lines = std::vector<std::string>;

// The lines without their indentation and without empty ones, so that a snippet may stand deeper in a program.
Lines lines_of(const std::string& text) {
  Lines lines;
  std::istringstream in{text};
  for (std::string line; std::getline(in, line);) {
    line.erase(0, line.find_first_not_of(" \t"));
    if (!line.empty())
      lines.push_back(line);
  }
  return lines;
}

std::vector<Lines> snippets_of(const std::string& document) {
  std::vector<Lines> snippets;
  bool inside = false;
  for (const std::string& line : lines_of(document)) {
    if (line.starts_with("```")) {
      inside = line == "```cpp";
      if (inside)
        snippets.emplace_back();
    } else if (inside) {
      snippets.back().push_back(line);
    }
  }
  return snippets;
}

bool stands_in(const Lines& snippet, const std::string& text) {
  const Lines lines = lines_of(text);
  return !std::ranges::search(lines, snippet).empty();
}

// What the document sets in single back quotes.
Lines quoted_in(const std::string& document) {
  Lines quoted;
  for (const std::string& line : lines_of(document)) {
    if (line.starts_with("```"))
      continue;
    for (std::size_t open = line.find('`'); open != std::string::npos;) {
      const std::size_t close = line.find('`', open + 1);
      if (close == std::string::npos)
        break;
      quoted.push_back(line.substr(open + 1, close - open - 1));
      open = line.find('`', close + 1);
    }
  }
  return quoted;
}

bool is_place(const std::string& quoted) {
  return quoted.find('/') != std::string::npos && quoted.find_first_of(" <>*:{") == std::string::npos &&
         !quoted.starts_with("./") && !quoted.starts_with("/");
}

// The subcommands that a text calls as `./dev SUBCOMMAND`.
Lines commands_in(const std::string& document) {
  constexpr std::string_view call = "./dev ";
  Lines commands;
  for (std::size_t at = document.find(call); at != std::string::npos; at = document.find(call, at + 1)) {
    const std::size_t from = at + call.size();
    const std::size_t end = document.find_first_not_of("abcdefghijklmnopqrstuvwxyz", from);
    if (end != from)
      commands.push_back(document.substr(from, end - from));
  }
  return commands;
}

struct Documents {
  std::vector<Source> all;
  std::vector<Source> programs;
  std::string script;
};

Documents documents() {
  Documents found;
  for (Source& source : project_sources()) {
    if (source.path == "dev")
      found.script = source.text;
    else if (source.path.ends_with(".md"))
      found.all.push_back(std::move(source));
    else if (source.is_cpp() && (source.in("examples/") || source.in("tests/")))
      found.programs.push_back(std::move(source));
  }
  return found;
}

}  // namespace

TEST_CASE("what the documents show is compiled and run, and what they name exists", "[documents]") {
  const Documents found = documents();
  REQUIRE(found.all.size() >= 3);
  for (const Source& document : found.all) {
    INFO(document.path);
    for (const Lines& snippet : snippets_of(document.text)) {
      INFO(snippet.front());
      CHECK(std::ranges::any_of(found.programs, [&](const Source& s) { return stands_in(snippet, s.text); }));
    }
    for (const std::string& quoted : quoted_in(document.text)) {
      INFO(quoted);
      CHECK((!is_place(quoted) || std::filesystem::exists(std::filesystem::path{THEUS_SOURCE_DIR} / quoted)));
    }
    for (const std::string& command : commands_in(document.text)) {
      INFO("./dev " << command);
      CHECK(found.script.find("\n" + command + "_command() {") != std::string::npos);
    }
  }
}

TEST_CASE("snippets, places and commands are found in a document", "[documents]") {
  const std::string document =
      "See `runtime/path.cpp`, `<theus/path.hpp>` and `a | b`.\n```cpp\nf();\n\n  g();\n```\n./dev fly";
  CHECK(snippets_of(document) == std::vector<Lines>{{"f();", "g();"}});
  CHECK(stands_in({"f();", "g();"}, "  f();\n  g();\nh();\n"));
  CHECK_FALSE(stands_in({"f();", "g();"}, "f();\nh();\ng();\n"));
  CHECK(quoted_in(document) == Lines{"runtime/path.cpp", "<theus/path.hpp>", "a | b"});
  CHECK(is_place("runtime/path.cpp"));
  CHECK_FALSE(is_place("<theus/path.hpp>"));
  CHECK(commands_in(document) == Lines{"fly"});
}

}  // namespace theus::testing

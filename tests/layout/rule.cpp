#include "tests/layout/rule.hpp"

#include <algorithm>
#include <array>
#include <cctype>

namespace theus::testing {
namespace {

struct Allowance {
  std::string_view path;
  std::string_view reason;
};

// Failures travel as Result. Exceptions are caught only where foreign code throws into ours.
constexpr std::array may_catch{
    Allowance{"actors/caf_ways.hpp", "turns what a handler throws into an exit reason"},
    Allowance{"actors/guarded.hpp", "a door for bad_alloc: that client is dropped, that connection made anew"},
    Allowance{"actors/user_callback.hpp", "the one call of user functions that are no bodies"},
    Allowance{"benchmarks/harness.cpp", "names the case whose measure threw"},
    Allowance{"runtime/cli/run_cli.cpp", "the adapter of CLI11, and the end of the command line"},
    Allowance{"runtime/commit_turn.cpp", "a door for bad_alloc: the turn stays whole"},
    Allowance{"runtime/commit_turn_log.cpp", "a door for bad_alloc: that proposal is refused"},
    Allowance{"runtime/conflict_counts.cpp", "counts nothing when memory is out"},
    Allowance{"runtime/execution.cpp", "the one call of user bodies"},
    Allowance{"runtime/module_loader.cpp", "a user's module may throw while it registers"},
    Allowance{"runtime/state_memory.cpp", "reclaims later when memory for it is short"},
    Allowance{"runtime/store/checkpoint_writer.cpp", "gives a checkpoint up when memory is short"},
    Allowance{"runtime/yaml/reader.cpp", "the adapter of yaml-cpp, which throws"},
    Allowance{"shm/mapping.cpp", "the adapter of Boost's mappings, which throw"},
    Allowance{"shm/segment_allocator.cpp", "the adapter of Boost's managed buffer, which throws"},
};

// Tests drive the schedule; only these meet real time, each under a watchdog.
constexpr std::array<Allowance, 0> may_sleep{};

template <class Allowances>
bool allowed(const Allowances& allowances, const Source& source) {
  return std::ranges::any_of(allowances, [&](const Allowance& a) { return a.path == source.path; });
}

bool is_standard(std::string_view include) { return include.find_first_of("./") == std::string_view::npos; }

template <std::size_t N>
bool starts_with_any(std::string_view text, const std::array<std::string_view, N>& starts) {
  return std::ranges::any_of(starts, [&](std::string_view start) { return text.starts_with(start); });
}

// The layers, lowest first: each knows itself and what stands before it.
Offences include_direction(const Source& source) {
  struct Layer {
    std::string_view folder;
    std::vector<std::string_view> banned;
  };
  static const std::array<Layer, 2> layers{
      Layer{"runtime/", {"\"shm/", "\"actors/", "<caf/", "<boost/interprocess/"}},
      Layer{"shm/", {"\"actors/", "<caf/"}},
  };
  Offences found;
  for (const std::string& include : source.is_cpp() ? includes_of(source.text) : Offences{}) {
    if (include.find("../") != std::string::npos)
      found.push_back(include + " climbs; name it from the root of the project");
    for (const Layer& layer : layers)
      for (const std::string_view start : layer.banned)
        if (source.in(layer.folder) && include.starts_with(start))
          found.push_back(include + " stands above " + std::string{layer.folder});
  }
  return found;
}

Offences public_headers_are_free(const Source& source) {
  Offences found;
  if (source.in("runtime/include/"))
    for (const std::string& include : includes_of(source.text))
      if (!include.starts_with("<theus/") && !(include.starts_with("<") && is_standard(include)))
        found.push_back(include + " shows machinery to users");
  return found;
}

// Programs on top are users: they say <theus/...>, their own files, and a few libraries that the manual names.
Offences users_see_public_headers(const Source& source) {
  constexpr std::array<std::string_view, 4> libraries{"<theus/", "<CLI/", "<nlohmann/", "<fmt/"};
  Offences found;
  if (!source.is_cpp() || !(source.in("examples/") || source.in("runtime/cli/")))
    return found;
  const std::string own = "\"" + source.path.substr(0, source.path.find('/', source.path.find('/') + 1) + 1);
  for (const std::string& include : includes_of(source.text)) {
    const bool sibling = include.starts_with("\"") && include.find('/') == std::string::npos;
    const bool platform = include.ends_with(".h>");
    if (!sibling && !platform && !include.starts_with(own) && !starts_with_any(include, libraries) &&
        !(include.starts_with("<") && is_standard(include)))
      found.push_back(include + " is not for users");
  }
  return found;
}

Offences catches_stand_at_entrances(const Source& source) {
  if (!source.is_cpp() || source.in("tests/") || allowed(may_catch, source))
    return {};
  return has_word(code_of(source.text), "catch") ? Offences{"catches; only the files in may_catch do"} : Offences{};
}

// The words of a path or of a PascalCase or snake_case name, in lower case.
std::vector<std::string> words_of(std::string_view name) {
  std::vector<std::string> words{""};
  for (const unsigned char c : name) {
    if (std::isalpha(c) == 0 || std::isupper(c) != 0)
      words.emplace_back();
    if (std::isalpha(c) != 0)
      words.back() += static_cast<char>(std::tolower(c));
  }
  return words;
}

bool says_nothing(std::string_view name) {
  constexpr std::array<std::string_view, 10> empty_words{"manager", "managers", "helper",    "helpers", "util",
                                                         "utils",   "utility",  "utilities", "common",  "misc"};
  return std::ranges::any_of(words_of(name), [&](const std::string& word) {
    return std::ranges::find(empty_words, word) != empty_words.end();
  });
}

Offences names_say_something(const Source& source) {
  Offences found;
  if (says_nothing(source.path))
    found.push_back("the file's name says nothing");
  if (source.is_cpp())
    for (const std::string& name : type_names_of(code_of(source.text)))
      if (says_nothing(name))
        found.push_back("the type name " + name + " says nothing");
  return found;
}

Offences files_hold_one_idea(const Source& source) {
  constexpr std::ptrdiff_t lines_max = 400;
  const auto lines = std::ranges::count(source.text, '\n');
  if (lines <= lines_max)
    return {};
  return {std::to_string(lines) + " lines usually hold two ideas; " + std::to_string(lines_max) + " are allowed"};
}

Offences tests_do_not_sleep(const Source& source) {
  Offences found;
  if (!source.is_cpp() || !source.in("tests/") || allowed(may_sleep, source))
    return found;
  for (const char* call : {"sleep_for", "sleep_until", "usleep", "nanosleep"})
    if (has_word(code_of(source.text), call))
      found.push_back(std::string{"calls "} + call + "; drive the schedule instead");
  return found;
}

Offences nothing_is_left_for_later(const Source& source) {
  Offences found;
  for (const std::string word : {"TO"
                                 "DO",
                                 "FIX"
                                 "ME",
                                 "XX"
                                 "X"})
    if (has_word(source.text, word))
      found.push_back("says " + word);
  return found;
}

Offences headers_open_no_namespace(const Source& source) {
  if (!source.is_header() || code_of(source.text).find("using namespace") == std::string::npos)
    return {};
  return {"opens a namespace in every file that includes it"};
}

Offences headers_are_read_once(const Source& source) {
  if (!source.is_header() || source.text.find("#pragma once") != std::string::npos)
    return {};
  return {"lacks #pragma once"};
}

Offences caf_is_included_in_parts(const Source& source) {
  return source.is_cpp() && std::ranges::count(includes_of(source.text), "<caf/all.hpp>") > 0
             ? Offences{"includes all of CAF; name the parts"}
             : Offences{};
}

// A shared_ptr in an atomic takes a lock on every load; snapshots are pinned instead.
Offences no_shared_pointer_is_atomic(const Source& source) {
  return source.is_cpp() && code_of(source.text).find("atomic<std::shared_ptr") != std::string::npos
             ? Offences{"holds a shared_ptr in an atomic, which takes a lock on every read"}
             : Offences{};
}

}  // namespace

std::span<const Rule> rules() {
  static const std::array table{
      Rule{"includes point down: runtime <- shm <- actors",
           include_direction,
           {"runtime/commit.cpp", "#include \"actors/protocol.hpp\"\n"}},
      Rule{"public headers show the standard library and <theus/...> only",
           public_headers_are_free,
           {"runtime/include/theus/engine.hpp", "#include <caf/actor.hpp>\n"}},
      Rule{"examples and the command line see public headers only",
           users_see_public_headers,
           {"examples/karate/karate.cpp", "#include \"runtime/commit.hpp\"\n"}},
      Rule{"exceptions are caught at the known entrances only",
           catches_stand_at_entrances,
           {"runtime/commit.cpp", "try { f(); } catch (...) {}\n"}},
      Rule{"names of files and types say something",
           names_say_something,
           {"runtime/state.cpp", "class StateManager {};\n"}},
      Rule{"a file holds one idea", files_hold_one_idea, {"runtime/engine.cpp", std::string(401, '\n')}},
      Rule{"tests do not sleep",
           tests_do_not_sleep,
           {"tests/runtime/hub_test.cpp", "std::this_thread::sleep_for(1ms);\n"}},
      Rule{"nothing is left for later",
           nothing_is_left_for_later,
           {"runtime/commit.cpp",
            "// TO"
            "DO: journal\n"}},
      Rule{"headers open no namespace",
           headers_open_no_namespace,
           {"runtime/commit.hpp", "#pragma once\nusing namespace std;\n"}},
      Rule{"headers are read once", headers_are_read_once, {"runtime/commit.hpp", "struct Proposal;\n"}},
      Rule{"CAF is included in parts", caf_is_included_in_parts, {"actors/hub.cpp", "#include <caf/all.hpp>\n"}},
      Rule{"no shared_ptr stands in an atomic",
           no_shared_pointer_is_atomic,
           {"runtime/turn.hpp", "#pragma once\nstd::atomic<std::shared_ptr<const Tree>> head;\n"}},
  };
  return table;
}

}  // namespace theus::testing

#pragma once

// What examples take on their command line besides their own: `--journal FILE` keeps every commit in that file, and
// `--rerun FILE` runs the bodies behind the commits of such a file again instead.

#include <theus/replay.hpp>

#include <cstdio>
#include <optional>
#include <string_view>

namespace examples {

struct JournalArguments {
  theus::JournalOptions journal;     // the program is to be outlived, not a power cut
  std::optional<std::string> rerun;  // the journal that is to be run again
};

/// Takes the two out of the arguments, so that the program's own remain.
inline JournalArguments take_journal_arguments(int& argc, char** argv) {
  JournalArguments taken{.journal = {.level = theus::Durability::os}, .rerun = {}};
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--journal" && i + 1 < argc)
      taken.journal.path = argv[++i];
    else if (argument == "--rerun" && i + 1 < argc)
      taken.rerun = argv[++i];
    else
      argv[kept++] = argv[i];
  }
  argc = kept;
  return taken;
}

/// Runs the journal again with what the function registers, tells how that went, and returns the exit code.
inline int rerun(const std::string& journal, std::function<theus::Status(theus::Engine&)> definitions) {
  const auto report = theus::replay(journal, {.definitions = std::move(definitions)});
  if (!report) {
    std::fprintf(stderr, "%s\n", report.error().text().c_str());
    return theus::exit_code(report.error().code());
  }
  std::printf("%llu bodies ran again and wanted what was committed: version %llu, digest %s\n",
              static_cast<unsigned long long>(report->runs), static_cast<unsigned long long>(report->version),
              report->digest.text().c_str());
  return 0;
}

}  // namespace examples

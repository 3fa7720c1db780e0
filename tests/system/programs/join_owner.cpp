// An engine with a journal that others join, until it is killed.
//
//   join_owner FOLDER    says its handle

#include <theus/engine.hpp>

#include <cstdio>

#include <unistd.h>

int main(int argc, char** argv) {
  if (argc != 2)
    return 2;
  const std::filesystem::path folder = argv[1];
  theus::EngineOptions options;
  options.threads = 1;
  options.initial = {theus::Write::set("domain.count", 0)};
  options.journal.path = folder / "journal";
  options.attach.folder = folder / ".theus";
  const theus::Engine engine{options};
  std::printf("at %s\n", engine.context_handle().value().c_str());
  std::fflush(stdout);
  for (;;)
    ::pause();
}

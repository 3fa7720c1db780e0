// Eight threads count together by compare-and-swap: read version and value, compute, swap, and repeat on a mismatch.

#include <theus/engine.hpp>

#include <cstdio>
#include <thread>

#include "journal_arguments.hpp"

namespace {

void count(theus::Engine& engine, int times) {
  for (int done = 0; done < times;) {
    const theus::Snapshot now = engine.state();
    const int value = now.data().get<int>("counter", 0).value();
    const auto swapped = engine.compare_and_swap(now.version(), {{"counter", value + 1}});
    if (swapped)
      ++done;
    else if (swapped.error().code() != theus::Errc::version_mismatch)
      swapped.value();  // throws: nothing that a repetition mends
  }
}

}  // namespace

int main(int argc, char** argv) {
  theus::Engine engine{{.journal = examples::take_journal_arguments(argc, argv).journal}};
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&] { count(engine, 1000); });
  threads.clear();
  std::printf("counter %d at version %llu\n", engine.state().data().get<int>("counter").value(),
              static_cast<unsigned long long>(engine.version()));
}

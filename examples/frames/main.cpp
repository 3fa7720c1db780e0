// A camera that builds 1080p frames in place, and two processes of their own that look at them where they lie: one
// computes histograms, the other edges. No byte of a frame is copied. A consumer that is killed leaves nothing held; it
// is started again and goes on.
//
//   frames [--frames N] [--kill FRAME] [--folder FOLDER]
//
// While it runs, `theus heavy top` in the same folder shows who reads what.

#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "consumer.hpp"
#include "producer.hpp"

namespace {

int usage() {
  std::fputs("usage: frames [--frames N] [--kill FRAME] [--folder FOLDER]\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 4 && std::string_view{argv[1]} == "--consume")
    return consume(argv[2], argv[3]);
  Production production{.program = "/proc/self/exe"};
  for (int i = 1; i < argc; i += 2) {
    const std::string_view option = argv[i];
    if (i + 1 == argc)
      return usage();
    if (option == "--frames")
      production.frames = std::strtoull(argv[i + 1], nullptr, 10);
    else if (option == "--kill")
      production.kill_at = std::strtoull(argv[i + 1], nullptr, 10);
    else if (option == "--folder")
      production.folder = argv[i + 1];
    else
      return usage();
  }
  return produce(production);
}

// Joins an engine, reads the heavy buffer at a path, of bytes or of integers, and holds it until it is killed.
//
//   heavy_reader HANDLE PATH   prints the buffer's first element once it holds the buffer

#include <theus/engine.hpp>

#include <cstdio>

#include <unistd.h>

namespace {

template <class T>
int hold(theus::HeavyZone& heavy, const theus::Value& handle) {
  const auto view = heavy.view<T>(handle);
  if (!view) {
    std::fprintf(stderr, "%s\n", view.error().text().c_str());
    return 1;
  }
  std::printf("holds %d\n", static_cast<int>((*view)[0]));
  std::fflush(stdout);
  for (;;)
    ::pause();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3)
    return 2;
  auto engine = theus::Engine::from_handle(argv[1]).value();
  const theus::Value handle = engine.state().find(argv[2]).value();
  const bool is_bytes = engine.heavy().view<std::uint8_t>(handle).ok();
  return is_bytes ? hold<std::uint8_t>(engine.heavy(), handle) : hold<std::int64_t>(engine.heavy(), handle);
}

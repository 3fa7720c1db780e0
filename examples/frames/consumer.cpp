#include "consumer.hpp"

#include <theus/engine.hpp>

#include <chrono>
#include <cstdio>

#include "picture.hpp"

namespace {

using theus::Value;

// Looks at the picture where it lies: in the memory that its producer built it in.
theus::Result<std::uint64_t> look_at(theus::Engine& engine, const std::string& work, const Value& image) {
  const auto view = engine.heavy().view<std::uint8_t>(image);
  if (!view)
    return view.error();
  return work == "histogram" ? white_points(view->span()) : edge_points(view->span());
}

theus::Status work_on_frames(theus::Engine& engine, const std::string& work) {
  constexpr std::chrono::seconds patience{10};
  auto frames = engine.signals().subscribe({.filter = "frame"});
  engine.signals().send("ready", work);
  for (;;) {
    const theus::Received signal = frames.recv(patience);
    if (signal.is_lagged())
      continue;
    if (!signal)
      return theus::Error{theus::Errc::owner_down, work, "no frames come any more"};
    if (signal->payload.kind() == Value::Kind::null)
      return {};
    const auto points = look_at(engine, work, signal->payload["image"]);
    // A frame that was given up in the meantime is nobody's any more.
    if (!points && points.error().code() == theus::Errc::expired_handle)
      continue;
    if (!points)
      return points.error();
    engine.signals().send("seen", {{"by", work}, {"number", signal->payload["number"]}, {"points", *points}});
  }
}

}  // namespace

int consume(const std::string& work, const std::string& handle) {
  auto engine = theus::Engine::from_handle(handle);
  const theus::Status done = engine ? work_on_frames(*engine, work) : theus::Status{engine.error()};
  if (!done)
    std::fprintf(stderr, "%s: %s\n", work.c_str(), done.error().text().c_str());
  return done ? 0 : 1;
}

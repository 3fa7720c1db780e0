#include "consumer.hpp"

#include <theus/engine.hpp>
#include <theus/joined_engine.hpp>

#include <chrono>
#include <cstdio>

#include "picture.hpp"

namespace {

using theus::Value;

// Looks at the picture where it lies: in the memory that its producer built it in.
theus::Result<std::uint64_t> look_at(theus::JoinedEngine& engine, const std::string& work, const Value& image) {
  const auto view = engine.heavy().view<std::uint8_t>(image);
  if (!view)
    return view.error();
  return work == "histogram" ? white_points(view->span()) : edge_points(view->span());
}

theus::Status work_on_frames(theus::JoinedEngine& engine, const std::string& work) {
  constexpr std::chrono::seconds patience{10};
  if (auto listens = engine.listen({.filter = "frame"}); !listens)
    return listens;
  if (auto told = engine.send_signal("ready", work); !told)
    return told.error();
  for (;;) {
    const auto signals = engine.next_signals(patience);
    if (!signals)
      return signals.error();
    for (const theus::HeardSignal& signal : *signals) {
      if (signal.missed > 0)
        continue;
      if (signal.payload.is_null())
        return {};
      const auto points = look_at(engine, work, signal.payload["image"]);
      // A frame that was given up in the meantime is nobody's any more.
      if (!points && points.error().code() == theus::Errc::expired_handle)
        continue;
      if (!points)
        return points.error();
      if (auto told =
              engine.send_signal("seen", {{"by", work}, {"number", signal.payload["number"]}, {"points", *points}});
          !told)
        return told.error();
    }
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

#include <theus/engine.hpp>

#include <catch2/catch.hpp>

#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;

Version put(Engine& engine, const Path& path, Value value) {
  return engine.update(path, [&](const Value&) { return value; }).value();
}

TEST_CASE("a watch tells what changed since its start, as one range", "[watch]") {
  Engine engine;
  put(engine, "domain.a", 1);
  Watch watch = engine.watch({"domain.a", "domain.b"}).value();
  CHECK(watch.try_next().error().code() == Errc::timeout);
  put(engine, "domain.a", 2);
  put(engine, "domain.other", 1);
  put(engine, "domain.a", 3);

  const Change change = watch.try_next().value();
  CHECK(change.since == 1);
  CHECK(change.version == 4);
  CHECK(change.paths == std::vector<Path>{"domain.a"});
  CHECK(change.snapshot.get<int>("domain.a").value() == 3);
  CHECK(watch.try_next().error().code() == Errc::timeout);
}

TEST_CASE("a watch on a parent hears of its children, a watch on a child of its parent", "[watch]") {
  Engine engine;
  put(engine, "domain.user", Value{{"name", "a"}});
  Watch above = engine.watch({"domain"}).value();
  Watch below = engine.watch({"domain.user.name"}).value();
  Watch everything = engine.watch({""}).value();
  put(engine, "domain.user.name", "b");
  CHECK(above.try_next().ok());
  CHECK(below.try_next().ok());
  put(engine, "domain.user", Value{{"name", "c"}});
  CHECK(below.try_next().ok());
  CHECK(above.try_next().ok());
  put(engine, "counter", 1);
  CHECK(above.try_next().error().code() == Errc::timeout);
  CHECK(everything.try_next().value().version == 4);
}

TEST_CASE("an erased path is a change", "[watch]") {
  Engine engine;
  put(engine, "domain.a", 1);
  Watch watch = engine.watch({"domain.a"}).value();
  engine.compare_and_swap(1, {Write::erase("domain.a")}).value();
  CHECK_FALSE(watch.try_next().value().snapshot.contains("domain.a"));
}

TEST_CASE("a sleeping watcher misses no version that a writer makes", "[watch]") {
  constexpr int last = 2000;
  Engine engine;
  Watch watch = engine.watch({"domain.n"}).value();
  std::thread writer{[&] {
    for (int i = 1; i <= last; ++i)
      put(engine, "domain.n", i);
  }};
  Version told = 0;
  bool dense = true;
  int newest = 0;
  while (newest < last) {
    const Change change = watch.next(60s).value();
    dense = dense && change.since == told;
    told = change.version;
    newest = change.snapshot.get<int>("domain.n").value();
  }
  writer.join();
  CHECK(dense);
  CHECK(told == last);
}

TEST_CASE("waiting for a change returns the version that has it, at once when it is there already", "[watch]") {
  Engine engine;
  put(engine, "domain.a", 1);
  CHECK(engine.wait_for_change({"domain.a"}, 0, 60s).value() == 1);
  CHECK(engine.wait_for_change({"domain.a"}, 1, 1ms).error().code() == Errc::timeout);
  CHECK(engine.wait_for_change({"domain.a"}, 2, 1ms).error().code() == Errc::bad_argument);
  CHECK(engine.wait_for_change({}, 0, 1ms).error().code() == Errc::bad_argument);
  std::thread writer{[&] { put(engine, "domain.a", 2); }};
  CHECK(engine.wait_for_change({"domain.a"}, 1, 60s).value() == 2);
  writer.join();
}

TEST_CASE("a watch outlives its engine: what is left to tell, then closed", "[watch]") {
  auto engine = std::make_unique<Engine>();
  Watch watch = engine->watch({"domain.a"}).value();
  Watch idle = engine->watch({"domain.b"}).value();
  put(*engine, "domain.a", 1);
  std::thread waiting{[&] { CHECK(idle.next(60s).error().code() == Errc::closed); }};
  engine.reset();
  waiting.join();
  CHECK(watch.next(60s).value().version == 1);
  CHECK(watch.next(60s).error().code() == Errc::closed);
}

TEST_CASE("watches are bounded in number, and given back when they go", "[watch]") {
  Engine engine;
  std::vector<Watch> watches;
  for (int i = 0; i < 1024; ++i)
    watches.push_back(engine.watch({"domain.a"}).value());
  CHECK(engine.watch({"domain.a"}).error().code() == Errc::resource_exhausted);
  watches.pop_back();
  CHECK(engine.watch({"domain.a"}).ok());
}

}  // namespace
}  // namespace theus

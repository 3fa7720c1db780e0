// What the state of an engine keeps and refuses, whichever door is taken.

#include <theus/engine.hpp>
#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <latch>
#include <set>
#include <thread>

namespace theus {
namespace {

std::string rule_of(const Error& error) {
  const Value* rule = error.field("rule");
  return rule == nullptr ? std::string{} : std::string{rule->as_string()};
}

template <class T>
std::string rule_of(const Result<T>& result) {
  return result ? std::string{} : rule_of(result.error());
}

Value read(const Engine& engine, const Path& path) { return engine.state().find(path).value_or(Value{}); }

void set(Engine& engine, const Path& path, Value value) {
  engine.compare_and_swap(engine.version(), {Write::set(path, std::move(value))}).value();
}

TEST_CASE("a body reads its version to the end while others commit", "[engine]") {
  Engine engine;
  set(engine, "domain.x", 1);
  std::latch has_read{1};
  std::latch may_go_on{1};
  engine
      .register_process({.name = "reader",
                         .inputs = {"domain.x"},
                         .body =
                             [&](Context& ctx) {
                               const int before = ctx.get<int>("domain.x");
                               has_read.count_down();
                               may_go_on.wait();
                               return std::tuple{before, ctx.get<int>("domain.x")};
                             }})
      .value();
  auto result = engine.execute_async("reader");
  has_read.wait();
  set(engine, "domain.x", 99);
  may_go_on.count_down();
  CHECK(result.get().value().value == Value::list({1, 1}));
  CHECK(read(engine, "domain.x") == Value{99});
}

TEST_CASE("readers see the old value, and do not wait, while a writer is at work", "[engine]") {
  Engine engine;
  set(engine, "domain.x", "old");
  std::latch has_written{1};
  std::latch may_go_on{1};
  engine
      .register_process({.name = "writer",
                         .outputs = {"domain.x"},
                         .body =
                             [&](Context& ctx) {
                               ctx.set("domain.x", "new");
                               has_written.count_down();
                               may_go_on.wait();
                             }})
      .value();
  auto result = engine.execute_async("writer");
  has_written.wait();
  CHECK(read(engine, "domain.x") == Value{"old"});
  CHECK(engine.transaction().value().get<std::string>("domain.x").value() == "old");
  may_go_on.count_down();
  CHECK(result.get().value().version == 2);
  CHECK(read(engine, "domain.x") == Value{"new"});
}

TEST_CASE("pure processes that write what they did not declare are all refused [F82]", "[engine][F82]") {
  Engine engine;
  const Value kept{{"list", Value::list({1})}, {"map", Value{{"a", Value{{"b", 1}}}}}};
  set(engine, "domain", kept);
  engine
      .register_process({.name = "trespasser",
                         .inputs = {"domain"},
                         .semantic = Semantic::pure,
                         .arguments = {"way"},
                         .body =
                             [](Context& ctx) {
                               const Write ways[] = {Write::set("domain.x", 1), Write::erase("domain.list"),
                                                     Write::append("domain.list", 2), Write::set("domain.map.a.b", 2),
                                                     Write::increment("domain.map.a.b", 1)};
                               ctx.write(ways[ctx.argument<int>("way")]);
                             }})
      .value();
  std::vector<PendingExecution> attempts;
  for (int i = 0; i < 10; ++i)
    attempts.push_back(engine.execute_async("trespasser", {{"way", i % 5}}));
  for (auto& attempt : attempts)
    CHECK(rule_of(attempt.get()) == "illegal_write");
  CHECK(engine.version() == 1);
  CHECK(read(engine, "domain") == kept);
}

TEST_CASE("a log takes appends through every door, and loses nothing by way of its parent", "[engine][zone]") {
  Engine engine;
  const auto writing = [&](const char* name, Write write) {
    engine
        .register_process({.name = name,
                           .outputs = {"domain"},
                           .body = [write = std::move(write)](Context& ctx) { ctx.write(write); }})
        .value();
  };
  writing("appends", Write::append("domain.log_history", "process"));
  engine.execute("appends").value();
  engine.compare_and_swap(1, {Write::append("domain.log_history", "swap")}).value();
  engine.transaction([](Transaction& t) { return t.append("domain.log_history", "transaction"); }).value();
  const Value history = Value::list({"process", "swap", "transaction"});

  writing("overwrites", Write::set("domain.log_history", Value::list()));
  writing("erases", Write::erase("domain.log_history"));
  writing("erases parent", Write::erase("domain"));
  writing("replaces parent", Write::set("domain", Value{{"x", 1}}));
  for (const char* name : {"overwrites", "erases", "erases parent", "replaces parent"}) {
    INFO(name);
    CHECK(rule_of(engine.execute(name)) == "capability");
  }
  for (const Write& write : {Write::erase("domain.log_history"), Write::set("domain.log_history", Value::list()),
                             Write::erase("domain"), Write::set("domain", Value{{"x", 1}})}) {
    CHECK(rule_of(engine.compare_and_swap(3, {write})) == "capability");
    CHECK(rule_of(engine.transaction([&](Transaction& t) { return t.write(write); })) == "capability");
  }
  CHECK_FALSE(engine.update("domain", [](const Value&) { return Value{{"x", 1}}; }).ok());
  CHECK(engine.version() == 3);
  CHECK(read(engine, "domain") == Value{{"log_history", history}});

  engine
      .update("domain",
              [](const Value& domain) {
                Value changed = domain;
                changed.set("x", 1);
                return changed;
              })
      .value();
  CHECK(read(engine, "domain") == Value{{"log_history", history}, {"x", 1}});
}

TEST_CASE("replacing data leaves a heavy reference as it was", "[engine][zone]") {
  Engine engine;
  const Value reference = engine.heavy().alloc<float>({4}).value().publish().value();
  set(engine, "domain", Value{{"frame", Value{{"heavy_pixels", reference}}}, {"x", 1}});
  set(engine, "domain.x", 2);
  set(engine, "domain.frame.title", "a");
  CHECK(read(engine, "domain.frame.heavy_pixels") == reference);
  CHECK(read(engine, "domain.frame.heavy_pixels").as_heavy() == reference.as_heavy());
}

TEST_CASE("what a body erases from a map is gone from the state, and the rest stays", "[engine]") {
  Engine engine;
  set(engine, "domain.user", Value{{"name", "a"}, {"email", "b"}, {"tags", Value{{"x", 1}, {"y", 2}}}});
  engine
      .register_process({.name = "eraser",
                         .outputs = {"domain.user"},
                         .body =
                             [](Context& ctx) {
                               ctx.erase("domain.user.email");
                               ctx.erase("domain.user.tags.x");
                             }})
      .value();
  engine.execute("eraser").value();
  CHECK(read(engine, "domain.user") == Value{{"name", "a"}, {"tags", Value{{"y", 2}}}});
  CHECK_FALSE(engine.state().contains("domain.user.email"));
}

TEST_CASE("an empty swap changes nothing, and a swap may bring in a new key", "[engine]") {
  Engine engine;
  set(engine, "domain.x", 1);
  CHECK(engine.compare_and_swap(1, {}).value() == 1);
  CHECK(engine.compare_and_swap(0, {}).ok());
  CHECK(engine.version() == 1);
  CHECK(engine.compare_and_swap(1, {{"domain.fresh", "here"}}).value() == 2);
  CHECK(read(engine, "domain.fresh") == Value{"here"});
}

TEST_CASE("a name changed meanwhile does not hinder a counter, a counter does", "[engine][F80]") {
  Engine engine;
  set(engine, "domain", Value{{"name", "a"}, {"counter", 1}});
  engine.compare_and_swap(1, {{"domain.name", "b"}}).value();
  CHECK(engine.compare_and_swap(1, {{"domain.counter", 2}}).value() == 3);
  const Error refused = engine.compare_and_swap(1, {{"domain.counter", 5}}).error();
  CHECK(refused.code() == Errc::version_mismatch);
  CHECK(*refused.field("path") == Value{"domain.counter"});
  CHECK(*refused.field("expected") == Value{1});
  CHECK(*refused.field("actual") == Value{3});
  CHECK(*refused.field("current") == Value{2});
  CHECK(read(engine, "domain") == Value{{"name", "b"}, {"counter", 2}});
}

TEST_CASE("five threads that write one field all commit, and one of them is last [F81]", "[engine][F81]") {
  Engine engine;
  std::vector<std::thread> writers;
  std::atomic<int> failed = 0;
  std::latch start{5};
  for (int i = 0; i < 5; ++i)
    writers.emplace_back([&, i] {
      start.arrive_and_wait();
      failed += engine.update("domain.field", [i](const Value&) { return Value{i}; }).ok() ? 0 : 1;
    });
  for (std::thread& writer : writers)
    writer.join();
  CHECK(failed == 0);
  CHECK(engine.version() == 5);
  CHECK(std::set<std::int64_t>{0, 1, 2, 3, 4}.contains(read(engine, "domain.field").as_int()));
}

TEST_CASE("processes that append to one list at once never conflict [F81]", "[engine][F81]") {
  Engine engine{{.threads = 2}};
  std::latch two_run{2};
  engine
      .register_process({.name = "append",
                         .outputs = {"domain.list"},
                         .arguments = {"item", "meets"},
                         .body =
                             [&](Context& ctx) {
                               if (ctx.argument<bool>("meets"))
                                 two_run.arrive_and_wait();
                               ctx.append("domain.list", ctx.argument("item"));
                             }})
      .value();
  std::vector<PendingExecution> calls;
  for (int i = 0; i < 5; ++i)
    calls.push_back(engine.execute_async("append", {{"item", i}, {"meets", i < 2}}));
  for (auto& call : calls)
    CHECK(call.get().value().attempts == 1);
  std::set<std::int64_t> items;
  for (const Value list = read(engine, "domain.list"); const Value& item : list.items())
    items.insert(item.as_int());
  CHECK(items == std::set<std::int64_t>{0, 1, 2, 3, 4});
  CHECK(read(engine, "domain.list").size() == 5);
}

}  // namespace
}  // namespace theus

#include <theus/engine.hpp>

#include <catch2/catch.hpp>

#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;

void put(Engine& engine, const Path& path, Value value) {
  engine.update(path, [&](const Value&) { return value; }).value();
}

Value read(const Engine& engine, const Path& path) { return engine.state().find(path).value_or(Value{}); }

TEST_CASE("a transaction reads its own writes, and others see them after its commit", "[transaction]") {
  Engine engine;
  put(engine, "domain.a", 1);
  Transaction transaction = engine.transaction().value();
  transaction.set("domain.a", 2).value();
  transaction.append("domain.list", "x").value();
  transaction.move("domain.a", "domain.b").value();
  CHECK(transaction.get<int>("domain.b").value() == 2);
  CHECK(transaction.get<int>("domain.a", 7).value() == 7);
  CHECK(read(engine, "domain.a") == Value{1});

  CHECK(transaction.commit().value() == 2);
  CHECK(engine.state().find("domain").value() == Value{{"b", 2}, {"list", Value::list({"x"})}});
}

TEST_CASE("a transaction that is dropped, by name or by going away, leaves nothing", "[transaction]") {
  Engine engine;
  Transaction dropped = engine.transaction().value();
  dropped.set("domain.a", 1).value();
  dropped.drop();
  { engine.transaction().value().set("domain.a", 1).value(); }
  CHECK(engine.version() == 0);
  CHECK(dropped.set("domain.a", 1).error().code() == Errc::closed);
  CHECK(dropped.commit().error().code() == Errc::closed);
}

TEST_CASE("a transaction is refused when something it read has changed since", "[transaction]") {
  Engine engine;
  put(engine, "domain.limit", 10);
  Transaction transaction = engine.transaction().value();
  const int limit = transaction.get<int>("domain.limit").value();
  transaction.set("domain.used", limit).value();
  put(engine, "domain.limit", 5);
  const auto refused = transaction.commit();
  CHECK(refused.error().code() == Errc::version_mismatch);
  CHECK(*refused.error().field("path") == "domain.limit");
  CHECK_FALSE(engine.state().contains("domain.used"));
}

TEST_CASE("zones hold in transactions too, and what is refused is left out", "[transaction]") {
  Engine engine;
  Transaction transaction = engine.transaction().value();
  CHECK(transaction.set("const_limit", 1).error().code() == Errc::contract_violation);
  CHECK(transaction.erase("log_history").error().code() == Errc::contract_violation);
  CHECK(transaction.append("domain.list.x", 1).ok());
  CHECK(transaction.increment("domain.list", 1).error().code() == Errc::bad_argument);
  transaction.commit().value();
  CHECK(engine.state().find("").value() == Value{{"domain", Value{{"list", Value{{"x", Value::list({1})}}}}}});
}

TEST_CASE("a transaction publishes its signals with its commit", "[transaction]") {
  Engine engine;
  auto receiver = engine.signals().subscribe();
  Transaction transaction = engine.transaction().value();
  transaction.emit("saved", 3).value();
  CHECK_FALSE(receiver.try_recv().is_event());
  const Version version = transaction.commit().value();
  const auto received = receiver.try_recv();
  REQUIRE(received.is_event());
  CHECK(received.event().name == "saved");
  CHECK(received.event().version == version);
}

TEST_CASE("a function runs again until its transaction commits", "[transaction]") {
  Engine engine;
  int runs = 0;
  const Version version = engine
                              .transaction([&](Transaction& transaction) -> Status {
                                const int seen = transaction.get<int>("domain.a", 0).value();
                                if (++runs < 3)
                                  put(engine, "domain.a", seen + 1);
                                return transaction.set("domain.b", seen);
                              })
                              .value();
  CHECK(runs == 3);
  CHECK(version == 3);
  CHECK(read(engine, "domain.b") == Value{2});
}

TEST_CASE("a function's error ends its transaction without a commit, and so does its exception", "[transaction]") {
  Engine engine;
  const auto refused = engine.transaction([](Transaction& transaction) -> Status {
    transaction.set("domain.a", 1).value();
    return Error{Errc::bad_argument, "here", "not today"};
  });
  CHECK(refused.error().cause() == "not today");
  CHECK_THROWS_AS(engine.transaction([](Transaction& transaction) -> Status {
    transaction.set("domain.a", 1).value();
    throw std::runtime_error{"no"};
  }),
                  std::runtime_error);
  const auto ended = engine.transaction([](Transaction& transaction) -> Status {
    transaction.drop();
    return {};
  });
  CHECK(ended.error().code() == Errc::bad_argument);
  CHECK(engine.version() == 0);
}

TEST_CASE("a slow transaction gets through among fast writers, which go on [F86]", "[transaction][F86]") {
  Engine engine;
  put(engine, "domain.n", 0);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> written{0};
  std::vector<std::thread> writers;
  for (int i = 0; i < 2; ++i)
    writers.emplace_back([&] {
      while (!stop) {
        engine.compare_and_swap(engine.version(), {Write::increment("domain.n", 1)}).value();
        ++written;
      }
    });
  int runs = 0;
  const auto slow = engine.transaction([&](Transaction& transaction) -> Status {
    ++runs;
    const int before = transaction.get<int>("domain.n").value();
    // As long as it takes others to write a few times, if they are let.
    const auto until = std::chrono::steady_clock::now() + 2ms;
    while (std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
    return transaction.set("domain.seen", before);
  });
  const std::uint64_t so_far = written;
  while (written < so_far + 10)
    std::this_thread::yield();
  stop = true;
  for (std::thread& writer : writers)
    writer.join();
  CHECK(slow.ok());
  CHECK(runs <= 5);
}

TEST_CASE("an edit stands in the audit log with its reason and version once it is committed", "[transaction]") {
  Engine engine;
  CHECK(engine.edit("").error().code() == Errc::bad_argument);
  Transaction dropped = engine.edit("changed my mind").value();
  dropped.set("domain.a", 1).value();
  dropped.drop();
  Transaction edit = engine.edit("the import was wrong").value();
  edit.set("domain.a", 2).value();
  const Version version = edit.commit().value();

  const auto entries = engine.audit_log();
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].sequence == 1);
  CHECK(entries[0].kind == AuditEntry::Kind::edit);
  CHECK(entries[0].reason == "the import was wrong");
  CHECK(entries[0].version == version);
}

TEST_CASE("requests of every kind answer a repetition with their first outcome [F88]", "[engine][F88]") {
  Engine engine;
  int runs = 0;
  engine
      .register_process({.name = "next",
                         .inputs = {"domain.n"},
                         .outputs = {"domain.n"},
                         .body =
                             [&](Context& ctx) {
                               ++runs;
                               return ctx.get<int>("domain.n", 0) + 1;
                             }})
      .value();
  const Executed first = engine.execute("next", Value::map(), {.request_id = "one"}).value();
  engine.execute("next").value();
  const Executed again = engine.execute("next", Value::map(), {.request_id = "one"}).value();
  CHECK(again.value == first.value);
  CHECK(again.version == first.version);
  CHECK(runs == 2);
  CHECK(read(engine, "domain.n") == Value{2});

  const CasOptions cas{.request_id = "two"};
  const Version swapped = engine.compare_and_swap(2, {{"domain.n", 10}}, cas).value();
  put(engine, "domain.n", 11);
  CHECK(engine.compare_and_swap(2, {{"domain.n", 10}}, cas).value() == swapped);
  CHECK(engine.compare_and_swap(2, {{"domain.n", 12}}, cas).error().code() == Errc::bad_argument);

  const auto add = [](Transaction& transaction) {
    return transaction.set("domain.n", transaction.get<int>("domain.n").value() + 1);
  };
  const Version added = engine.transaction(add, {.request_id = "three"}).value();
  CHECK(engine.transaction(add, {.request_id = "three"}).value() == added);
  CHECK(read(engine, "domain.n") == Value{12});
}

TEST_CASE("calls of transactions and watches from inside a body are refused at once [F70]", "[transaction][F70]") {
  Engine engine;
  std::vector<Errc> codes;
  engine
      .register_process({.name = "p",
                         .body =
                             [&](Context&) {
                               codes.push_back(engine.transaction().error().code());
                               codes.push_back(engine.watch({"domain"}, 0).error().code());
                               codes.push_back(engine.edit("why").error().code());
                             }})
      .value();
  engine.execute("p").value();
  CHECK(codes == std::vector<Errc>(3, Errc::nested_call));
}

TEST_CASE("after the shutdown an open transaction is refused", "[transaction]") {
  auto engine = std::make_unique<Engine>();
  Transaction transaction = engine->transaction().value();
  transaction.set("domain.a", 1).value();
  engine.reset();
  CHECK(transaction.commit().error().code() == Errc::closed);
}

}  // namespace
}  // namespace theus

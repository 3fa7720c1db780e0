#include <theus/engine.hpp>
#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <thread>

struct Account {
  std::int64_t balance{};
  std::optional<std::string> owner;
};
THEUS_FIELDS(Account, balance, owner)
THEUS_CONSTRAINTS(Account, {"balance", R"({"minimum": 0})"})

namespace theus {
namespace {

EngineOptions quiet() {
  EngineOptions options;
  options.threads = 1;
  options.log = [](const LogEntry&) {};
  return options;
}

EngineOptions with_state(std::vector<Write> initial) {
  EngineOptions options = quiet();
  options.initial = std::move(initial);
  return options;
}

Schema schema_of(std::string_view text) { return Schema::parse(text).value(); }

Value at(const Engine& engine, const Path& path) { return engine.state().find(path).value_or(Value{}); }

TEST_CASE("a conflict does not tell what is secret", "[schema][F137]") {
  Engine engine{with_state({{"domain.card", Value{{"number", "4929-1111"}, {"owner", "Ada"}}}})};
  engine.set_schema("domain.card", schema_of(R"({"properties": {"number": {"type": "string", "x-secret": true}}})"))
      .value();
  const Version before = engine.version();
  engine.compare_and_swap(before, {{"domain.card.number", "4929-2222"}}).value();
  const auto current_of = [&](const Write& write) {
    return *engine.compare_and_swap(before, {write}).error().field("current");
  };
  CHECK(current_of({"domain.card.number", "4929-3333"}) == Value{"(secret)"});
  CHECK(current_of({"domain.card", Value{}}) == Value{{"number", "(secret)"}, {"owner", "Ada"}});
}

TEST_CASE("a withdrawal beyond the balance changes nothing, and sends nothing", "[schema][F84]") {
  Engine engine{with_state({{"domain.account", Value{{"balance", 100}}}})};
  engine.set_schema<Account>("domain.account").value();
  engine
      .register_process({.name = "withdraw",
                         .inputs = {"domain.account"},
                         .outputs = {"domain.account"},
                         .arguments = {"amount"},
                         .body =
                             [](Context& ctx) {
                               ctx.set("domain.account.balance",
                                       ctx.get<std::int64_t>("domain.account.balance") - ctx.argument<int>("amount"));
                               ctx.emit("withdrawn");
                             }})
      .value();
  auto receiver = engine.signals().subscribe();
  const Version before = engine.version();

  const auto refused = engine.execute("withdraw", {{"amount", 200}});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == Errc::schema_violation);
  CHECK(*refused.error().field("violations") ==
        Value::list({Value{{"path", "domain.account.balance"}, {"wanted", ">= 0"}, {"got", -100}}}));
  CHECK_THROWS_AS(engine.execute("withdraw", {{"amount", 200}}).value(), SchemaViolationError);
  CHECK(at(engine, "domain.account.balance") == Value{100});
  CHECK(engine.version() == before);
  CHECK(receiver.try_recv().is_empty());

  CHECK(engine.execute("withdraw", {{"amount", 60}}).ok());
  CHECK(at(engine, "domain.account.balance") == Value{40});
  CHECK_FALSE(receiver.try_recv().is_empty());
}

TEST_CASE("whatever writes is held to the schema", "[schema][F84]") {
  Engine engine{quiet()};
  engine.set_schema("domain.n", schema_of("{type: integer, minimum: 0}")).value();
  const auto is_refused = [&](const auto& result) {
    return !result.ok() && result.error().code() == Errc::schema_violation && at(engine, "domain.n").is_null();
  };
  CHECK(is_refused(engine.compare_and_swap(0, {{"domain.n", -1}})));
  CHECK(is_refused(engine.compare_and_swap(0, {{"domain", Value{{"n", 1.0}}}})));
  CHECK(is_refused(engine.compare_and_swap(0, {Write::increment("domain.n", -1)})));
  CHECK(is_refused(engine.update("domain.n", [](const Value&) { return Value{"x"}; })));
  CHECK(is_refused(engine.transaction([](Transaction& transaction) { return transaction.set("domain.n", -1); })));
  Transaction edit = engine.edit("by hand").value();
  edit.set("domain.n", -1).value();
  CHECK(is_refused(edit.commit()));
  engine.register_process({.name = "write", .outputs = {"domain.n"}, .body = [](Context&) { return -1; }}).value();
  CHECK(is_refused(engine.execute("write")));
  const Workflow flow = Workflow::parse("steps:\n  - flux: set\n    values: {domain.n: -1}\n", "f.yaml").value();
  CHECK(is_refused(engine.execute_workflow(flow)));
  engine.spawn_agent({.name = "member", .writes = {"domain.n"}, .body = [](Context& ctx) { ctx.set("domain.n", -1); }})
      .value();
  CHECK(is_refused(engine.round()));
  EngineOptions options = with_state({{"domain.n", -1}});
  options.schema = StateSchema{}.at("domain.n", schema_of("{minimum: 0}"));
  CHECK_THROWS_AS(Engine{std::move(options)}, SchemaViolationError);
  CHECK(engine.compare_and_swap(engine.version(), {{"domain.n", 1}}).ok());
}

TEST_CASE("a partial update is judged by what it leads to", "[schema][F84]") {
  Engine engine{with_state({{"domain.user", Value{{"name", "Ada"}, {"age", 36}}}})};
  engine
      .set_schema("domain.user", schema_of(R"({"required": ["name", "age"], "additionalProperties": false,
      "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}})"))
      .value();
  const auto refused = engine.compare_and_swap(
      engine.version(), {{"domain.user.age", "old"}, {"domain.user.mail", "a@b"}, Write::erase("domain.user.name")});
  REQUIRE_FALSE(refused.ok());
  CHECK(*refused.error().field("count") == Value{3});
  CHECK(at(engine, "domain.user") == Value{{"name", "Ada"}, {"age", 36}});
}

TEST_CASE("a schema that live data does not fit is refused with the whole list", "[schema][F85]") {
  Engine engine{with_state({{"domain", Value{{"a", "x"}, {"b", -1}, {"c", 1}}}})};
  const Version before = engine.version();
  const auto refused =
      engine.set_schema("domain", schema_of("{properties: {a: {type: integer}, b: {minimum: 0}, c: {type: integer}}}"));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == Errc::schema_violation);
  CHECK(*refused.error().field("count") == Value{2});
  CHECK(engine.version() == before);
  CHECK(engine.schema().empty());
  CHECK(engine.compare_and_swap(before, {{"domain.b", -5}}).ok());
}

StateSchema second() {
  StateSchema schema{3};
  schema.at("domain.total", schema_of("{type: integer}"));
  return schema;
}

TEST_CASE("migrations lead old data to a new schema in one commit, or nothing changes", "[schema][F85]") {
  Engine engine{with_state({{"domain.total", "7"}})};
  engine.set_schema(StateSchema{1}.at("domain.total", schema_of("{type: string}"))).value();
  CHECK(at(engine, "global.schema_version") == Value{1});
  const Version before = engine.version();

  const auto unfit = engine.set_schema(second());
  CHECK(unfit.error().code() == Errc::schema_violation);

  StateSchema gap = second();
  gap.migration("numbers", 1, 2, [](Transaction& transaction) { return transaction.set("domain.total", 7); });
  CHECK(engine.set_schema(gap).error().code() == Errc::bad_schema);

  StateSchema wrong = gap;
  wrong.migration("nothing", 2, 3, [](Transaction& transaction) { return transaction.set("domain.total", "no"); });
  CHECK(engine.set_schema(wrong).error().code() == Errc::schema_violation);

  StateSchema throwing = gap;
  throwing.migration("throws", 2, 3, [](Transaction&) -> Status { throw std::runtime_error{"cannot"}; });
  const auto thrown = engine.set_schema(throwing);
  CHECK(thrown.error().where() == "migration 'throws'");
  CHECK(thrown.error().cause() == "cannot");

  CHECK(engine.version() == before);
  CHECK(at(engine, "domain.total") == Value{"7"});
  CHECK(engine.schema().version() == 1);
  CHECK(engine.compare_and_swap(before, {{"domain.total", 8}}).error().code() == Errc::schema_violation);

  StateSchema right = gap;
  right.migration("double", 2, 3, [](Transaction& transaction) { return transaction.increment("domain.total", 7); });
  CHECK(engine.set_schema(right).value() == before + 1);
  CHECK(at(engine, "domain.total") == Value{14});
  CHECK(at(engine, "global.schema_version") == Value{3});
  CHECK(engine.set_schema(StateSchema{2}).error().code() == Errc::bad_schema);
}

TEST_CASE("a migration cannot call the engine, which would wait for it", "[schema][F70]") {
  Engine engine{quiet()};
  StateSchema schema{1};
  schema.migration("nested", 0, 1, [&](Transaction&) { return Status{engine.set_schema(StateSchema{1}).error()}; });
  CHECK(engine.set_schema(schema).error().code() == Errc::nested_call);
}

TEST_CASE("rules between paths are asked when one of their paths is touched", "[schema][F84]") {
  Engine engine{with_state({{"domain.left", 3}, {"domain.right", 4}, {"domain.total", 7}})};
  int asked = 0;
  StateSchema schema;
  schema.rule("the total is the sum", {"domain.left", "domain.right", "domain.total"},
              [&](std::span<const Value> values) {
                ++asked;
                return values[2].get<int>().value() == values[0].get<int>().value() + values[1].get<int>().value();
              });
  schema.rule("left is small", Expression::compile("domain.left < 100").value());
  engine.set_schema(schema).value();
  asked = 0;
  const auto refused = engine.compare_and_swap(engine.version(), {{"domain.left", 5}});
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code() == Errc::schema_violation);
  CHECK(refused.error().text().find("'the total is the sum'") != std::string::npos);
  CHECK(at(engine, "domain.left") == Value{3});
  CHECK(engine.compare_and_swap(engine.version(), {{"domain.left", 5}, {"domain.total", 9}}).ok());
  CHECK(asked == 2);
  CHECK(engine.compare_and_swap(engine.version(), {{"domain.other", 5}}).ok());
  CHECK(asked == 2);
  const auto thrown = engine.compare_and_swap(engine.version(), {{"domain.right", "x"}});
  CHECK(thrown.error().text().find("a failure") != std::string::npos);
  CHECK_FALSE(engine.compare_and_swap(engine.version(), {{"domain.left", 200}, {"domain.total", 204}}).ok());
}

TEST_CASE("a rule that calls the engine is refused instead of waiting for itself", "[schema][F70]") {
  Engine engine{quiet()};
  Errc answered = Errc::internal;
  engine
      .set_schema(StateSchema{}.rule("nosy", {"domain.a"},
                                     [&](std::span<const Value> values) {
                                       if (values[0].is_null())
                                         return true;
                                       answered = engine.compare_and_swap(0, {{"domain.b", 1}}).error().code();
                                       return true;
                                     }))
      .value();
  CHECK(engine.compare_and_swap(0, {{"domain.a", 1}}).ok());
  CHECK(answered == Errc::nested_call);
}

TEST_CASE("numbers that are not finite enter the state where a schema allows them, and nowhere else", "[schema][F67]") {
  Engine engine{quiet()};
  const double nan = std::nan("");
  CHECK(engine.compare_and_swap(0, {{"domain.x", nan}}).error().code() == Errc::bad_argument);
  engine.set_schema("domain.x", schema_of("{items: {type: real, x-non-finite: true}}")).value();
  CHECK(engine.compare_and_swap(engine.version(), {{"domain.x", Value::list({nan, 1.0})}}).ok());
  CHECK(engine.compare_and_swap(engine.version(), {Write::append("domain.x", -INFINITY)}).ok());
  for (const Write& write : {Write::set("domain.x", nan), Write::set("domain.y", nan),
                             Write::set("domain", Value{{"z", nan}}), Write::set("other", Value::list({nan}))})
    CHECK(engine.compare_and_swap(engine.version(), std::span{&write, 1}).error().code() == Errc::schema_violation);
  CHECK(at(engine, "domain.x").size() == 3);
  CHECK_FALSE(engine.set_schema("domain.x", schema_of("{items: {type: real}}")).ok());
}

TEST_CASE("commits under a schema that changes under them fit the one they met", "[schema][F85]") {
  Engine engine{quiet()};
  const Schema small = schema_of("{type: integer, maximum: 1000000}");
  const Schema large = schema_of("{type: integer}");
  std::jthread changing{[&](const std::stop_token& stop) {
    for (int i = 0; !stop.stop_requested(); ++i)
      engine.set_schema("domain.n", i % 2 == 0 ? small : large).value();
  }};
  for (int i = 0; i < 2000; ++i)
    engine.transaction([](Transaction& transaction) { return transaction.increment("domain.n"); }).value();
  CHECK(at(engine, "domain.n") == Value{2000});
}

TEST_CASE("a schema of a path through a list is refused", "[schema]") {
  Engine engine{quiet()};
  CHECK(engine.set_schema("domain.items[0]", schema_of("{}")).error().code() == Errc::bad_schema);
  CHECK(engine.set_schema(Path{}, schema_of("{}")).error().code() == Errc::bad_schema);
  CHECK(engine.load_schema("/nowhere/context_schema.yaml").error().code() == Errc::bad_schema);
}

}  // namespace
}  // namespace theus

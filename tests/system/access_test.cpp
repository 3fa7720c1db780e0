#include <theus/engine.hpp>
#include <theus/errors.hpp>

#include <catch2/catch.hpp>

namespace theus {
namespace {

std::string rule_of(const Error& error) {
  const Value* rule = error.field("rule");
  return rule == nullptr ? std::string{} : std::string{rule->as_string()};
}

Value read(const Engine& engine, const Path& path) { return engine.state().find(path).value_or(Value{}); }

EngineOptions with_constants() {
  EngineOptions options;
  options.initial = {{"const_max_retries", 3}, {"internal_data", "secret"}, {"global.mode", "fast"}};
  return options;
}

TEST_CASE("what is set when the engine is built is there as version 1, constants included", "[engine][zone]") {
  Engine engine{with_constants()};
  CHECK(engine.version() == 1);
  CHECK(engine.state().data().get<int>("const_max_retries", 0).value() == 3);
  CHECK(rule_of(engine.compare_and_swap(1, {{"const_max_retries", 4}}).error()) == "capability");
  EngineOptions wrong;
  wrong.initial = {{"local.x", 1}};
  CHECK_THROWS_AS(Engine{wrong}, ContractViolationError);
}

TEST_CASE("one process reads a constant and writes data", "[engine][zone]") {
  Engine engine{with_constants()};
  engine
      .register_process({.name = "p",
                         .inputs = {"const_max_retries"},
                         .outputs = {"data_result"},
                         .body = [](Context& ctx) { return ctx.get<int>("const_max_retries") * 2; }})
      .value();
  engine.execute("p").value();
  CHECK(read(engine, "data_result") == Value{6});
}

TEST_CASE("an override given when the engine is built makes a constant writable, and nothing later can",
          "[engine][zone]") {
  EngineOptions options = with_constants();
  options.initial.push_back({"const_data", 1});
  options.access.overrides = {{"const_data", PathAccess::mutable_}};
  Engine engine{options};
  CHECK(engine.compare_and_swap(1, {{"const_data", 2}}).ok());
  CHECK_FALSE(engine.compare_and_swap(1, {{"const_max_retries", 2}}).ok());
}

TEST_CASE("writing the configuration needs a grant, in every door", "[engine][zone]") {
  Engine engine{with_constants()};
  const auto writer = [](std::string name, std::vector<std::string> side_effects) {
    return Process{.name = std::move(name),
                   .outputs = {"global.mode"},
                   .side_effects = std::move(side_effects),
                   .body = [](Context&) { return "slow"; }};
  };
  CHECK(rule_of(engine.register_process(writer("without", {})).error()) == "capability");
  engine.register_process(writer("with", {"write:global"})).value();
  engine.execute("with").value();
  CHECK(read(engine, "global.mode") == Value{"slow"});

  CHECK(rule_of(engine.compare_and_swap(2, {{"global.mode", "a"}}).error()) == "capability");
  CHECK(engine.compare_and_swap(2, {{"global.mode", "a"}}, {.grants = {"global"}}).ok());
  CHECK(rule_of(engine.transaction().value().set("global.mode", "b").error()) == "capability");
  Transaction transaction = engine.transaction({.grants = {"global"}}).value();
  transaction.set("global.mode", "b").value();
  transaction.commit().value();
  CHECK(read(engine, "global.mode") == Value{"b"});
}

TEST_CASE("private data is refused to an ordinary process and shown under admin, which is on record",
          "[engine][zone]") {
  EngineOptions options = with_constants();
  options.access.admin = true;
  Engine engine{options};
  const auto reader = [](std::string name, std::vector<std::string> side_effects, bool asks) {
    return Process{.name = std::move(name),
                   .inputs = {"internal_data"},
                   .outputs = {"domain.seen"},
                   .side_effects = std::move(side_effects),
                   .body = [asks](Context& ctx) {
                     if (asks)
                       ctx.admin("audit of the year");
                     return ctx.get<std::string>("internal_data");
                   }};
  };
  CHECK(rule_of(engine.register_process(reader("ordinary", {}, false)).error()) == "capability");
  engine.register_process(reader("silent", {"admin"}, false)).value();
  CHECK(rule_of(engine.execute("silent").error()) == "capability");
  CHECK(engine.audit_log().empty());

  engine.register_process(reader("auditor", {"admin"}, true)).value();
  CHECK(engine.execute("auditor").value().value == Value{"secret"});
  const auto entries = engine.audit_log();
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].kind == AuditEntry::Kind::elevation);
  CHECK(entries[0].who == "auditor");
  CHECK(entries[0].reason == "audit of the year");
}

TEST_CASE("a transaction under admin writes private data and rewrites logs, but no constants", "[transaction][zone]") {
  EngineOptions options = with_constants();
  options.access.admin = true;
  Engine engine{options};
  engine.compare_and_swap(1, {Write::append("domain.log_lines", "a")}).value();
  Transaction transaction = engine.transaction().value();
  CHECK(rule_of(transaction.find("internal_data").error()) == "capability");
  CHECK(transaction.admin("").error().code() == Errc::bad_argument);
  transaction.admin("cleaning up").value();
  CHECK(transaction.get<std::string>("internal_data").value() == "secret");
  transaction.set("internal_data", "new").value();
  transaction.erase("domain.log_lines").value();
  CHECK(rule_of(transaction.set("const_max_retries", 4).error()) == "capability");
  transaction.commit().value();
  CHECK_FALSE(engine.state().contains("domain.log_lines"));
  CHECK(engine.audit_log().size() == 1);
}

TEST_CASE("without the engine's leave nobody is elevated", "[transaction][zone]") {
  Engine engine{with_constants()};
  CHECK(rule_of(engine.transaction().value().admin("please").error()) == "capability");
  engine.register_process({.name = "p", .side_effects = {"admin"}, .body = [](Context& ctx) { ctx.admin("please"); }})
      .value();
  CHECK(rule_of(engine.execute("p").error()) == "capability");
}

TEST_CASE("a process that reads a parent does not see its private members", "[engine][zone]") {
  EngineOptions options;
  options.initial = {{"domain", Value{{"a", 1}, {"internal_b", 2}}}};
  Engine engine{options};
  engine
      .register_process({.name = "p",
                         .inputs = {"domain"},
                         .outputs = {"copy"},
                         .body = [](Context& ctx) { return ctx.get("domain"); }})
      .value();
  CHECK(engine.execute("p").value().value == Value{{"a", 1}});
}

}  // namespace
}  // namespace theus

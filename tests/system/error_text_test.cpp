#include <theus/engine.hpp>

#include <catch2/catch.hpp>

#include <fstream>
#include <latch>
#include <regex>
#include <sstream>

// What users read when something is refused. Each text must say what, where, why and what to do; a change of one shows
// in error_texts.txt, to be read before it is taken over.

namespace theus {
namespace {

using Situation = std::pair<const char*, std::function<Error(Engine&)>>;

Process process(std::vector<std::string> inputs, std::vector<std::string> outputs, Body body,
                Semantic semantic = Semantic::effect) {
  return {.name = "checkout",
          .inputs = std::move(inputs),
          .outputs = std::move(outputs),
          .semantic = semantic,
          .arguments = {"customer"},
          .body = std::move(body)};
}

/// The error with which a process of that contract and body is refused or ends.
std::function<Error(Engine&)> running(Process wanted, Value arguments = Value::map()) {
  return [=](Engine& engine) {
    const auto registered = engine.register_process(wanted);
    return registered ? engine.execute(wanted.name, arguments).error() : registered.error();
  };
}

std::function<Error(Engine&)> loading(const char* yaml) {
  return [=](Engine&) { return Workflow::parse(yaml, "shop.yaml").error(); };
}

Error nested(Engine& engine) {
  engine.register_process(process({}, {}, [&](Context&) { return Status{engine.execute("checkout").error()}; }))
      .value();
  return engine.execute("checkout").error();
}

Error expired(Engine& engine) {
  std::latch release{1};
  Process slow = process({}, {}, [&](Context&) { release.wait(); });
  slow.timeout = std::chrono::milliseconds{20};
  slow.blocking = true;
  engine.register_process(std::move(slow)).value();
  Error error = engine.execute("checkout").error();
  release.count_down();
  engine.shutdown(std::chrono::seconds{10}).value();
  return error;
}

Error cancelled(Engine& engine) {
  std::stop_source source;
  source.request_stop();
  engine.register_process(process({}, {}, [](Context&) {})).value();
  return engine.execute("checkout", Value::map(), {.cancel = source.get_token()}).error();
}

Error outdated(Engine& engine) {
  engine.compare_and_swap(0, {{"domain.stock", 5}}).value();
  return engine.compare_and_swap(0, {{"domain.stock", 4}}).error();
}

Error closed(Engine& engine) {
  engine.shutdown(std::chrono::seconds{10}).value();
  return engine.execute("checkout").error();
}

Error overloaded(Engine&) {
  Engine narrow{{.in_flight_max = 0}};
  narrow.register_process(process({}, {}, [](Context&) {})).value();
  return narrow.execute("checkout").error();
}

const std::vector<Situation>& situations() {
  static const std::vector<Situation> all{
      {"an undeclared sibling is read", running(process({"domain.a"}, {}, [](Context& ctx) { ctx.get("domain.b"); }))},
      {"an input is written", running(process({"domain.a"}, {}, [](Context& ctx) { ctx.set("domain.a", 1); }))},
      {"a violation is swallowed", running(process({}, {},
                                                   [](Context& ctx) {
                                                     try {
                                                       ctx.set("domain.a", 1);
                                                     } catch (const std::exception&) {
                                                     }
                                                   }))},
      {"a tuple has too few parts", running(process({}, {"domain.a", "domain.b", "domain.c"},
                                                    [](Context&) {
                                                      return std::tuple{1, 2};
                                                    }))},
      {"a scalar is returned for several outputs",
       running(process({}, {"domain.a", "domain.b"}, [](Context&) { return 1; }))},
      {"a leaf is ambiguous", running(process({}, {"domain.a.id", "domain.b.id"},
                                              [](Context&) {
                                                return Returned::named({{"id", 1}});
                                              }))},
      {"a key matches no output", running(process({}, {"domain.total"},
                                                  [](Context&) {
                                                    return Returned::named({{"totl", 1}});
                                                  }))},
      {"a path is written and another value returned", running(process({}, {"domain.a"},
                                                                       [](Context& ctx) {
                                                                         ctx.set("domain.a", 5);
                                                                         return 6;
                                                                       }))},
      {"a pure process emits a signal", running(process(
                                            {}, {}, [](Context& ctx) { ctx.emit("sold"); }, Semantic::pure))},
      {"a pure process declares a signal", running(process(
                                               {"signal.sold"}, {}, [](Context&) {}, Semantic::pure))},
      {"a guide declares an output", running(process(
                                         {}, {"domain.a"}, [](Context&) {}, Semantic::guide))},
      {"an argument is unknown", running(process({}, {}, [](Context&) {}), {{"custmer", 7}})},
      {"an argument is missing", running(process({}, {}, [](Context& ctx) { ctx.argument<std::string>("customer"); }))},
      {"an input is absent", running(process({"domain.a"}, {}, [](Context& ctx) { ctx.get<int>("domain.a"); }))},
      {"a constant is declared as an output", running(process({}, {"const_rate"}, [](Context&) { return 1; }))},
      {"private data is read", running(process({"internal_key"}, {}, [](Context& ctx) { ctx.get("internal_key"); }))},
      {"a log is overwritten",
       [](Engine& engine) { return engine.compare_and_swap(0, {Write::set("log_sales", Value::list())}).error(); }},
      {"global is written without a grant",
       [](Engine& engine) {
         return engine.compare_and_swap(0, {{"global.rate", 1}}).error();
       }},
      {"a body throws",
       running(process({}, {"domain.a"}, [](Context&) -> int { throw std::runtime_error{"the till is jammed"}; }))},
      {"a process is unknown",
       [](Engine& engine) {
         engine.register_process(process({}, {}, [](Context&) {})).value();
         return engine.execute("chekout").error();
       }},
      {"a name is registered twice",
       [](Engine& engine) {
         engine.register_process(process({}, {}, [](Context&) {})).value();
         return engine.register_process(process({}, {}, [](Context&) {})).error();
       }},
      {"an agent is unknown", [](Engine& engine) { return engine.stop_agent("alice").error(); }},
      {"the engine is called from a body", nested},
      {"the deadline passes", expired},
      {"a call is cancelled", cancelled},
      {"a swap is outdated", outdated},
      {"a version is still to come",
       [](Engine& engine) {
         return engine.compare_and_swap(9, {{"domain.a", 1}}).error();
       }},
      {"the engine was shut down", closed},
      {"too much is in flight", overloaded},
      {"a path is malformed", [](Engine&) { return Path::parse("domain..stock").error(); }},
      {"a number is not finite",
       [](Engine& engine) {
         return engine.compare_and_swap(0, {{"domain.a", std::numeric_limits<double>::quiet_NaN()}}).error();
       }},
      {"a value does not fit its schema",
       [](Engine& engine) {
         engine.set_schema("domain.stock", Schema::parse("{type: integer, minimum: 0}").value()).value();
         return engine.compare_and_swap(0, {{"domain.stock", -3}}).error();
       }},
      {"several values do not fit",
       [](Engine& engine) {
         engine
             .set_schema(
                 "domain.customer",
                 Schema::parse("{required: [name], properties: {age: {type: integer}, mail: {pattern: '@'}}}").value())
             .value();
         return engine.compare_and_swap(0, {{"domain.customer", Value{{"age", "old"}, {"mail", "none"}}}}).error();
       }},
      {"live data does not fit a new schema",
       [](Engine& engine) {
         engine.compare_and_swap(0, {{"domain.stock", "many"}}).value();
         return engine.set_schema("domain.stock", Schema::parse("type: integer").value()).error();
       }},
      {"a rule is broken",
       [](Engine& engine) {
         StateSchema schema;
         schema.rule("stock covers orders", Expression::compile("domain.stock >= domain.ordered").value());
         engine.compare_and_swap(0, {{"domain.stock", 5}, {"domain.ordered", 3}}).value();
         engine.set_schema(schema).value();
         return engine.compare_and_swap(engine.version(), {{"domain.ordered", 9}}).error();
       }},
      {"the data is of a later schema",
       [](Engine& engine) {
         engine.set_schema(StateSchema{3}).value();
         return engine.set_schema(StateSchema{2}).error();
       }},
      {"a schema has an unknown keyword",
       [](Engine&) { return Schema::parse("type: integer\nminmum: 3\n", "shop.yaml").error(); }},
      {"a pattern looks around", [](Engine&) { return Schema::parse("pattern: 'a(?=b)'", "shop.yaml").error(); }},
      {"a schema refers to nothing",
       [](Engine&) {
         return StateSchema::parse("paths: {domain.a: {$ref: '#/definitions/mony'}}\ndefinitions: {money: {}}",
                                   "shop.yaml")
             .error();
       }},
      {"a list is appended to a number",
       [](Engine& engine) {
         engine.compare_and_swap(0, {{"domain.a", 1}}).value();
         return engine.compare_and_swap(1, {Write::append("domain.a", 2)}).error();
       }},
      {"a workflow has an unknown key", loading("steps:\n  - process: checkout\n    retires: 3\n")},
      {"a branch is a string", loading("steps:\n  - flux: if\n    condition: true\n    then: checkout\n")},
      {"a condition does not parse",
       loading("steps:\n  - flux: if\n    condition: domain.a >\n    then: [checkout]\n")},
      {"a workflow names an unknown process",
       [](Engine& engine) {
         engine.register_process(process({}, {}, [](Context&) {})).value();
         return engine.check(Workflow::parse("steps: [chekout]\n", "shop.yaml").value()).error();
       }},
      {"a loop never ends",
       [](Engine& engine) {
         engine.register_process(process({}, {}, [](Context&) {})).value();
         const char* yaml = "steps:\n  - flux: while\n    condition: true\n    do: [checkout]\n";
         return engine.execute_workflow(Workflow::parse(yaml, "shop.yaml").value()).error();
       }},
  };
  return all;
}

std::string texts() {
  const std::regex own_line{"error_text_test\\.cpp:[0-9]+"};
  std::ostringstream all;
  for (const auto& [situation, provoke] : situations()) {
    Engine engine{{.log = [](const LogEntry&) {}}};
    all << "# " << situation << '\n'
        << std::regex_replace(provoke(engine).text(), own_line, "checkout.cpp:LINE") << "\n\n";
  }
  return all.str();
}

std::string recorded() {
  std::ifstream file{THEUS_SOURCE_DIR "/tests/system/error_texts.txt"};
  return {std::istreambuf_iterator<char>{file}, {}};
}

TEST_CASE("errors read as recorded", "[error_text][F82]") {
  const std::string now = texts();
  if (now != recorded())
    std::ofstream{THEUS_BINARY_DIR "/error_texts.txt"} << now;  // for a look at the difference
  CHECK(now == recorded());
}

TEST_CASE("errors say where, why and what to do", "[error_text]") {
  for (const auto& [situation, provoke] : situations()) {
    INFO(situation);
    Engine engine{{.log = [](const LogEntry&) {}}};
    const Error error = provoke(engine);
    CHECK_FALSE(error.where().empty());
    CHECK_FALSE(error.cause().empty());
    CHECK_FALSE(error.remedy().empty());
  }
}

}  // namespace
}  // namespace theus

#include "runtime/workflow_cursor.hpp"

#include "tests/runtime/workflow_fixture.hpp"

#include <catch2/catch.hpp>

#include <functional>
#include <random>

namespace theus {
namespace {

using testing::findings_of;
using testing::Folder;
using testing::MapState;

/// Runs a workflow against a state: records each action as a word and does what a driver would.
class Driver {
public:
  explicit Driver(std::string_view text) : Driver(Workflow::parse(text, "flow.yaml").value()) {}
  explicit Driver(const Workflow& workflow) : cursor(workflow) {}

  /// Called for each process with the state, before the next step.
  std::function<void(const RunProcess&, MapState&)> body = [](const RunProcess&, MapState&) {};

  /// The words of all actions, or the error that ended the run.
  Result<std::vector<std::string>> run() {
    while (true) {
      auto action = cursor.next(state);
      if (!action)
        return action.error();
      if (std::holds_alternative<Finished>(*action))
        return words;
      if (const auto* process = std::get_if<RunProcess>(&*action)) {
        words.push_back(process->process);
        body(*process, state);
      } else if (const auto* set = std::get_if<SetValues>(&*action)) {
        for (const auto& [path, value] : set->values)
          state.values[path.text()] = value;
        words.emplace_back("set");
      } else if (const auto* emit = std::get_if<Emit>(&*action)) {
        words.push_back("emit " + emit->signal);
      } else {
        words.push_back("round " + std::get<Round>(*action).agents);
      }
    }
  }

  MapState state;
  WorkflowCursor cursor;
  std::vector<std::string> words;
};

using Words = std::vector<std::string>;

void increment(MapState& state, const std::string& path) { state.values[path] = state.values[path].as_int() + 1; }

TEST_CASE("nested ifs choose among big, medium and small", "[workflow_cursor]") {
  const auto chosen = [](std::int64_t x) {
    Driver driver{R"(
steps:
  - flux: if
    condition: domain.x > 10
    then: [big]
    else:
      - flux: if
        condition: domain.x > 5
        then: [medium]
        else: [small]
)"};
    driver.state.values["domain.x"] = x;
    return driver.run().value();
  };
  CHECK(chosen(15) == Words{"big"});
  CHECK(chosen(7) == Words{"medium"});
  CHECK(chosen(2) == Words{"small"});
}

TEST_CASE("an empty or absent branch passes on", "[workflow_cursor]") {
  Driver driver{
      "steps:\n  - {flux: if, condition: true, then: []}\n  - {flux: if, condition: false, then: [a]}\n  - b\n"};
  CHECK(driver.run().value() == Words{"b"});
}

TEST_CASE("a loop runs its steps in order, turn by turn", "[workflow_cursor]") {
  const char* text = "steps: [before, {flux: while, condition: domain.i < domain.n, do: [a, b, count]}, after]\n";
  Driver twice{text};
  twice.state.values = {{"domain.i", 0}, {"domain.n", 2}};
  twice.body = [](const RunProcess& process, MapState& state) {
    if (process.process == "count")
      increment(state, "domain.i");
  };
  CHECK(twice.run().value() == Words{"before", "a", "b", "count", "a", "b", "count", "after"});
  // before, while, two turns of three steps, after
  CHECK(twice.cursor.operations() == 1 + 1 + 2 * (1 + 3) + 1);

  Driver never{text};
  never.state.values = {{"domain.i", 0}, {"domain.n", 0}};
  CHECK(never.run().value() == Words{"before", "after"});
}

TEST_CASE("a loop variable erased inside the loop is an error that names condition and path", "[workflow_cursor]") {
  Driver driver{"steps:\n  - flux: while\n    name: the loop\n    condition: domain.i < 3\n    do: [a]\n"};
  driver.state.values["domain.i"] = 0;
  driver.body = [](const RunProcess&, MapState& state) { state.values.erase("domain.i"); };
  const Error error = driver.run().error();
  CHECK(error.code() == Errc::bad_expression);
  CHECK(error.field("path")->as_string() == "domain.i");
  CHECK(error.field("expression")->as_string() == "domain.i < 3");
  CHECK(error.field("step")->as_string() == "the loop");
  CHECK(error.field("line")->as_int() == 2);
  CHECK(error.where() == "flow.yaml:4:25");
  CHECK(driver.words == Words{"a"});
  CHECK(driver.cursor.next(driver.state).error().code() == Errc::bad_expression);
}

TEST_CASE("a signal that was never sent is not true", "[workflow_cursor]") {
  const auto chosen = [](const std::function<void(MapState&)>& prepare) {
    Driver driver{"steps: [{flux: if, condition: signal.cmd_stop == true, then: [stop], else: [go]}]"};
    prepare(driver.state);
    return driver.run().value();
  };
  CHECK(chosen([](MapState& state) { state.values["signal.cmd_stop"] = true; }) == Words{"stop"});
  CHECK(chosen([](MapState& state) { state.values["signal.cmd_stop"] = false; }) == Words{"go"});
  CHECK(chosen([](MapState&) {}) == Words{"go"});
}

TEST_CASE("an empty workflow is finished at once and stays so", "[workflow_cursor]") {
  Driver driver{"steps: []"};
  CHECK(driver.run().value().empty());
  CHECK(driver.run().value().empty());
  CHECK(driver.cursor.operations() == 0);
}

TEST_CASE("an endless loop is stopped by the limit, which names it", "[workflow_cursor][F69]") {
  Driver driver{R"(
limits: {max_ops: 50}
steps:
  - first
  - flux: while
    name: outer
    condition: true
    do:
      - flux: while
        name: inner
        condition: domain.go
        do: [a, b]
)"};
  driver.state.values["domain.go"] = true;
  const Error error = driver.run().error();
  CHECK(error.code() == Errc::safety_trip);
  CHECK(error.field("step")->as_string() == "inner");
  CHECK(error.field("line")->as_int() == 9);
  CHECK(error.field("limit")->as_int() == 50);
  CHECK(error.field("count")->as_int() == 51);
  CHECK(driver.words.size() > 20);  // what was done before stays done
}

TEST_CASE("a loop without steps is stopped as well", "[workflow_cursor][F69]") {
  Driver driver{"steps: [{flux: while, condition: true, do: []}]"};
  CHECK(driver.run().error().code() == Errc::safety_trip);
}

TEST_CASE("arguments, payloads and values are computed from the state before the step", "[workflow_cursor]") {
  const auto workflow = Workflow::parse(R"(
steps:
  - process: enrich
    args: {limit: "${domain.limit}", text: "n=${domain.limit}, ${domain.ratio} $${x}", list: [1, "${domain.limit + 1}"], flag: true}
    retry: {attempts: 3}
    timeout: 2s
  - flux: set
    values: {domain.a: "${domain.b}", domain.b: "${domain.a}", local.n: "${domain.a}"}
  - flux: emit
    signal: done
    payload: {n: "${local.n}", items: "${domain.items}"}
)",
                                        "flow.yaml")
                            .value();
  MapState state;
  state.values = {{"domain.limit", 5},
                  {"domain.ratio", 2.0},
                  {"domain.a", "A"},
                  {"domain.b", "B"},
                  {"domain.items", Value::list({1, 2})}};
  WorkflowCursor cursor{workflow};

  const auto first = std::get<RunProcess>(cursor.next(state).value());
  CHECK(first.arguments ==
        Value{{"limit", 5}, {"text", "n=5, 2.0 ${x}"}, {"list", Value::list({1, 6})}, {"flag", true}});
  CHECK(first.attempts == 3);
  CHECK(first.backoff == std::chrono::milliseconds{50});
  CHECK(first.timeout == std::chrono::seconds{2});
  CHECK(first.step.label == "enrich");
  CHECK(first.step.at.line == 3);

  const auto second = std::get<SetValues>(cursor.next(state).value());
  REQUIRE(second.values.size() == 2);
  CHECK(second.values[0].second == Value{"B"});
  CHECK(second.values[1].second == Value{"A"});

  const auto third = std::get<Emit>(cursor.next(state).value());
  CHECK(third.payload == Value{{"n", "A"}, {"items", Value::list({1, 2})}});
  CHECK(std::holds_alternative<Finished>(cursor.next(state).value()));
}

TEST_CASE("an expression in an argument that fails names step and path", "[workflow_cursor]") {
  Driver driver{"steps:\n  - process: enrich\n    args: {limit: \"at ${domain.limit}\"}\n"};
  const Error error = driver.run().error();
  CHECK(error.field("path")->as_string() == "domain.limit");
  CHECK(error.field("step")->as_string() == "enrich");
  CHECK(findings_of(error) == Words{"3:25 the path domain.limit is absent in the expression \"domain.limit\""});
}

TEST_CASE("locals belong to one run and never reach the state", "[workflow_cursor]") {
  const auto workflow = Workflow::parse(R"(
steps:
  - {flux: set, values: {local.i: 0, local.deep.x: 1}}
  - flux: while
    condition: local.i < 3
    do:
      - a
      - {flux: set, values: {local.i: "${local.i + 1}"}}
)",
                                        "flow.yaml")
                            .value();
  Driver one{workflow};
  Driver two{workflow};
  CHECK(one.run().value() == Words{"a", "a", "a"});
  CHECK(one.state.values.empty());
  CHECK(one.cursor.locals() == Value{{"i", 3}, {"deep", Value{{"x", 1}}}});
  CHECK(two.cursor.locals() == Value::map());
  CHECK(two.run().value() == Words{"a", "a", "a"});
}

TEST_CASE("a local cannot stand below a value that holds nothing", "[workflow_cursor]") {
  Driver driver{"steps:\n  - {flux: set, values: {local.a: 1}}\n  - {flux: set, values: {local.a.b: 2}}\n"};
  const Error error = driver.run().error();
  CHECK(error.field("line")->as_int() == 3);
}

TEST_CASE("a round is repeated as often as it says", "[workflow_cursor]") {
  Driver driver{"steps: [{round: {agents: member_*, times: 3}}, {round: {agents: mayor}}, a]"};
  CHECK(driver.run().value() == Words{"round member_*", "round member_*", "round member_*", "round mayor", "a"});
  CHECK(driver.cursor.operations() == 5);
}

TEST_CASE("the steps of a called file run in its place and carry its name", "[workflow_cursor]") {
  const Folder folder;
  folder.write("part.yaml", "steps: [x, {flux: if, condition: domain.missing > 1, then: []}]\n");
  const auto main = folder.write("main.yaml", "steps: [a, {call: part.yaml}, b]\n");
  Driver driver{Workflow::load(main).value()};
  const Error error = driver.run().error();
  CHECK(driver.words == Words{"a", "x"});
  CHECK(error.field("file")->as_string() == (folder.path() / "part.yaml").string());
  driver = Driver{Workflow::load(main).value()};
  driver.state.values["domain.missing"] = 2;
  CHECK(driver.run().value() == Words{"a", "x", "b"});
}

TEST_CASE("calls that multiply stop at the limit of operations", "[workflow_cursor][F68][F69]") {
  const Folder folder;
  for (int i = 0; i < 40; ++i) {
    const std::string next = "{call: f" + std::to_string(i + 1) + ".yaml}";
    folder.write("f" + std::to_string(i) + ".yaml", "steps: [" + next + ", " + next + "]\n");
  }
  folder.write("f40.yaml", "steps: [a]\n");
  Driver driver{Workflow::load(folder.path() / "f0.yaml").value()};
  CHECK_FALSE(driver.cursor.progress().total.has_value());
  CHECK(driver.run().error().code() == Errc::safety_trip);
}

TEST_CASE("progress counts steps and knows their number when nothing loops", "[workflow_cursor]") {
  const auto workflow =
      Workflow::parse(
          "steps:\n  - a\n  - {flux: if, condition: domain.x, then: [b, c], else: [d]}\n  - {process: e, name: last}\n",
          "f")
          .value();
  MapState state;
  state.values["domain.x"] = false;
  WorkflowCursor cursor{workflow};
  CHECK(cursor.progress().done == 0);
  CHECK(cursor.progress().total == 6U);
  CHECK(cursor.progress().step.empty());
  REQUIRE(cursor.next(state).ok());
  CHECK(cursor.progress().done == 0);
  CHECK(cursor.progress().step == "a");
  REQUIRE(cursor.next(state).ok());
  CHECK(cursor.progress().done == 2);
  CHECK(cursor.progress().total == 4U);
  CHECK(cursor.progress().step == "d");
  REQUIRE(cursor.next(state).ok());
  CHECK(cursor.progress().step == "last");
  REQUIRE(cursor.next(state).ok());
  CHECK(cursor.progress().done == 4);
  CHECK(cursor.progress().step.empty());

  CHECK_FALSE(WorkflowCursor{Workflow::parse("steps: [{flux: while, condition: domain.x, do: []}]", "f").value()}
                  .progress()
                  .total.has_value());
}

}  // namespace
}  // namespace theus

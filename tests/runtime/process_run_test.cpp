#include "runtime/process_run.hpp"
#include "tests/support/execution_stage.hpp"

#include <theus/pipeline.hpp>

#include <catch2/catch.hpp>

namespace theus {
namespace {

using testing::ExecutionStage;
using testing::rule_of;

Result<ExecutionResult> run(ExecutionStage& stage, const Process& process, std::uint64_t number = 1) {
  ExecutionStart start{std::make_shared<Contract>(
                           Contract::compile(process.name, process.inputs, process.outputs, process.semantic).value()),
                       stage.turn.snapshot()};
  start.random = random_stream(0, process.name, number);
  return run_process(process, start);
}

TEST_CASE("a process that declares its errors cannot end with another one", "[process_run]") {
  ExecutionStage stage;
  Process process{.name = "p", .errors = {Errc::bad_input}};
  process.body = [](Context&) -> Status { return Error{Errc::bad_input, "row 3", "no number"}; };
  CHECK(run(stage, process).error().code() == Errc::bad_input);
  process.body = [](Context&) -> Status { return Error{Errc::too_large, "row 3", "no room"}; };
  const Error undeclared = run(stage, process).error();
  CHECK(undeclared.code() == Errc::process_failed);
  CHECK(*undeclared.field("undeclared") == Value{"too_large"});
  CHECK(undeclared.text().find("no room") != std::string::npos);
  process.body = [](Context& ctx) { ctx.get("domain.secret"); };
  CHECK(rule_of(run(stage, process).error()) == "illegal_read");
}

TEST_CASE("a pure process that gives two results for the same inputs is found out", "[process_run]") {
  ExecutionStage stage{{{"domain.x", 1}}};
  Process process{.name = "p", .inputs = {"domain.x"}, .outputs = {"domain.y"}, .semantic = Semantic::pure};
  process.verify_pure = true;
  int runs = 0;
  process.body = [](Context& ctx) { return ctx.get<int>("domain.x") + 1; };
  CHECK(run(stage, process).value().value == Value{2});
  process.body = [&](Context&) { return ++runs; };
  CHECK(rule_of(run(stage, process).error()) == "pure_effect");
  process.body = [&](Context& ctx) { ctx.set("domain.y", ++runs); };
  CHECK(rule_of(run(stage, process).error()) == "pure_effect");
  process.body = [&](Context&) {
    if (++runs % 2 == 0)
      throw std::runtime_error{"every second time"};
  };
  CHECK(rule_of(run(stage, process).error()) == "pure_effect");
  // Time and random numbers of the Context are the same for both runs.
  process.body = [](Context& ctx) { return static_cast<double>(ctx.random().between(0, 1'000'000)); };
  CHECK(run(stage, process).ok());
}

TEST_CASE("random numbers of a body depend on seed, name and number of the execution alone", "[process_run]") {
  ExecutionStage stage;
  Process process{.name = "p", .outputs = {"domain.y"}};
  process.body = [](Context& ctx) { return ctx.random().between(0, 1'000'000'000); };
  const Value first = run(stage, process, 1).value().value;
  CHECK(run(stage, process, 1).value().value == first);
  CHECK(run(stage, process, 2).value().value != first);
  process.name = "q";
  CHECK(run(stage, process, 1).value().value != first);
}

TEST_CASE("a pipeline passes each stage what the one before returned", "[pipeline]") {
  ExecutionStage stage{{{"domain.x", 20}}};
  Process process{.name = "p", .inputs = {"domain.x"}, .outputs = {"domain.y"}};
  process.body =
      pipeline([](Context& ctx) { return ctx.get<int>("domain.x"); }, [](int x) { return Result<int>{x + 1}; },
               Stage{"double", [](Context& ctx, int x) { return x * 2 + (ctx.contains("domain.x") ? 0 : 1); }});
  CHECK(run(stage, process).value().value == Value{42});
  process.body = pipeline([](Context& ctx) { ctx.set("domain.y", 1); }, [] { return Output::unchanged(); });
  CHECK(run(stage, process).value().proposal.writes.size() == 1);
}

TEST_CASE("the stage of a pipeline that failed is named, however it failed", "[pipeline]") {
  ExecutionStage stage;
  Process process{.name = "p", .outputs = {"domain.y"}};
  const auto failing = [&](auto function) {
    process.body = pipeline([] { return 1; }, Stage{"second", function}, [](int x) { return x; });
    return run(stage, process).error();
  };
  for (const Error& error :
       {failing([](int) -> int { throw std::runtime_error{"no"}; }), failing([](int) -> Result<int> {
          return Error{Errc::bad_input, "here", "no"};
        }),
        failing([](Context& ctx, int) { return ctx.get<int>("domain.secret"); })}) {
    INFO(error.text());
    CHECK(*error.field("stage") == Value{"second"});
    CHECK(error.text().find("stage 'second'") != std::string::npos);
  }
}

}  // namespace
}  // namespace theus

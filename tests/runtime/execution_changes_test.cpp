#include "tests/support/execution_stage.hpp"

#include <theus/fields.hpp>

#include <catch2/catch.hpp>

#include <map>

namespace theus {
namespace {

using testing::ExecutionStage;
using testing::process;
using testing::refusal;
using testing::rule_of;
using Strings = std::vector<std::string>;

TEST_CASE("a path written through the Context and returned differently is a violation", "[execution]") {
  ExecutionStage stage;
  const auto returning = [](int value) {
    return process({}, {"domain.x"}, [=](Context& ctx) {
      ctx.set("domain.x", 5);
      return value;
    });
  };
  CHECK(rule_of(refusal(stage, returning(6))) == "illegal_write");
  CHECK(stage.execute(returning(5)).ok());
  CHECK(stage.at("domain.x") == Value{5});
}

TEST_CASE("null, erase and unchanged reach the state as three different things", "[execution]") {
  ExecutionStage stage{{{"domain.a", 1}, {"domain.b", 1}, {"domain.c", 1}}};
  stage
      .execute(process({}, {"domain.a", "domain.b", "domain.c"},
                       [](Context&) {
                         return std::tuple{Value{}, Output::erase(), Output::unchanged()};
                       }))
      .value();
  CHECK(stage.everything() == Value{{"domain", Value{{"a", nullptr}, {"c", 1}}}});
}

TEST_CASE("deep outputs leave their untouched siblings as they are", "[execution]") {
  ExecutionStage stage{
      {{"domain.sub", Value{{"key", 1}, {"other", 2}}}, {"domain.sibling", Value{{"flag", false}, {"x", 3}}}}};
  stage.execute(process({}, {"domain.sub.key", "domain.sibling.flag"},
                        [](Context&) {
                          return std::tuple{9, true};
                        }))
      .value();
  CHECK(stage.at("domain") ==
        Value{{"sub", Value{{"key", 9}, {"other", 2}}}, {"sibling", Value{{"flag", true}, {"x", 3}}}});
}

struct ThreeOutputs {
  int a;
  std::string b;
  std::vector<int> c;
};
THEUS_FIELDS(ThreeOutputs, a, b, c)

TEST_CASE("a tuple, a struct, a map by paths and a map by last segments commit the same", "[execution]") {
  const std::vector<Body> bodies{
      [](Context&) {
        return ThreeOutputs{1, "two", {3}};
      },
      [](Context&) {
        return std::tuple{1, "two", Value::list({3})};
      },
      [](Context&) {
        return Value{{"domain.a", 1}, {"domain.b", "two"}, {"domain.c", Value::list({3})}};
      },
      [](Context&) {
        return Value{{"a", 1}, {"b", "two"}, {"c", Value::list({3})}};
      },
      [](Context&) {
        return std::map<std::string, Value>{{"a", 1}, {"b", "two"}, {"c", Value::list({3})}};
      },
  };
  for (const Body& body : bodies) {
    ExecutionStage stage;
    stage.execute(process({}, {"domain.a", "domain.b", "domain.c"}, body)).value();
    CHECK(stage.at("domain") == Value{{"a", 1}, {"b", "two"}, {"c", Value::list({3})}});
  }
}

TEST_CASE("a list returned for a field that held an empty one is committed", "[execution]") {
  ExecutionStage stage{{{"domain.rows", Value::list()}}};
  stage.execute(process({}, {"domain.rows"}, [](Context&) { return std::vector<int>{1, 2}; })).value();
  CHECK(stage.at("domain.rows") == Value::list({1, 2}));
}

TEST_CASE("unchanged content is no change: the version stays", "[execution]") {
  ExecutionStage stage{{{"domain.rows", Value::list({Value{{"tags", Value::list({1})}}})}, {"domain.other", 1}}};
  const auto rewrites =
      process({"domain.rows"}, {"domain.rows"}, [](Context& ctx) { ctx.set("domain.rows", ctx.get("domain.rows")); });
  CHECK(stage.execute(rewrites).value() == 1);
  const auto result = stage.run(rewrites).value();
  CHECK(result.proposal.writes.empty());
  stage.commit({{"domain.other", 2}}).value();
  CHECK(stage.turn.commit(result.proposal.view()).ok());
}

TEST_CASE("a write that changes nothing still depends on what it found", "[execution]") {
  ExecutionStage stage{{{"domain.x", 5}}};
  const auto result = stage.run(process({}, {"domain.x", "domain.y"},
                                        [](Context&) {
                                          return std::tuple{5, 1};
                                        }))
                          .value();
  stage.commit({{"domain.x", 6}}).value();
  // Without the dependence the state would become x = 6, y = 1, though this execution set x to 5 along with y.
  CHECK(stage.turn.commit(result.proposal.view()).error().code() == Errc::version_mismatch);
}

TEST_CASE("a move takes the value away from one place and to the other", "[execution]") {
  ExecutionStage stage{{{"domain.from", Value{{"deep", Value::list({1})}}}, {"domain.to", 0}}};
  const auto moves = [](Path from, Path to) {
    return process({}, {"domain"}, [=](Context& ctx) { ctx.move(from, to); });
  };
  stage.execute(moves("domain.from", "domain.to")).value();
  CHECK(stage.at("domain") == Value{{"to", Value{{"deep", Value::list({1})}}}});
  stage.execute(moves("domain.to", "domain.to.nested")).value();
  CHECK(stage.at("domain") == Value{{"to", Value{{"nested", Value{{"deep", Value::list({1})}}}}}});
  stage.execute(moves("domain.to.nested", "domain.to")).value();
  CHECK(stage.at("domain") == Value{{"to", Value{{"deep", Value::list({1})}}}});
  CHECK(refusal(stage, moves("domain.absent", "domain.to")).code() == Errc::bad_argument);
}

TEST_CASE("a move needs the right to write on both ends and reads what it moves", "[execution]") {
  ExecutionStage stage{{{"domain.a", 1}, {"domain.b", 2}}};
  const auto moves = [](Strings inputs, Strings outputs) {
    return process(std::move(inputs), std::move(outputs), [](Context& ctx) { ctx.move("domain.a", "domain.b"); });
  };
  CHECK(rule_of(refusal(stage, moves({"domain.a"}, {"domain.b"}))) == "illegal_write");
  CHECK(rule_of(refusal(stage, moves({}, {"domain.a"}))) == "illegal_write");
  const auto result = stage.run(moves({}, {"domain.a", "domain.b"})).value();
  stage.commit({{"domain.a", 9}}).value();
  CHECK(stage.turn.commit(result.proposal.view()).error().code() == Errc::version_mismatch);
}

TEST_CASE("commutative operations of one version all commit without a conflict", "[execution]") {
  ExecutionStage stage{{{"domain.n", 0}, {"domain.list", Value::list()}}};
  const auto adds = process({}, {"domain.n", "domain.list"}, [](Context& ctx) {
    ctx.increment("domain.n");
    ctx.append("domain.list", "x");
  });
  std::vector<ExecutionResult> results;
  for (int i = 0; i < 5; ++i)
    results.push_back(stage.run(adds).value());
  for (const ExecutionResult& result : results)
    stage.turn.commit(result.proposal.view()).value();
  CHECK(stage.at("domain.n") == Value{5});
  CHECK(stage.at("domain.list").size() == 5);
}

TEST_CASE("an operation that was read back conflicts as a read does", "[execution]") {
  ExecutionStage stage{{{"domain.n", 0}}};
  const auto result = stage
                          .run(process({}, {"domain.n", "domain.seen"},
                                       [](Context& ctx) {
                                         ctx.increment("domain.n");
                                         ctx.set("domain.seen", ctx.get("domain.n"));
                                       }))
                          .value();
  stage.commit({Write::increment("domain.n", 1)}).value();
  CHECK(stage.turn.commit(result.proposal.view()).error().code() == Errc::version_mismatch);
}

}  // namespace
}  // namespace theus

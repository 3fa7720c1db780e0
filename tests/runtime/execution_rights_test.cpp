#include "tests/support/execution_stage.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using testing::ExecutionStage;
using testing::process;
using testing::refusal;
using testing::rule_of;
using Strings = std::vector<std::string>;

TEST_CASE("reading an undeclared sibling is a violation that names what is declared", "[execution][F82]") {
  ExecutionStage stage{{{"domain.user.profile.name", "a"}, {"domain.user.email", "e"}}};
  const Error error = refusal(stage, process({"domain.user.profile"}, {"domain.x"}, [](Context& ctx) {
                                ctx.set("domain.x", 1);
                                return ctx.get("domain.user.email");
                              }));
  CHECK(rule_of(error) == "illegal_read");
  CHECK(error.cause().find("domain.user.profile") != std::string::npos);
}

TEST_CASE("changing an input is a violation, by whatever operation", "[execution][F82]") {
  ExecutionStage stage{{{"domain.list", Value::list({1})}, {"domain.user.profile.name", "a"}}};
  const std::vector<Write> attempts{Write::append("domain.list", 2),
                                    Write::set("domain.list", 1),
                                    Write::erase("domain.list"),
                                    Write::insert("domain.list", 2),
                                    Write::set("domain.list[0]", 2),
                                    Write::splice("domain.list", 0, 1, Value::list()),
                                    Write::increment("domain.list", 1),
                                    Write::max("domain.list", 1),
                                    Write::set("domain.user.profile.name", "b")};
  for (const auto semantic : {Semantic::effect, Semantic::pure})
    for (const Write& attempt : attempts) {
      INFO(to_string(attempt.kind) << " " << attempt.path.text());
      const Error error = refusal(stage, process(
                                             {"domain.list", "domain.user.profile"}, {"domain.x"},
                                             [&](Context& ctx) { ctx.write(attempt); }, semantic));
      CHECK(rule_of(error) == "illegal_write");
      CHECK(*error.field("path") == Value{attempt.path.text()});
    }
}

TEST_CASE("values that a body obtains are its own: changing them changes no state", "[execution]") {
  ExecutionStage stage{{{"domain.rows", Value::list({Value{{"tags", Value::list({1})}}})}}};
  const Value before = stage.everything();
  const auto result = stage.run(process({"domain.rows"}, {"domain.x"}, [](Context& ctx) {
    Value rows = ctx.get("domain.rows");
    Value row = rows[0];
    row.set("tags", Value::list());
    rows.push_back(row);
    return static_cast<int>(ctx.get("domain.rows").size());
  }));
  CHECK(result.value().value == Value{1});
  CHECK(stage.everything() == before);
}

TEST_CASE("below a declared output everything may be written", "[execution]") {
  ExecutionStage stage{{{"domain.user", Value{{"name", "a"}, {"tags", Value::list()}}}}};
  stage
      .execute(process({}, {"domain.user"},
                       [](Context& ctx) {
                         ctx.set("domain.user.name", "b");
                         ctx.set("domain.user.phone", 1);
                         ctx.set("domain.user.address.city.name", "c");
                         ctx.append("domain.user.tags", "t");
                       }))
      .value();
  CHECK(stage.at("domain.user") == Value{{"name", "b"},
                                         {"phone", 1},
                                         {"address", Value{{"city", Value{{"name", "c"}}}}},
                                         {"tags", Value::list({"t"})}});
}

TEST_CASE("a parent of declared children shows these and nothing else", "[execution]") {
  ExecutionStage stage{
      {{"domain.user", Value{{"name", "a"}, {"email", "e"}, {"age", 3}}}, {"domain.secret", 1}, {"top", 1}}};
  const auto shown = [&](Strings inputs, const Path& path) {
    return stage.run(process(std::move(inputs), {}, [&](Context& ctx) { return ctx.find(path).value_or("nothing"); }))
        .value()
        .value;
  };
  CHECK(shown({"domain.user.name", "domain.user.age"}, "domain.user") == Value{{"name", "a"}, {"age", 3}});
  CHECK(shown({"domain.user.name"}, "domain") == Value{{"user", Value{{"name", "a"}}}});
  CHECK(shown({"domain.user.name", "top"}, "") == Value{{"domain", Value{{"user", Value{{"name", "a"}}}}}, {"top", 1}});
  CHECK(shown({"domain.*.name"}, "domain") == Value{{"user", Value{{"name", "a"}}}});
  CHECK(shown({"domain.**.name"}, "domain") == Value{{"user", Value{{"name", "a"}}}});
  CHECK(shown({"domain.**.name", "domain.user.age"}, "domain") == Value{{"user", Value{{"name", "a"}, {"age", 3}}}});
  CHECK(shown({"**.age"}, "") == Value{{"domain", Value{{"user", Value{{"age", 3}}}}}});
  CHECK(shown({"domain.user.phone"}, "domain") == "nothing");
  CHECK(shown({"domain.**.name"}, "domain.user") == Value{{"name", "a"}});
  CHECK(shown({"domain.**.name"}, "domain.user.email.deep.down") == "nothing");
  CHECK(shown({"**.user.name"}, "domain") == Value{{"user", Value{{"name", "a"}}}});
  CHECK(shown({"**.user.name"}, "domain.user") == Value{{"name", "a"}});
  CHECK(shown({"domain.secret.**"}, "domain") == Value{{"secret", 1}});
  CHECK(shown({"domain.**"}, "domain") ==
        Value{{"user", Value{{"name", "a"}, {"email", "e"}, {"age", 3}}}, {"secret", 1}});
}

TEST_CASE("a parent shows own writes to its declared children", "[execution]") {
  ExecutionStage stage{{{"domain.user", Value{{"name", "a"}, {"email", "e"}}}}};
  const auto result = stage.run(process({}, {"domain.user.name", "domain.user.phone"}, [](Context& ctx) {
    ctx.set("domain.user.phone", 5);
    ctx.erase("domain.user.name");
    return Returned{Value{{"domain.user.phone", ctx.get("domain.user")}}};
  }));
  CHECK_FALSE(result.ok());  // another value for a path that was written
  stage
      .execute(process({}, {"domain.user.name", "domain.user.phone", "domain.seen"},
                       [](Context& ctx) {
                         ctx.set("domain.user.phone", 5);
                         ctx.erase("domain.user.name");
                         ctx.set("domain.seen", ctx.get("domain.user"));
                       }))
      .value();
  CHECK(stage.at("domain.seen") == Value{{"phone", 5}});
  CHECK(stage.at("domain.user") == Value{{"email", "e"}, {"phone", 5}});
}

TEST_CASE("of a list of which single elements are declared, only these can be read", "[execution]") {
  ExecutionStage stage{{{"domain.rows", Value::list({Value{{"a", 1}}, Value{{"a", 2}}})}}};
  const Strings inputs{"domain.rows[0].a"};
  CHECK(stage.run(process(inputs, {}, [](Context& ctx) { return ctx.get("domain.rows[0].a"); })).value().value ==
        Value{1});
  for (const char* path : {"domain.rows[1].a", "domain.rows[1]", "domain.rows"}) {
    INFO(path);
    CHECK(rule_of(stage.run(process(inputs, {}, [&](Context& ctx) { return ctx.get(path); }))) == "illegal_read");
  }
}

TEST_CASE("what a parent shows is part of what must not change", "[execution]") {
  ExecutionStage stage{{{"domain.a.name", "x"}, {"domain.a.email", "e"}, {"domain.b.email", "e"}}};
  const auto result = stage
                          .run(process({"domain.*.name"}, {"count"},
                                       [](Context& ctx) { return static_cast<int>(ctx.get("domain").size()); }))
                          .value();
  CHECK(result.value == Value{1});
  stage.commit({{"domain.b.name", "y"}}).value();
  CHECK(stage.turn.commit(result.proposal.view()).error().code() == Errc::version_mismatch);
}

TEST_CASE("an internal path is an error to read, even inside a parent that is granted", "[execution][zone]") {
  ExecutionStage stage{{{"domain.a", 1}}};
  CHECK(rule_of(refusal(stage, process({"domain"}, {},
                                       [](Context& ctx) { return ctx.get("domain.internal_data"); }))) == "capability");
}

TEST_CASE("a log zone below an output takes appends only", "[execution][zone]") {
  ExecutionStage stage;
  const auto writes = [&](Write write) {
    return process({}, {"domain.log_history"}, [=](Context& ctx) { ctx.write(write); });
  };
  CHECK(stage.execute(writes(Write::append("domain.log_history", "line"))).ok());
  CHECK(rule_of(refusal(stage, writes(Write::set("domain.log_history", Value::list())))) == "capability");
  CHECK(rule_of(refusal(stage, writes(Write::erase("domain.log_history")))) == "capability");
  CHECK(stage.at("domain.log_history") == Value::list({"line"}));
}

TEST_CASE("reading the same paths again and again keeps the read set small", "[execution]") {
  std::vector<Write> rows;
  for (int i = 0; i < 100; ++i)
    rows.push_back({Path{"domain.rows"}.key("r" + std::to_string(i)), i});
  ExecutionStage stage{rows};
  const auto result = stage.run(process({"domain.rows"}, {}, [&](Context& ctx) {
    for (int turn = 0; turn < 100; ++turn)
      for (const Write& row : rows)
        ctx.get(row.path);
  }));
  CHECK(result.value().proposal.reads.size() < 5'000);
}

}  // namespace
}  // namespace theus

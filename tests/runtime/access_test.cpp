#include "runtime/access.hpp"

#include "runtime/commit_turn.hpp"
#include "tests/support/execution_stage.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using testing::rule_of;

const Standing elevated{.is_elevated = true};

struct Case {
  const char* path;
  Rights ordinary;
  Rights with_admin;
};

TEST_CASE("each zone has its ceiling, and admin lifts all but that of constants", "[access][zone]") {
  const auto& table = *AccessTable::standard();
  const Rights kept = Rights::read | Rights::append;
  const Rights resent = kept | Rights::update;
  for (const Case& each : {
           Case{"domain.a", Rights::all, Rights::all},
           Case{"counter", Rights::all, Rights::all},
           Case{"signal.cmd_stop", resent, Rights::all},
           Case{"domain.cmd_stop", resent, Rights::all},
           Case{"meta.seen", resent, Rights::all},
           Case{"domain.heavy_frame", Rights::read | Rights::update, Rights::all},
           Case{"domain.log_history", kept, Rights::all},
           Case{"audit_trail", kept, Rights::all},
           Case{"domain.const_limit", Rights::read, Rights::read},
           Case{"domain.internal_key", Rights::none, Rights::all},
           Case{"global.mode", Rights::read, Rights::all},
           Case{"local.scratch", Rights::read, Rights::read},
       }) {
    INFO(each.path);
    CHECK(table.ceiling(each.path, {}) == each.ordinary);
    CHECK(table.ceiling(each.path, elevated) == each.with_admin);
  }
}

TEST_CASE("each kind of write needs its right", "[access]") {
  const auto& table = *AccessTable::standard();
  CHECK(table.check(Write::append("log_x", 1), {}).ok());
  CHECK(table.check(Write::insert("log_x", 1), {}).ok());
  for (const Write& write : {Write::set("log_x", 1), Write::erase("log_x"), Write::increment("log_x", 1),
                             Write::max("log_x", 1), Write::splice("log_x", 0, 0, Value::list())})
    CHECK(rule_of(table.check(write, {})) == "capability");
}

TEST_CASE("a grant opens the root key it names and no other", "[access]") {
  const auto table =
      AccessTable::compile({.namespaces = {{"plan", RootPolicy::granted}, {"frozen", RootPolicy::read_only}}}).value();
  const Standing granted{.grants = {"plan"}};
  CHECK(table->check(Write::set("plan.a", 1), granted).ok());
  CHECK_FALSE(table->check(Write::set("plan.a", 1), {}).ok());
  CHECK_FALSE(table->check(Write::set("global.a", 1), granted).ok());
  CHECK_FALSE(table->check(Write::set("frozen.a", 1), elevated).ok());
  CHECK(table->check(Write::set("frozen.a", 1), {.is_starting = true}).ok());
  // A grant does not lift the ceilings of zones.
  CHECK_FALSE(table->check(Write::set("plan.const_a", 1), granted).ok());
}

TEST_CASE("an override takes the place of the zone's ceiling, the longest one that matches", "[access]") {
  const auto table = AccessTable::compile({.overrides = {{"const_data", PathAccess::mutable_},
                                                         {"domain.**.history", PathAccess::append_only},
                                                         {"domain.rules", PathAccess::immutable},
                                                         {"domain.rules.draft", PathAccess::mutable_}}})
                         .value();
  CHECK(table->check(Write::set("const_data.x", 1), {}).ok());
  CHECK(table->check(Write::append("domain.a.b.history", 1), {}).ok());
  CHECK_FALSE(table->check(Write::set("domain.a.b.history", 1), {}).ok());
  CHECK(table->check(Write::set("domain.a.b.history", 1), elevated).ok());
  CHECK_FALSE(table->check(Write::set("domain.rules.x", 1), elevated).ok());
  CHECK(table->check(Write::set("domain.rules.draft", 1), {}).ok());
}

Outcome commit(CommitTurn& turn, const Write& write, const Standing& standing = {}) {
  return turn.commit({.base = turn.version(), .writes = {&write, 1}, .standing = &standing});
}

TEST_CASE("what an override limits is not changed by way of its parent", "[access][commit]") {
  const auto access = AccessTable::compile({.overrides = {{"const_data", PathAccess::mutable_},
                                                          {"domain.**.history", PathAccess::append_only},
                                                          {"domain.rules", PathAccess::immutable},
                                                          {"domain.rules.draft", PathAccess::mutable_}}});
  CommitTurn turn{nullptr, system_clock(), {.access = access.value()}};
  const Value rules{{"x", 1}, {"draft", 1}};
  const Value history = Value::list({1, 2});
  const Value domain{{"rules", rules}, {"deep", Value{{"history", history}}}, {"y", 1}};
  commit(turn, {"domain", domain}, {.is_starting = true}).value();
  Value other = domain;
  other.set("y", 2);
  commit(turn, {"domain", other}).value();
  other.set("deep", Value{{"history", Value::list({1, 2, 3})}});
  commit(turn, {"domain", other}).value();

  const auto refused = [&](std::string_view key, const Value& value) {
    Value changed = other;
    changed.set(key, value);
    return rule_of(commit(turn, {"domain", changed})) == "capability";
  };
  CHECK(refused("rules", Value{{"x", 2}, {"draft", 1}}));
  CHECK(refused("rules", Value{{"x", 1}}));
  CHECK(refused("deep", Value{{"history", Value::list({1, 3})}}));
  CHECK(refused("deep", Value::map()));
  CHECK(rule_of(commit(turn, Write::erase("domain"))) == "capability");
  CHECK(rule_of(commit(turn, Write::erase("domain"), elevated)) == "capability");
  CHECK(turn.snapshot().find("domain") == other);

  commit(turn, Write::set("domain.rules.draft", 2)).value();
  commit(turn, {"const_data", Value{{"const_more", 1}}}).value();
  commit(turn, Write::erase("const_data")).value();
}

TEST_CASE("admin changes logs and private members by way of their parent, but no constants", "[access][commit][zone]") {
  CommitTurn turn;
  const Value full{{"log_a", Value::list({1})}, {"internal_b", 2}, {"const_c", 3}, {"d", 4}};
  commit(turn, {"domain", Value{{"e", full}}}, {.is_starting = true}).value();
  CHECK(rule_of(commit(turn, {"domain.e", Value{{"const_c", 3}}})) == "capability");
  CHECK(rule_of(commit(turn, Write::erase("domain"), elevated)) == "capability");
  CHECK(rule_of(commit(turn, {"domain.e", Value{{"const_c", 4}}}, elevated)) == "capability");
  commit(turn, {"domain.e", Value{{"const_c", 3}, {"internal_f", 5}}}, elevated).value();
  CHECK(turn.snapshot().find("domain") == Value{{"e", Value{{"const_c", 3}}}});
}

TEST_CASE("malformed namespaces and overrides are refused", "[access]") {
  CHECK(AccessTable::compile({.namespaces = {{"a.b"}}}).error().code() == Errc::bad_argument);
  CHECK(AccessTable::compile({.namespaces = {{""}}}).error().code() == Errc::bad_argument);
  CHECK(AccessTable::compile({.namespaces = {{"a"}, {"a"}}}).error().code() == Errc::duplicate_name);
  CHECK(AccessTable::compile({.overrides = {{"a..b"}}}).error().code() == Errc::bad_argument);
}

TEST_CASE("the meta ring keeps the newest entries, as list and as layer", "[access][meta]") {
  CommitTurn turn{nullptr, system_clock(), {.access = AccessTable::compile({.meta_entries_max = 10}).value()}};
  for (int i = 1; i <= 20; ++i) {
    const std::vector<Write> writes{Write::append("meta_events", i),
                                    Write::set(Path{"meta"}.key("k" + std::to_string(i)), i)};
    turn.commit({.base = turn.version(), .writes = writes}).value();
  }
  const Snapshot now = turn.snapshot();
  Value newest = Value::list();
  Value members = Value::map();
  for (int i = 11; i <= 20; ++i) {
    newest.push_back(i);
    members.set("k" + std::to_string(i), i);
  }
  CHECK(now.find("meta_events") == newest);
  CHECK(now.find("meta") == members);
}

TEST_CASE("what is private is left out of maps and refused by its path", "[access][zone]") {
  CommitTurn turn;
  const std::vector<Write> writes{{"domain.user", Value{{"name", "a"}, {"internal_key", 1}}},
                                  {"domain.deep.er.internal_x", 2},
                                  {"domain.log_book", Value{{"internal_x", 3}}},
                                  {"internal_root", 4}};
  const Standing starting{.is_starting = true};
  turn.commit({.writes = writes, .standing = &starting}).value();
  const Snapshot now = turn.snapshot();
  // The log book's own member belongs to the log zone: the leftmost prefix counts.
  CHECK(now.find("").value() == Value{{"domain", Value{{"user", Value{{"name", "a"}}},
                                                       {"deep", Value{{"er", Value::map()}}},
                                                       {"log_book", Value{{"internal_x", 3}}}}}});
  CHECK(rule_of(now.get<int>("internal_root")) == "capability");
  CHECK(rule_of(now.get<int>("domain.user.internal_key", 7)) == "capability");
  CHECK_THROWS_AS(now.find("domain.user.internal_key"), ContractViolationError);
  CHECK_FALSE(now.contains("internal_root"));
}

}  // namespace
}  // namespace theus

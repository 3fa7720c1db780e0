#include <theus/diff.hpp>
#include <theus/errors.hpp>

#include "runtime/access.hpp"
#include "runtime/commit_turn.hpp"
#include "runtime/value_path.hpp"
#include "tests/support/property.hpp"
#include "tests/support/random_writes.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>

namespace theus {
namespace {

using Kind = Difference::Kind;

std::vector<std::string> lines(const Diff& diff) {
  std::vector<std::string> all;
  for (const Difference& each : diff.entries)
    all.push_back(to_text(each));
  return all;
}

std::vector<std::string> lines(const Value& before, const Value& after) { return lines(diff(before, after)); }

using Lines = std::vector<std::string>;

/// `before` with the differences applied: what a diff is for.
Value patched(const Value& before, const Diff& diff) {
  Value value = before;
  // Removed elements go from the end, so that the positions of the others stay.
  for (auto each = diff.entries.rbegin(); each != diff.entries.rend(); ++each)
    if (each->kind == Kind::removed)
      value = without(value, each->path.segments());
  for (const Difference& each : diff.entries) {
    const auto segments = each.path.segments();
    if (each.kind == Kind::removed)
      continue;
    if (segments.empty() || each.kind == Kind::changed || !segments.back().is_index()) {
      value = segments.empty() ? each.after : with(value, segments, each.after).value();
      continue;
    }
    const auto parent = segments.first(segments.size() - 1);
    Value list = *find_in(value, parent);
    list.insert(static_cast<std::size_t>(segments.back().index), each.after);
    value = parent.empty() ? list : with(value, parent, list).value();
  }
  return value;
}

/// A value near another one, that shares most of it.
Value varied(const Value& value) {
  const auto change = *rc::gen::inRange(0, 6);
  if (value.is_map() && change > 0) {
    Value map = value;
    map.set(*testing::key(), *rc::gen::scale(0.2, testing::value(1)));
    if (change > 2 && !value.empty()) {
      auto at = value.members().begin();
      std::advance(at, *rc::gen::inRange<std::size_t>(0, value.size()));
      const MemberView member = *at;
      change > 4 ? static_cast<void>(map.erase(member.key)) : map.set(member.key, varied(member.item));
    }
    return map;
  }
  if (value.is_list() && change > 0) {
    Value list = value;
    const auto at = *rc::gen::inRange<std::size_t>(0, list.size() + 1);
    if (change > 3 || at == list.size())
      list.insert(at, *rc::gen::scale(0.2, testing::value(1)));
    else if (change > 1)
      list.replace(at, varied(value[at]));
    else
      list.erase_at(at);
    return list;
  }
  return *rc::gen::scale(0.2, testing::value(1));
}

struct Stage {
  CommitTurn turn;

  Snapshot commit(std::vector<Write> writes) {
    // What the rules refuse changes nothing, which is a case too.
    (void)turn.commit(ProposalView{turn.version(), false, {}, writes, {}});
    return turn.snapshot();
  }
};

Value numbers(std::size_t count) {
  Value list = Value::list();
  for (std::size_t i = 0; i < count; ++i)
    list.push_back(i);
  return list;
}

}  // namespace

TEST_CASE("a diff tells what was added, removed and changed, in the order of the paths", "[diff]") {
  const Value before{{"b", 1}, {"a", Value{{"x", 1}, {"y", "old"}}}, {"gone", Value::list({1, 2})}};
  const Value after{{"b", 1}, {"a", Value{{"x", 1.5}, {"y", "old"}, {"z", nullptr}}}, {"new", Value{{"k", true}}}};
  CHECK(lines(before, after) == Lines{"~ a.x: 1 -> 1.5", "+ a.z = null", "- gone", "+ new = {\"k\":true}"});
  CHECK(diff(before, before).empty());
  CHECK(lines(1, "one") == Lines{"~ (root): 1 -> \"one\""});
  CHECK(lines(diff(before, after, "domain")).front() == "~ domain.a.x: 1 -> 1.5");
}

TEST_CASE("lists of one length differ by element, others around what they share", "[diff]") {
  CHECK(lines(Value::list({1, 2, 3}), Value::list({1, 5, 3})) == Lines{"~ [1]: 2 -> 5"});
  CHECK(lines(Value::list({1, 2, 3}), Value::list({1, 3})) == Lines{"- [1]"});
  CHECK(lines(Value::list({1, 3}), Value::list({1, 2, 3, 3})) == Lines{"+ [1] = 2", "+ [2] = 3"});
  CHECK(lines(Value::list({1, 2, 9}), Value::list({1, 7, 8, 9})) == Lines{"~ [1]: 2 -> 7", "+ [2] = 8"});
  CHECK(lines(Value::list(), Value::list({1})) == Lines{"+ [0] = 1"});
  CHECK(lines(Value::list({1}), Value::list()) == Lines{"- [0]"});
  CHECK(lines(numbers(12), Value::list()).back() == "- [11]");
}

TEST_CASE("a diff turns the one value into the other", "[diff][property]") {
  testing::holds(500, [](const Value& before) {
    Value after = before;
    const int steps = *rc::gen::inRange(0, 4);
    for (int i = 0; i < steps; ++i)
      after = varied(after);
    const Diff sut = diff(before, after);
    RC_ASSERT(patched(before, sut) == after);
    RC_ASSERT(sut.empty() == (before == after));
    for (const Difference& each : sut.entries)
      RC_ASSERT(each.kind != Kind::changed || !(each.before == each.after));
  });
  testing::holds(
      200, [](const Value& before, const Value& after) { RC_ASSERT(patched(before, diff(before, after)) == after); });
}

TEST_CASE("large lists and maps differ only where they were touched", "[diff]") {
  const Value list = numbers(100'000);
  Value grown = list;
  grown.insert(50'000, "here");
  CHECK(lines(list, grown) == Lines{"+ [50000] = \"here\""});
  grown.erase_at(51'000);
  grown.replace(3, nullptr);
  // Of one length again: all elements between the insertion and the erasure stand one further.
  CHECK(diff(list, grown).entries.size() == 1001);
  CHECK(patched(list, diff(list, grown)) == grown);

  Value map = Value::map();
  for (int i = 0; i < 20'000; ++i)
    map.set("key" + std::to_string(i), i);
  Value other = map;
  other.set("key777", "changed");
  other.erase("key19999");
  other.set("key20000", 1);
  CHECK(lines(map, other) == Lines{"- key19999", "+ key20000 = 1", "~ key777: 777 -> \"changed\""});
}

TEST_CASE("a diff of two snapshots is that of their values", "[diff][property]") {
  testing::holds(300, [] {
    Stage stage;
    const auto writes = rc::gen::scale(0.3, rc::gen::container<std::vector<Write>>(testing::meeting_write()));
    for (const Write& write : *writes)
      stage.commit({write});
    const Snapshot before = stage.turn.snapshot();
    for (const Write& write : *writes)
      stage.commit({write});
    const Snapshot after = stage.turn.snapshot();
    const Path below = *rc::gen::oneOf(rc::gen::just(Path{}), testing::meeting_path());

    const auto old_value = before.find(below);
    const auto new_value = after.find(below);
    const Diff sut = diff(before, after, below);
    RC_ASSERT(lines(diff(after, after, below)).empty());
    if (old_value && new_value)
      RC_ASSERT(lines(sut) == lines(diff(*old_value, *new_value, below)));
    else if (old_value || new_value)
      RC_ASSERT(lines(sut) ==
                Lines{new_value ? "+ " + below.text() + " = " + to_json(*new_value) : "- " + below.text()});
    else
      RC_ASSERT(sut.empty());
  });
}

TEST_CASE("a map that was written whole is compared with the same map written through", "[diff]") {
  Stage stage;
  Value orders = Value::map();
  for (int i = 0; i < 2000; ++i)
    orders.set("o" + std::to_string(i), Value{{"amount", i}});
  const Snapshot whole = stage.commit({{"domain.orders", orders}});
  const Snapshot touched = stage.commit({{"domain.orders.o7.amount", -1}, Write::erase("domain.orders.o8")});
  CHECK(lines(diff(whole, touched)) == Lines{"~ domain.orders.o7.amount: 7 -> -1", "- domain.orders.o8"});
  CHECK(lines(diff(touched, whole)) ==
        Lines{"~ domain.orders.o7.amount: -1 -> 7", "+ domain.orders.o8 = {\"amount\":8}"});
}

TEST_CASE("a diff of snapshots leaves out what the private zone hides", "[diff]") {
  Stage stage;
  const Snapshot empty = stage.turn.snapshot();
  Standing admin;
  admin.is_elevated = true;
  const auto commit = [&](std::vector<Write> writes) {
    stage.turn.commit({.base = stage.turn.version(), .writes = writes, .standing = &admin}).value();
    return stage.turn.snapshot();
  };
  const Snapshot first = commit({{"domain", Value{{"a", 1}, {"internal_b", 2}}}});
  CHECK(lines(diff(empty, first)) == Lines{"+ domain = {\"a\":1}"});
  const Snapshot second =
      commit({{"domain.internal_b", 3}, {"internal_c", 4}, {"domain.log_d", Value{{"internal_e", 5}}}});
  CHECK(lines(diff(first, second)) == Lines{"+ domain.log_d = {\"internal_e\":5}"});
  CHECK(diff(first, second, {}, {.entries_max = 0}).omitted == 1);
  CHECK_THROWS_AS(diff(first, second, "domain.internal_b"), ContractViolationError);
}

TEST_CASE("differences over the limit are counted, not kept", "[diff]") {
  const Diff sut = diff(Value::list({1, 2, 3, 4}), Value::list({5, 6, 7, 8}), {}, {.entries_max = 3});
  CHECK(sut.entries.size() == 3);
  CHECK(sut.omitted == 1);
  CHECK_FALSE(sut.empty());
  CHECK_FALSE(diff(1, 2, {}, {.entries_max = 0}).empty());
}

TEST_CASE("values nested deeper than a path goes are compared as a whole", "[diff]") {
  Value before = 1;
  Value after = 2;
  for (int i = 0; i < 100; ++i) {
    before = Value{{"a", before}};
    after = Value{{"a", after}};
  }
  const Diff sut = diff(before, after);
  REQUIRE(sut.entries.size() == 1);
  CHECK(sut.entries[0].path.size() == Path::segments_max);
  CHECK(sut.entries[0].after.is_map());
}

TEST_CASE("the text of a difference is one harmless line of bounded length [F75]", "[diff][F75]") {
  const Difference hostile{Kind::added, Path{}.key("\xe2\x80\xae"), {}, "\x1b[2J\n\xe2\x80\xae"};
  CHECK(to_text(hostile) == "+ \\u202e = \"\\u001b[2J\\n\\u202e\"");
  const Difference long_text{Kind::changed, "a", std::string(1000, 'x'), "\u00e9\u00e9\u00e9"};
  CHECK(to_text(long_text, 6) == "~ a: \"xxxxx... -> \"\u00e9\u00e9...");
}

}  // namespace theus

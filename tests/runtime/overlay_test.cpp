#include "runtime/overlay.hpp"

#include "tests/support/execution_stage.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

/// An overlay on a state, and the paths whose value in the snapshot it said it depends on.
struct Sut {
  explicit Sut(std::vector<Write> initial = {}) : stage(std::move(initial)) {}

  Value at(const Path& path) const { return overlay.find(path).value_or(Value{}); }
  bool has(const Path& path) const { return overlay.find(path).has_value(); }
  void write(const Write& write) { overlay.write(write).value(); }

  /// Commits the writes; what the overlay showed before must be what the state shows then.
  void commit() {
    const Value shown = overlay.find("").value();
    const auto writes = overlay.writes();
    stage.turn.commit(ProposalView{overlay.base().version(), false, {}, writes, {}}).value();
    CHECK(stage.everything() == shown);
  }

  testing::ExecutionStage stage;
  std::vector<std::string> reads;
  Overlay overlay{stage.turn.snapshot(), [this](const Path& path) { reads.push_back(path.text()); }};
};

using Strings = std::vector<std::string>;

TEST_CASE("an overlay records exactly the changes to its snapshot", "[overlay]") {
  Sut sut{{{"domain.a", 1}, {"domain.b", 2}}};
  sut.write(Write::set("domain.a", 100));
  sut.write(Write::set("domain.c", 3));
  sut.write(Write::erase("domain.b"));

  const auto writes = sut.overlay.writes();
  REQUIRE(writes.size() == 3);
  CHECK(writes[0].path == "domain.a");
  CHECK(writes[0].value == Value{100});
  CHECK(writes[1].path == "domain.b");
  CHECK(writes[1].kind == Write::Kind::erase);
  CHECK(writes[2].path == "domain.c");
  sut.commit();
}

TEST_CASE("an overlay reads back its own writes and depends on the snapshot for nothing else", "[overlay]") {
  Sut sut{{{"domain.user", Value{{"name", "a"}, {"email", "e"}}}}};
  sut.write(Write::set("domain.user.name", "b"));
  CHECK(sut.at("domain.user.name") == "b");
  CHECK(sut.reads.empty());
  CHECK(sut.at("domain.user") == Value{{"name", "b"}, {"email", "e"}});
  CHECK(sut.reads == Strings{"domain.user"});
  CHECK_FALSE(sut.has("domain.user.phone"));
  CHECK(sut.reads == Strings{"domain.user", "domain.user.phone"});
  sut.commit();
}

TEST_CASE("a map written over a parent hides what stood below it", "[overlay]") {
  Sut sut{{{"domain.user.name", "a"}, {"domain.user.email", "e"}}};
  sut.write(Write::set("domain.user", Value{{"phone", 1}}));
  CHECK_FALSE(sut.has("domain.user.name"));
  CHECK(sut.at("domain.user.phone") == Value{1});
  CHECK(sut.reads.empty());
  sut.commit();
}

TEST_CASE("writes below an own write change it", "[overlay]") {
  Sut sut;
  sut.write(Write::set("domain.user", Value{{"name", "a"}}));
  sut.write(Write::set("domain.user.address.city", "c"));
  sut.write(Write::erase("domain.user.name"));
  CHECK(sut.at("domain.user") == Value{{"address", Value{{"city", "c"}}}});
  CHECK(sut.overlay.writes().size() == 1);
  sut.commit();
}

TEST_CASE("a list inside a map inside a list is changed in place", "[overlay]") {
  Sut sut{{{"domain.rows", Value::list({Value{{"tags", Value::list({1, 2})}}, Value{{"tags", Value::list({3})}}})}}};
  sut.write(Write::append("domain.rows[0].tags", 9));
  sut.write(Write::set("domain.rows[1].tags[0]", 4));
  sut.write(Write::erase("domain.rows[0].tags[0]"));
  CHECK(sut.at("domain.rows") ==
        Value::list({Value{{"tags", Value::list({2, 9})}}, Value{{"tags", Value::list({4})}}}));
  CHECK(sut.overlay.writes().size() == 1);
  sut.commit();
}

TEST_CASE("commutative operations are read back and stay operations", "[overlay]") {
  Sut sut{{{"domain.n", 5}, {"domain.list", Value::list({1})}}};
  sut.write(Write::increment("domain.n", 2));
  sut.write(Write::max("domain.n", 9));
  sut.write(Write::append("domain.list", 2));
  sut.write(Write::insert("domain.list", 1));
  sut.write(Write::increment("domain.fresh", 1));
  CHECK(sut.reads.empty());

  CHECK(sut.overlay.writes().size() == 5);
  CHECK(sut.at("domain.n") == Value{9});
  CHECK(sut.at("domain.list") == Value::list({1, 2}));
  CHECK(sut.at("domain.fresh") == Value{1});
  CHECK(sut.reads == Strings{"domain.n", "domain.list", "domain.fresh"});
  sut.commit();
}

TEST_CASE("an operation on an own write changes it; a write over an operation replaces it", "[overlay]") {
  Sut sut{{{"domain.n", 5}, {"domain.m", 5}}};
  sut.write(Write::set("domain.n", 1));
  sut.write(Write::increment("domain.n", 1));
  sut.write(Write::increment("domain.m", 1));
  sut.write(Write::set("domain.m", 7));
  const auto writes = sut.overlay.writes();
  REQUIRE(writes.size() == 2);
  CHECK(writes[0].value == Value{7});
  CHECK(writes[1].value == Value{2});
  sut.commit();
}

TEST_CASE("an operation on an erased path starts anew", "[overlay]") {
  Sut sut{{{"domain.n", 5}, {"domain.list", Value::list({1})}}};
  sut.write(Write::erase("domain.n"));
  sut.write(Write::increment("domain.n", 2));
  sut.write(Write::erase("domain.list"));
  sut.write(Write::append("domain.list", 2));
  CHECK(sut.at("domain.n") == Value{2});
  CHECK(sut.at("domain.list") == Value::list({2}));
  sut.commit();
}

TEST_CASE("erasing a member of an erased map leaves the map erased", "[overlay]") {
  Sut sut{{{"domain.user.name", "a"}}};
  sut.write(Write::erase("domain.user"));
  sut.write(Write::erase("domain.user.name"));
  CHECK_FALSE(sut.has("domain.user"));
  sut.commit();
}

TEST_CASE("erasing what is not there changes nothing", "[overlay]") {
  Sut sut{{{"domain.a", 1}, {"domain.list", Value::list({1})}}};
  sut.write(Write::erase("domain.b"));
  sut.write(Write::erase("domain.b.c"));
  sut.write(Write::erase("domain.list[4]"));
  sut.write(Write::erase("domain.nothing[0]"));
  CHECK(sut.overlay.writes().empty());
  CHECK_FALSE(sut.has("domain.b"));
  CHECK_FALSE(sut.has("domain.nothing"));
  sut.commit();
}

TEST_CASE("a child of something other than a map is refused at once, as the commit would", "[overlay]") {
  Sut sut{{{"domain.n", 5}, {"domain.none", nullptr}, {"domain.list", Value::list({1})}}};
  for (const Write& impossible :
       {Write::set("domain.n.x", 1), Write::set("domain.none.x", 1), Write::set("domain.list.x", 1),
        Write::set("domain.list[1]", 1), Write::set("domain.n[0]", 1), Write::set("domain.absent[0]", 1),
        Write::set("domain.absent.deep[0]", 1), Write::append("domain.n.x", 1), Write::increment("domain.list[0].x", 1),
        Write::append("domain.n", 1), Write::increment("domain.list", 1), Write::increment("domain.n", 1.5),
        Write::splice("domain.list", 2, 0, Value::list()), Write::splice("domain.list", 0, 2, Value::list()),
        Write::set("", 1), Write::erase("")}) {
    INFO(to_string(impossible.kind) << " " << impossible.path.text());
    CHECK(sut.overlay.write(impossible).error().code() == Errc::bad_argument);
    CHECK(sut.overlay.writes().empty());
    CHECK(sut.overlay.find("") == sut.overlay.base().find(""));
  }
}

TEST_CASE("erasing what cannot be there makes no room for it", "[overlay]") {
  Sut sut{{{"domain.n", 5}}};
  sut.write(Write::erase("domain.n.x"));
  CHECK(sut.overlay.write(Write::set("domain.n.x.y", 1)).error().code() == Errc::bad_argument);
  CHECK(sut.at("domain.n") == Value{5});
}

TEST_CASE("a refused write leaves earlier writes as they were", "[overlay]") {
  Sut sut{{{"domain.user.name", "a"}, {"domain.gone", 1}}};
  sut.write(Write::set("domain.user.name", "b"));
  sut.write(Write::erase("domain.gone"));
  sut.write(Write::increment("domain.n", 1));
  const Value before = sut.at("");

  CHECK_FALSE(sut.overlay.write(Write::set("domain.user[0]", 1)).ok());
  CHECK_FALSE(sut.overlay.write(Write::set("domain.gone[0]", 1)).ok());
  CHECK_FALSE(sut.overlay.write(Write::set("domain.n.x", 1)).ok());

  CHECK(sut.at("") == before);
  CHECK(sut.overlay.writes().size() == 3);
  CHECK(sut.overlay.writes()[1].kind == Write::Kind::increment);
}

TEST_CASE("a write of what is there is no change, but depends on its being there", "[overlay]") {
  Sut sut{{{"domain.a", 1}, {"domain.user", Value{{"name", "a"}}}}};
  sut.write(Write::set("domain.a", 2));
  sut.write(Write::set("domain.a", 1));
  sut.write(Write::set("domain.user.name", "a"));
  sut.write(Write::erase("domain.absent"));
  CHECK(sut.overlay.writes().empty());
  CHECK(sut.reads == Strings{"domain.a", "domain.absent", "domain.user.name"});
}

TEST_CASE("a path is written when a write concerned it, something above or something below", "[overlay]") {
  Sut sut{{{"domain.list", Value::list({1})}}};
  sut.write(Write::set("domain.user.name", "a"));
  sut.write(Write::erase("domain.gone"));
  sut.write(Write::set("domain.list[0]", 2));
  CHECK(sut.overlay.is_written("domain.user.name"));
  CHECK(sut.overlay.is_written("domain.user.name.first"));
  CHECK(sut.overlay.is_written("domain.user"));
  CHECK(sut.overlay.is_written("domain.gone"));
  CHECK(sut.overlay.is_written("domain.list"));
  CHECK_FALSE(sut.overlay.is_written("domain.user.email"));
  CHECK_FALSE(sut.overlay.is_written("domain.other"));
}

TEST_CASE("ten thousand appends to one list are read back in order", "[overlay]") {
  Sut sut{{{"domain.list", Value::list({-1})}}};
  for (int i = 0; i < 10'000; ++i)
    sut.write(Write::append("domain.list", i));
  CHECK(sut.at("domain.list").size() == 10'001);
  CHECK(sut.at("domain.list")[10'000] == Value{9'999});
  CHECK(sut.overlay.writes().size() == 10'000);
  sut.commit();
}

}  // namespace
}  // namespace theus

#include "tests/support/execution_stage.hpp"

#include <catch2/catch.hpp>

#include <array>

namespace theus {
namespace {

using testing::ExecutionStage;

TEST_CASE("the state as a whole can be neither set nor erased", "[commit]") {
  ExecutionStage stage{{{"domain.x", 1}}};
  for (const auto& write :
       {Write::set("", Value::map()), Write::erase(""), Write::append("", 1), Write::increment("", 1),
        Write::splice("", 0, 0, Value::list()), Write::insert("", 1), Write::max("", 1)})
    CHECK(stage.commit({write}).error().code() == Errc::bad_argument);
  CHECK(stage.everything() == Value{{"domain", Value{{"x", 1}}}});
}

TEST_CASE("a path that vanished with its parent stays changed when the parent comes back without it", "[commit][F81]") {
  ExecutionStage stage{{{"domain.a.b.z", 1}, {"domain.a.other", 1}}};
  const Version base = stage.turn.version();
  stage.commit({Write::erase("domain.a.b")}).value();
  SECTION("at the same place") { stage.commit({{"domain.a.b.sibling", 2}}).value(); }
  SECTION("one level deeper") { stage.commit({{"domain.a.b.c.sibling", 2}}).value(); }
  SECTION("in the same commit") {
    stage.commit({{"domain.a.b.z", 1}}).value();
    stage.commit({Write::erase("domain.a.b"), {"domain.a.b.sibling", 2}}).value();
  }

  const std::vector<Path> reads{"domain.a.b.z"};
  const std::vector<Write> writes{{"domain.result", 1}};
  CHECK(stage.turn.commit(ProposalView{base, false, reads, writes, {}}).error().code() == Errc::version_mismatch);
}

TEST_CASE("a map made anew is no change of what never stood in it", "[commit]") {
  ExecutionStage stage{{{"domain.a.x", 1}}};
  const Version base = stage.turn.version();
  stage.commit({{"domain.a.new.sibling", 2}}).value();
  const std::vector<Path> reads{"domain.a.new.z"};
  const std::vector<Write> writes{{"domain.result", 1}};
  CHECK(stage.turn.commit(ProposalView{base, false, reads, writes, {}}).ok());
}

TEST_CASE("a member that went when its map was written whole is a change to who read it", "[commit][F81]") {
  ExecutionStage stage{{{"domain.m", Value{{"k", 1}, {"j", 1}}}}};
  const Version base = stage.turn.version();
  stage.commit({{"domain.m", Value{{"j", 2}}}}).value();
  stage.commit({{"domain.m.j", 3}}).value();
  const std::vector<Path> reads{"domain.m.k"};
  const std::vector<Write> writes{{"domain.seen", 1}};
  const Outcome refused = stage.turn.commit(ProposalView{base, false, reads, writes, {}});
  CHECK(refused.error().code() == Errc::version_mismatch);
  CHECK(*refused.error().field("actual") == Value{base + 1});
}

TEST_CASE("writing a parent leaves constant, private and log members below it alone", "[commit][zone]") {
  ExecutionStage stage{{{"domain.user", Value{{"name", "a"}}}, Write::append("domain.deep.log_history", "line")}};
  const Value before = stage.everything();
  for (const Write& write : {Write::erase("domain"), Write::erase("domain.deep"), Write::set("domain", 1),
                             Write::set("domain.deep", Value{{"x", 1}}),
                             Write::set("domain.deep", Value{{"log_history", Value::list({"another", "line"})}}),
                             Write::set("domain.user", Value{{"const_limit", 1}}),
                             Write::set("domain.user", Value{{"a", Value{{"internal_key", 1}}}}),
                             Write::set("domain.deep", Value{{"log_history", "line"}}),
                             Write::set("domain.new", Value{{"const_limit", 1}})}) {
    INFO(to_string(write.kind) << " " << write.path.text());
    CHECK(testing::rule_of(stage.commit({write})) == "capability");
    CHECK(stage.everything() == before);
  }
}

TEST_CASE("a parent may be written around members of other zones that stay as they are", "[commit][zone]") {
  ExecutionStage stage{{Write::append("domain.log_history", "line")}};
  stage.commit({{"domain", Value{{"log_history", Value::list({"line"})}, {"x", 1}}}}).value();
  stage.commit({{"domain.import", Value{{"log_level", "info"}, {"meta", Value{{"page", 1}}}}}}).value();
  CHECK(stage.at("domain.x") == Value{1});
  const Value imported{{"log_level", "info"}, {"meta_source", Value{{"const_x", 1}}}};
  stage.commit({Write::set("domain.import.page", 2), Write::set("domain.import", imported)}).value();
  stage.commit({Write::append("domain.log_history", "next")}).value();
  CHECK(stage.at("domain.log_history") == Value::list({"line", "next"}));
  CHECK(stage.at("domain.import") == imported);
}

TEST_CASE("members of other zones are found wherever and however they came to stand", "[commit][zone]") {
  ExecutionStage stage{{{"domain.x", 1}, {"domain.a.b.c", 1}}};
  Value big = Value::map();
  for (int i = 0; i < 2000; ++i)
    big.set("k" + std::to_string(i), Value{{"at", i}});
  stage.commit({Write::append("domain.a.b.log_lines", 1)}).value();
  Value with_log = big;
  with_log.set("k1000", Value{{"log_lines", Value::list({1})}});
  stage.commit({Write::set("domain.as_value", with_log)}).value();
  stage.commit({Write::set("domain.as_tree", with_log), Write::set("domain.as_tree.k1.at", 2)}).value();
  stage
      .commit(
          {Write::set("domain.as_subtree", Value{{"below", with_log}}), Write::set("domain.as_subtree.below.k1.at", 2)})
      .value();
  const Value before = stage.everything();
  for (const char* parent : {"domain", "domain.a", "domain.a.b", "domain.as_value", "domain.as_value.k1000",
                             "domain.as_tree", "domain.as_subtree", "domain.as_subtree.below"}) {
    INFO(parent);
    CHECK(testing::rule_of(stage.commit({Write::erase(parent)})) == "capability");
    CHECK(testing::rule_of(stage.commit({Write::set(parent, big)})) == "capability");
    CHECK(stage.everything() == before);
  }
  stage.commit({Write::set("domain.as_tree", with_log), Write::set("domain.as_subtree.below", with_log)}).value();
  CHECK(stage.at("domain.as_tree") == with_log);
}

TEST_CASE("a log below a written parent may grow at its end only", "[commit][zone]") {
  std::vector<Value> lines;
  for (int i = 0; i < 3000; ++i)
    lines.push_back(i);
  Value log = Value::list(lines);
  ExecutionStage stage{{{"domain.deep", Value{{"log_lines", log}}}}};
  const auto set = [&](const Value& becomes) {
    return stage.commit({Write::set("domain.deep", Value{{"log_lines", becomes}})});
  };
  log.push_back("next");
  CHECK(set(log).ok());
  Value shorter = log;
  shorter.erase_at(log.size() - 1);
  Value altered = log;
  altered.replace(1500, "altered");
  altered.push_back("more");
  for (const Value& becomes : {shorter, altered, Value::list(), Value{}, Value{{"a", 1}}})
    CHECK(testing::rule_of(set(becomes)) == "capability");
  CHECK(stage.at("domain.deep.log_lines") == log);
}

TEST_CASE("a value with a key that no path can name is refused [F74]", "[commit][F74]") {
  ExecutionStage stage;
  for (const std::string& key : {std::string(700, 'k'), std::string{}, std::string{"a\nb"}}) {
    Value user{{"name", "a"}};
    user.set(key, 1);
    CHECK(stage.commit({{"domain.user", user}}).error().code() == Errc::bad_argument);
  }
  CHECK(stage.turn.version() == 0);
}

// Each pair leads 64-bit FNV-1a from the state that the pairs before it leave to one and the same state (found by
// lattice reduction), so all words made of one of each pair have one hash.
constexpr std::array<std::array<const char*, 2>, 7> colliding_words{{{"o<*c-~72~n6b", "nL,a9X#0d{}S"},
                                                                     {"H32=dk$3xTFx", "O)4S&S23va-I"},
                                                                     {"=61ROn!6$Kyz", "<*1r;lQ4RF>k"},
                                                                     {"F35^bv,;iY!_", "A)5F(hJ;ELnN"},
                                                                     {"o)6y`r#4deSA", "l#0G*l76NRBR"},
                                                                     {"V31@6m>:U`xA", "Y)1DHm0$Am7p"},
                                                                     {"E_)}81$8xwzI", "F))g6-*>JB;Z"}}};

std::vector<std::string> colliding_keys() {
  std::vector<std::string> keys{""};
  for (const auto& words : colliding_words) {
    std::vector<std::string> longer;
    for (const std::string& key : keys)
      for (const char* word : words)
        longer.push_back(key + word);
    keys = std::move(longer);
  }
  return keys;
}

TEST_CASE("keys with one hash live side by side, however many", "[commit]") {
  const auto keys = colliding_keys();
  REQUIRE(keys.size() == 128);
  REQUIRE(key_hash(keys.front()) == key_hash(keys.back()));
  ExecutionStage stage;
  const Path domain{"domain"};
  Value model = Value::map();
  for (std::size_t i = 0; i < keys.size(); ++i) {
    stage.commit({{domain.key(keys[i]), i}}).value();
    model.set(keys[i], i);
  }
  const Snapshot full = stage.turn.snapshot();
  CHECK(stage.at(domain) == model);

  for (std::size_t i = 0; i < keys.size(); i += 2) {
    stage.commit({Write::erase(domain.key(keys[i]))}).value();
    model.erase(keys[i]);
  }
  CHECK(stage.at(domain) == model);
  CHECK(full.find(domain)->size() == keys.size());
  CHECK(stage.at(domain.key(keys[1])) == Value{1});
  CHECK_FALSE(stage.turn.snapshot().contains(domain.key(keys[2])));
}

}  // namespace
}  // namespace theus

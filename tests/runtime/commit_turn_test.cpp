#include "runtime/commit_turn.hpp"

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <map>
#include <random>
#include <thread>

namespace theus {
namespace {

Outcome commit(CommitTurn& turn, Version base, std::vector<Write> writes, std::vector<Path> reads = {}) {
  return turn.commit(ProposalView{base, false, reads, writes, {}});
}

Value read(const CommitTurn& turn, const Path& path) { return turn.snapshot().find(path).value_or(Value{}); }

TEST_CASE("a snapshot keeps its version while later commits go on", "[commit]") {
  CommitTurn turn;
  REQUIRE(commit(turn, 0, {{"domain.x", 1}}).value() == 1);
  const Snapshot old = turn.snapshot();
  REQUIRE(commit(turn, 1, {{"domain.x", 2}}).value() == 2);

  CHECK(old.get<int>("domain.x").value() == 1);
  CHECK(turn.snapshot().get<int>("domain.x").value() == 2);
  CHECK(old.version() == 1);
}

TEST_CASE("a snapshot may outlive the state it came from", "[commit]") {
  auto turn = std::make_unique<CommitTurn>();
  commit(*turn, 0, {{"domain.text", std::string(100, 'x')}}).value();
  const Snapshot kept = turn->snapshot();
  const Snapshot copy = kept;
  turn.reset();
  CHECK(copy.get<std::string>("domain.text").value() == std::string(100, 'x'));
}

TEST_CASE("of two swaps from one version the second is refused and told the current value [F80]", "[commit][F80]") {
  CommitTurn turn;
  commit(turn, 0, {{"domain.balance", 100}}).value();
  commit(turn, 1, {{"domain.balance", 90}}).value();

  const Outcome refused = commit(turn, 1, {{"domain.balance", 80}});

  REQUIRE(refused.error().code() == Errc::version_mismatch);
  CHECK(*refused.error().field("path") == "domain.balance");
  CHECK(*refused.error().field("expected") == Value{1});
  CHECK(*refused.error().field("actual") == Value{2});
  CHECK(*refused.error().field("current") == Value{90});
  CHECK(read(turn, "domain.balance") == Value{90});
  CHECK(turn.version() == 2);
}

TEST_CASE("swaps from one version on different paths both succeed", "[commit]") {
  CommitTurn turn;
  commit(turn, 0, {{"domain.user.name", "a"}, {"domain.user.counter", 0}}).value();
  commit(turn, 1, {{"domain.user.name", "b"}}).value();
  CHECK(commit(turn, 1, {{"domain.user.counter", 1}}).value() == 3);
  CHECK(commit(turn, 1, {{"domain.user.counter", 2}}).error().code() == Errc::version_mismatch);
}

TEST_CASE("an expected version from the future is refused", "[commit]") {
  CommitTurn turn;
  CHECK(commit(turn, 5, {{"domain.x", 1}}).error().code() == Errc::bad_argument);
}

TEST_CASE("write skew is refused: each of a pair reads what the other writes", "[commit]") {
  CommitTurn turn;
  commit(turn, 0, {{"domain.a", 1}, {"domain.b", 1}}).value();
  commit(turn, 1, {{"domain.a", 0}}, {"domain.a", "domain.b"}).value();
  CHECK(commit(turn, 1, {{"domain.b", 0}}, {"domain.a", "domain.b"}).error().code() == Errc::version_mismatch);
}

TEST_CASE("a new or vanished child below a read subtree is a conflict", "[commit]") {
  CommitTurn turn;
  commit(turn, 0, {{"domain.orders.a", 1}, {"domain.orders.b", 2}}).value();

  SECTION("new") { commit(turn, 1, {{"domain.orders.c", 3}}).value(); }
  SECTION("vanished") { commit(turn, 1, {Write::erase("domain.orders.b")}).value(); }

  CHECK(commit(turn, 1, {{"domain.total", 3}}, {"domain.orders"}).error().code() == Errc::version_mismatch);
}

TEST_CASE("reading an absent path conflicts with its appearance and with nothing else", "[commit]") {
  CommitTurn turn;
  commit(turn, 0, {{"domain.orders.a", 1}}).value();

  SECTION("a sibling appears") {
    commit(turn, 1, {{"domain.orders.b", 1}}).value();
    CHECK(commit(turn, 1, {{"domain.x", 1}}, {"domain.orders.z"}).ok());
  }
  SECTION("it appears itself") {
    commit(turn, 1, {{"domain.orders.z", 1}}).value();
    CHECK_FALSE(commit(turn, 1, {{"domain.x", 1}}, {"domain.orders.z"}).ok());
  }
  SECTION("it appears below a parent that was absent too") {
    commit(turn, 1, {{"domain.new.deep.z", 1}}).value();
    CHECK_FALSE(commit(turn, 1, {{"domain.x", 1}}, {"domain.new.deep.z"}).ok());
  }
}

TEST_CASE("a write to a path that was erased meanwhile is a conflict", "[commit]") {
  CommitTurn turn;
  commit(turn, 0, {{"domain.a.b", 1}, {"domain.c", 1}}).value();
  SECTION("itself") { commit(turn, 1, {Write::erase("domain.a.b")}).value(); }
  SECTION("its parent") { commit(turn, 1, {Write::erase("domain.a")}).value(); }
  SECTION("its parent replaced") { commit(turn, 1, {{"domain.a", Value{{"z", 1}}}}).value(); }
  CHECK_FALSE(commit(turn, 1, {{"domain.a.b", 2}}).ok());
}

TEST_CASE("members of a map written as one value keep its version until they change themselves", "[commit]") {
  CommitTurn turn;
  commit(turn, 0, {{"domain.user", Value{{"name", "a"}, {"email", "e"}, {"tags", Value::list({1, 2})}}}}).value();
  commit(turn, 1, {{"domain.user.name", "b"}}).value();

  CHECK(commit(turn, 1, {{"domain.user.email", "f"}}).ok());
  CHECK_FALSE(commit(turn, 1, {{"domain.user.name", "c"}}).ok());
  CHECK_FALSE(commit(turn, 1, {{"domain.x", 1}}, {"domain.user"}).ok());
  CHECK(read(turn, "domain.user") == Value{{"name", "b"}, {"email", "f"}, {"tags", Value::list({1, 2})}});
}

TEST_CASE("five appends from one version to one list all stay", "[commit]") {
  CommitTurn turn;
  commit(turn, 0, {{"domain.list", Value::list()}}).value();
  for (int i = 0; i < 5; ++i)
    commit(turn, 1, {Write::append("domain.list", i)}).value();
  CHECK(read(turn, "domain.list") == Value::list({0, 1, 2, 3, 4}));
}

TEST_CASE("commutative operations apply to the newest state", "[commit]") {
  CommitTurn turn;
  commit(turn, 0, {{"domain.n", 5}, {"domain.set", Value::list({1})}}).value();
  commit(turn, 0, {Write::increment("domain.n", 2), Write::increment("domain.new", 3)}).value();
  commit(turn, 0,
         {Write::max("domain.n", 6), Write::max("domain.n", 9), Write::insert("domain.set", 1),
          Write::insert("domain.set", 2)})
      .value();
  CHECK(read(turn, "domain.n") == Value{9});
  CHECK(read(turn, "domain.new") == Value{3});
  CHECK(read(turn, "domain.set") == Value::list({1, 2}));
}

TEST_CASE("a proposal with one impossible write changes nothing", "[commit]") {
  CommitTurn turn;
  commit(turn, 0, {{"domain.n", 5}, {"domain.list", Value::list({1})}}).value();
  const auto impossible = GENERATE(values<Write>({
      {"domain.n.x", 1},
      {"domain.list[1]", 1},
      {"domain.list.key", 1},
      {"domain.absent[0]", 1},
      {"", 1},
      Write::append("domain.n", 1),
      Write::increment("domain.list", 1),
      Write::increment("domain.n", 1.5),
      Write::increment("domain.n", std::numeric_limits<std::int64_t>::max()),
      Write::max("domain.list", 1),
      Write::splice("domain.list", 1, 1, Value::list()),
  }));

  const Outcome refused = commit(turn, 1, {{"domain.other", 1}, impossible});

  CHECK(refused.error().code() == Errc::bad_argument);
  CHECK(turn.version() == 1);
  CHECK_FALSE(turn.snapshot().contains("domain.other"));
}

TEST_CASE("an unchanged value is no change: neither version nor conflict", "[commit]") {
  CommitTurn turn;
  commit(turn, 0, {{"domain.user", Value{{"a", 1}, {"b", Value::list({1})}}}, {"domain.user.c", 2}}).value();
  CHECK(commit(turn, 1, {{"domain.user.a", 1}}).value() == 1);
  CHECK(commit(turn, 1, {{"domain.user", Value{{"a", 1}, {"b", Value::list({1})}, {"c", 2}}}}).value() == 1);
  CHECK(commit(turn, 1, {}).value() == 1);
  CHECK(commit(turn, 1, {Write::erase("domain.absent")}).value() == 1);
  CHECK(turn.version() == 1);
}

TEST_CASE("a commit of signals alone raises the version and is heard once", "[commit]") {
  struct Ear : CommitListener {
    void committed(Version version, std::span<const Signal> signals) noexcept override {
      for (const Signal& signal : signals)
        heard.emplace_back(version, signal.name);
    }
    std::vector<std::pair<Version, std::string>> heard;
  } ear;
  CommitTurn turn{&ear};
  const std::vector<Signal> signals{{"status", 1}, {"progress", 2}};
  CHECK(turn.commit(ProposalView{0, false, {}, {}, signals}).value() == 1);
  CHECK(ear.heard == std::vector<std::pair<Version, std::string>>{{1, "status"}, {1, "progress"}});
}

TEST_CASE("zones refuse what they never allow", "[commit][zone]") {
  CommitTurn turn;
  CHECK(commit(turn, 0, {{"domain.log_history", Value::list()}}).error().code() == Errc::contract_violation);
  CHECK(commit(turn, 0, {Write::append("domain.log_history", "line")}).ok());
  CHECK(commit(turn, 1, {Write::erase("domain.log_history")}).error().code() == Errc::contract_violation);
  CHECK(commit(turn, 1, {{"const_limit", 1}}).error().code() == Errc::contract_violation);
  CHECK(commit(turn, 1, {{"domain.internal_key", 1}}).error().code() == Errc::contract_violation);
  CHECK(commit(turn, 1, {{"signal.cmd_stop", true}}).ok());
  CHECK(commit(turn, 2, {Write::erase("signal.cmd_stop")}).error().code() == Errc::contract_violation);
}

TEST_CASE("the state behaves like one nested map under random writes, at every version that is held", "[commit]") {
  const auto seed = GENERATE(1U, 2U, 3U, 4U, 5U, 6U);
  CAPTURE(seed);
  std::mt19937 random{seed};
  CommitTurn turn;
  Value model = Value::map();
  std::vector<std::pair<Snapshot, Value>> held;
  const auto key = [&] { return "k" + std::to_string(random() % 40); };

  for (int step = 0; step < 3000; ++step) {
    const std::string top = "t" + std::to_string(random() % 3);
    const std::string middle = key();
    const std::string leaf = key();
    const Path path = random() % 3 == 0 ? Path{top + "." + middle} : Path{top + "." + middle + "." + leaf};
    Value section = model[top].is_map() ? model[top] : Value::map();
    const bool deep = path.size() == 3;
    if (random() % 4 == 0) {
      commit(turn, turn.version(), {Write::erase(path)}).value();
      if (deep && section[middle].is_map()) {
        Value inner = section[middle];
        inner.erase(leaf);
        section.set(middle, inner);
      } else if (!deep) {
        section.erase(middle);
      }
    } else if (deep) {
      commit(turn, turn.version(), {{path, step}}).value();
      Value inner = section[middle].is_map() ? section[middle] : Value::map();
      inner.set(leaf, step);
      section.set(middle, inner);
    } else {
      const Value whole{{key(), step}, {key(), step + 1}};
      commit(turn, turn.version(), {{path, whole}}).value();
      section.set(middle, whole);
    }
    if (model[top].is_map() || !section.empty())
      model.set(top, section);
    if (random() % 100 == 0)
      held.emplace_back(turn.snapshot(), model);
    if (held.size() > 10)
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(random() % held.size()));
  }
  held.emplace_back(turn.snapshot(), model);
  for (const auto& [snapshot, expected] : held)
    CHECK(snapshot.find("").value() == expected);
}

TEST_CASE("memory stays bounded with one old snapshot held under many commits", "[commit]") {
  CommitTurn turn;
  for (int i = 0; i < 100; ++i)
    commit(turn, turn.version(), {{Path{"domain"}.key("k" + std::to_string(i)), 0}}).value();
  const Snapshot old = turn.snapshot();
  const Path path{"domain.k7"};
  for (int i = 0; i < 20'000; ++i)
    commit(turn, turn.version(), {{path, i + 1}}).value();
  const StateStatistics told = turn.statistics();
  CHECK(told.retained_versions == 1);
  CHECK(told.oldest_version == old.version());
  CHECK(told.retained_bytes < 20'000);
  CHECK(told.node_bytes < 100'000);
  CHECK(old.get<int>("domain.k7").value() == 0);
}

TEST_CASE("threads that swap one counter lose no update, while readers see whole versions", "[commit]") {
  CommitTurn turn;
  commit(turn, 0, {{"domain.a", 0}, {"domain.b", 0}}).value();
  const Path a{"domain.a"};
  const Path b{"domain.b"};
  std::atomic<bool> torn = false;
  std::atomic<int> running = 4;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int done = 0; done < 2000;) {
        const Snapshot now = turn.snapshot();
        const auto next = now.get<int>(a).value() + 1;
        const std::vector<Write> writes{{a, next}, {b, -next}};
        if (turn.commit(ProposalView{now.version(), false, {}, writes, {}}))
          ++done;
      }
      --running;
    });
  threads.emplace_back([&] {
    while (running > 0) {
      const Snapshot now = turn.snapshot();
      if (now.get<int>(a).value() != -now.get<int>(b).value())
        torn = true;
    }
  });
  for (auto& thread : threads)
    thread.join();
  CHECK(turn.snapshot().get<int>(a).value() == 8000);
  CHECK_FALSE(torn);
}

}  // namespace
}  // namespace theus

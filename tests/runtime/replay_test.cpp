#include "runtime/agent_cause.hpp"
#include "runtime/commit_record.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/journalled_turn.hpp"

#include <theus/diff.hpp>
#include <theus/replay.hpp>

#include <catch2/catch.hpp>

#include <cmath>
#include <map>

namespace theus {
namespace {

using testing::Folder;
using testing::JournalledTurn;

JournalOptions in(const Folder& folder) {
  return {.path = folder.path() / "state.journal", .level = Durability::os, .checkpoint_interval = 50};
}

/// The digest of every version that these commits made.
std::map<Version, Digest> commit_many(JournalledTurn& turn, int commits) {
  std::map<Version, Digest> digests;
  for (int i = 1; i <= commits; ++i) {
    turn.commit({{Path{"domain.items.k" + std::to_string(i % 37)}, i}, Write::increment("domain.count", i)}).value();
    digests.emplace(turn.turn().version(), turn.digest());
  }
  return digests;
}

void alter(const std::filesystem::path& journal, const std::string& sql) {
  auto database = store::Database::open(journal.string(), {}).value();
  REQUIRE(database.run(sql.c_str()));
  REQUIRE(database.move_log());
}

template <class T>
Error error_of(const Result<T>& result) {
  REQUIRE_FALSE(result);
  return result.error();
}

TEST_CASE("every version that a journal keeps can be told, also while it is written", "[replay]") {
  const Folder folder;
  JournalledTurn turn{in(folder)};
  const auto digests = commit_many(turn, 220);
  for (const auto& [version, digest] : digests) {
    const Snapshot state = state_at(in(folder).path, version).value();
    CHECK(state.version() == version);
    CHECK(store::state_digest(state) == digest);
  }
  CHECK(state_at(in(folder).path, 0).value().find("domain") == std::nullopt);
  CHECK(journal_extent(in(folder).path).value().newest == 220);

  const Error future = error_of(state_at(in(folder).path, 221));
  CHECK(future.code() == Errc::bad_argument);
  turn.commit({{"domain.count", 0}}).value();
  CHECK(state_at(in(folder).path, 221).value().get<int>("domain.count").value() == 0);
}

TEST_CASE("a version whose history was dropped is not replayable", "[replay]") {
  const Folder folder;
  JournalOptions options = in(folder);
  options.history_min = 100;
  std::map<Version, Digest> digests;
  for (int run = 0; run < 3; ++run) {
    JournalledTurn turn{options};
    digests.merge(commit_many(turn, 300));
    CHECK(turn.end());
  }
  const JournalExtent extent = journal_extent(options.path).value();
  REQUIRE(extent.first > 1);
  CHECK(extent.newest == 900);
  CHECK(store::state_digest(state_at(options.path, extent.first).value()) == digests.at(extent.first));
  CHECK(store::state_digest(state_at(options.path, 900).value()) == digests.at(900));

  const Error dropped = error_of(state_at(options.path, extent.first - 1));
  CHECK(dropped.code() == Errc::not_replayable);
  CHECK(*dropped.field("version") == Value{extent.first - 1});

  const ReplayReport report = replay(options.path).value();
  CHECK(report.from == extent.first);
  CHECK(report.version == 900);
  CHECK(report.digest == digests.at(900));
}

TEST_CASE("however little history is wanted, either of the two newest checkpoints is enough to go on [F26]",
          "[replay][journal][F26]") {
  const Folder folder;
  JournalOptions options = in(folder);
  options.history_min = 1;
  std::map<Version, Digest> digests;
  for (int run = 0; run < 2; ++run) {
    JournalledTurn turn{options};
    digests.merge(commit_many(turn, 300));
    CHECK(turn.end());
  }
  CHECK(journal_extent(options.path).value().first > 1);
  const ReplayReport report = replay(options.path).value();
  CHECK(report.version == 600);
  CHECK(report.checkpoints >= 1);
  CHECK(report.digest == digests.at(600));

  alter(options.path,
        "UPDATE checkpoints SET proof = zeroblob(32) WHERE version = (SELECT max(version) FROM checkpoints)");
  const JournalledTurn again{options};
  CHECK(again.found().checkpoints_refused == 1);
  CHECK(again.digest() == digests.at(600));
}

TEST_CASE("a replay goes through every version and compares the digests of checkpoints [F36]", "[replay][F36]") {
  const Folder folder;
  std::map<Version, Digest> digests;
  {
    JournalledTurn turn{in(folder)};
    digests = commit_many(turn, 300);
    CHECK(turn.end());
  }
  std::map<Version, Digest> again;
  const auto note = [&](const Snapshot& state) { again.emplace(state.version(), store::state_digest(state)); };
  const ReplayReport report = replay(in(folder).path, {.on_version = note}).value();
  CHECK(again == digests);
  CHECK(report.from == 0);
  CHECK(report.commits == 300);
  CHECK(report.causes == std::map<std::string, std::uint64_t>{{"external", 300}});
  CHECK(report.checkpoints >= 1);
  CHECK(replay(in(folder).path, {.to = 17}).value().digest == digests.at(17));
  CHECK(replay(in(folder).path, {.from_nearest = true}).value().commits < 300);

  alter(in(folder).path,
        "UPDATE checkpoints SET digest = zeroblob(32) WHERE version = (SELECT min(version) FROM "
        "checkpoints)");
  const Error other = error_of(replay(in(folder).path));
  CHECK(other.code() == Errc::replay_diverged);
  REQUIRE(other.field("version") != nullptr);
  CHECK(other.field("version")->as_int() >= 49);  // while version 50 is written, 49 is the newest to be seen
}

TEST_CASE("a replay names the first record that is not the one that was written [F26]", "[replay][F26]") {
  const Folder folder;
  {
    JournalledTurn turn{in(folder)};
    commit_many(turn, 20);
    CHECK(turn.end());
  }
  std::int64_t version = 7;
  SECTION("changed") {
    alter(in(folder).path,
          "UPDATE commits SET record = (SELECT record FROM commits WHERE version = 8) WHERE version = 7");
  }
  SECTION("dropped") { alter(in(folder).path, "DELETE FROM commits WHERE version = 7"); }
  SECTION("cut off below what was safe") {
    alter(in(folder).path, "DELETE FROM commits WHERE version > 18");
    version = 20;
  }
  const Error refused = error_of(replay(in(folder).path));
  CHECK(refused.code() == Errc::journal_corrupt);
  CHECK(*refused.field("version") == Value{version});
  CHECK(replay(in(folder).path, {.to = 6}).ok() == (version == 7));
}

TEST_CASE("what is no journal is refused, and none is made", "[replay]") {
  const Folder folder;
  CHECK(error_of(state_at(folder.path() / "none", 0)).code() == Errc::bad_input);
  CHECK(error_of(state_at(folder.file("empty", ""), 0)).code() == Errc::bad_input);
  CHECK(error_of(state_at(folder.file("text", "once upon a time, there was a file of some bytes"), 0)).code() ==
        Errc::journal_corrupt);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "none"));
}

TEST_CASE("the first altered entry of an audit log is named, with line breaks escaped [F138]", "[replay][F138]") {
  const Folder folder;
  {
    JournalledTurn turn{in(folder)};
    for (int i = 1; i <= 5; ++i)
      turn.turn().audit({.kind = AuditEntry::Kind::elevation, .who = "p\n6 forged", .reason = std::to_string(i)});
    CHECK(turn.end());
  }
  const auto path = in(folder).path;
  const AuditLogReport whole = verify_audit_log(path).value();
  CHECK(whole.entries == 5);
  CHECK(audit_log_of(path, 2).value().front().reason == "4");
  std::int64_t altered = 3;
  SECTION("its reason") { alter(path, "UPDATE audit SET reason = 'nothing' WHERE sequence = 3"); }
  SECTION("its time") { alter(path, "UPDATE audit SET time = time + 1 WHERE sequence = 3"); }
  SECTION("its kind") { alter(path, "UPDATE audit SET kind = 'Elevation' WHERE sequence = 3"); }
  SECTION("it was taken out") {
    alter(path, "DELETE FROM audit WHERE sequence = 3; UPDATE audit SET sequence = sequence - 1 WHERE sequence > 3");
  }
  SECTION("the last ones were taken out") {
    alter(path, "DELETE FROM audit WHERE sequence > 3");
    altered = 4;
  }
  const Error refused = error_of(verify_audit_log(path));
  CHECK(refused.code() == Errc::journal_corrupt);
  CHECK(*refused.field("sequence") == Value{altered});
  CHECK(refused.text().find('\n') == std::string::npos);
}

TEST_CASE("why agents ran is read back as it was", "[replay]") {
  const AgentCause agent{.trigger = {.kind = Trigger::Kind::change,
                                     .number = 3,
                                     .missed = 2,
                                     .name = "tick",
                                     .payload = {{"n", 1.5}},
                                     .paths = {Path{"domain.a"}, Path{"domain['x y'].b"}},
                                     .since = 41,
                                     .messages = {{"book", Value::list({1})}, {"", Value{}}}},
                         .state = Value{}};
  const AgentCause back = agent_cause_of(to_value(agent)).value();
  CHECK(to_value(back) == to_value(agent));
  CHECK(back.trigger.paths == agent.trigger.paths);
  CHECK(back.trigger.messages[1].content.is_null());
  REQUIRE(back.state);

  RoundCause round{.agents = 3, .mail = {{1, {{"a", 7}}}}, .states = {{0, Value{}}, {2, Value{5}}}};
  CHECK(round_cause_of(to_value(round)).value().states == round.states);
  round.states.emplace(1, "all of them");
  CHECK(round_cause_of(to_value(round)).value().states == round.states);
  CHECK(round_cause_of(to_value(round)).value().mail.at(1)[0].content == Value{7});

  for (const Value& damaged : {Value{}, Value{{"trigger", 1}}, Value{{"trigger", {{"kind", 99}}}},
                               Value{{"trigger", {{"kind", 1}, {"messages", Value::list({1})}}}}})
    CHECK(agent_cause_of(damaged).error().code() == Errc::bad_argument);
  CHECK(round_cause_of(Value{{"agents", -1}}).error().code() == Errc::bad_argument);
}

// The bytes of records and the digests of states stand in journals and are compared by other builds: with any compiler,
// at any level of optimisation, they are these.
TEST_CASE("records and digests are the same in every build", "[replay][golden]") {
  const Folder folder;
  JournalledTurn turn{in(folder)};
  Value mixed{{"int", -7}, {"big", std::int64_t{1} << 60}, {"double", 0.1 + 0.2}, {"tiny", 5e-324}, {"text", "naïve"}};
  mixed.set("list", Value::list({true, Value{}, 1.0 / 3.0, Value::map(), Value::list()}));
  turn.commit({{"domain.mixed", mixed}, {"domain['a b'].c", "quoted"}}).value();
  for (int i = 0; i < 200; ++i)
    turn.commit({{Path{"domain.many.key" + std::to_string(i * 7919 % 1000)}, std::sqrt(static_cast<double>(i))},
                 Write::append("domain.list", i),
                 Write::increment("domain.sum", 0.1)})
        .value();
  turn.commit({Write::erase("domain.many.key0"), Write::splice("domain.list", 10, 50, Value::list({"cut"}))}).value();
  CHECK(turn.digest().text() == "c1cda5feff3e7d9612c401351227fd45a0b902ebd959057e9a68dda5bdd89bd0");

  std::vector<std::byte> record;
  const std::vector<Write> writes{{"domain.mixed", mixed}, Write::max("domain.top", 2.5)};
  const std::vector<Signal> signals{{"tick", {{"n", 1}}}};
  const Cause cause{.kind = Cause::Kind::process,
                    .name = "sell",
                    .number = 12,
                    .attempt = 2,
                    .time = std::chrono::system_clock::time_point{std::chrono::seconds{1'700'000'000}},
                    .contract = 0x0123456789abcdefULL,
                    .arguments = {{"customer", "Ada"}}};
  append_record(record, {.base = 41, .writes = writes, .signals = signals}, cause);
  Sha256 sha;
  sha.add(record);
  CHECK(sha.finish().text() == "fa098db7ddcaf7191a2d170d712adab220cb0985977f7e69f5b4aa2576004680");

  const Contract contract =
      Contract::compile("sell", {"domain.sold", "domain.x.*"}, {"domain.sold"}, Semantic::effect).value();
  CHECK(contract_hash(contract) == 303462870250608062ULL);
  CHECK(with_name(with_name(0, "member_1"), "member_2") == 1133853486365315558ULL);
}

}  // namespace
}  // namespace theus

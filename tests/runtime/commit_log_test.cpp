#include "runtime/commit_turn.hpp"
#include "tests/support/scripted_log.hpp"

#include <catch2/catch.hpp>

#include <future>
#include <numeric>
#include <random>
#include <thread>

namespace theus {
namespace {

using testing::ScriptedLog;

const Error full{Errc::disk_full, "the journal", "no space is left", "Make room"};
const Error broken{Errc::journal_failed, "the journal", "the disk does not answer", "Start again"};

Outcome commit(CommitTurn& turn, Version base, std::vector<Write> writes) {
  return turn.commit(ProposalView{.base = base, .writes = writes});
}

std::future<Outcome> commit_elsewhere(CommitTurn& turn, Version base, std::vector<Write> writes) {
  return std::async(std::launch::async,
                    [&turn, base, writes = std::move(writes)] { return commit(turn, base, writes); });
}

bool is_waiting(const std::future<Outcome>& outcome) {
  return outcome.wait_for(std::chrono::seconds{0}) == std::future_status::timeout;
}

/// What the turn told its listener.
struct Told final : CommitListener {
  std::vector<Version> versions;
  std::vector<AuditEntry> audits;
  void committed(Version version, std::span<const Signal>) noexcept override { versions.push_back(version); }
  void audited(const AuditEntry& entry) noexcept override { audits.push_back(entry); }
};

struct LoggedTurn {
  ScriptedLog log;
  Told told;
  CommitTurn turn{&told, system_clock(), {.log = &log}};
};

std::int64_t count(const CommitTurn& turn) { return turn.snapshot().get<std::int64_t>("domain.count", 0).value(); }

TEST_CASE("a commit is neither seen nor answered before the log has it", "[commit_log]") {
  LoggedTurn logged;
  logged.log.hold();
  auto outcome = commit_elsewhere(logged.turn, 0, {{"domain.count", 1}});
  logged.log.await_batch();
  CHECK(is_waiting(outcome));
  CHECK(logged.turn.version() == 0);
  CHECK(count(logged.turn) == 0);
  CHECK(logged.told.versions.empty());

  logged.log.release();
  CHECK(outcome.get().value() == 1);
  CHECK(count(logged.turn) == 1);
  CHECK(logged.told.versions == std::vector<Version>{1});
  CHECK(logged.log.versions() == std::vector<Version>{1});
  CHECK(logged.turn.durable_version() == 1);
}

TEST_CASE("commits that come while a batch is written form the next one", "[commit_log]") {
  LoggedTurn logged;
  logged.log.hold();
  std::vector<std::future<Outcome>> outcomes;
  outcomes.push_back(commit_elsewhere(logged.turn, 0, {Write::increment("domain.count", 1)}));
  logged.log.await_batch();
  for (int i = 0; i < 5; ++i)
    outcomes.push_back(commit_elsewhere(logged.turn, 0, {Write::increment("domain.count", 1)}));
  logged.log.release();
  std::vector<Version> versions;
  for (auto& outcome : outcomes)
    versions.push_back(outcome.get().value());
  std::ranges::sort(versions);
  CHECK(versions == std::vector<Version>{1, 2, 3, 4, 5, 6});
  CHECK(logged.log.versions() == versions);
  CHECK(logged.told.versions == versions);
  CHECK(count(logged.turn) == 6);
}

TEST_CASE("a batch that does not fit on the disk is refused whole, and the next one commits [F20]",
          "[commit_log][F20]") {
  LoggedTurn logged;
  commit(logged.turn, 0, {{"domain.count", 1}, {"domain.text", "kept"}}).value();
  logged.log.fail(full);

  const Outcome refused =
      commit(logged.turn, 1, {{"domain.count", 2}, {"domain.other.deep", 5}, Write::erase("domain.text")});

  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::disk_full);
  CHECK(logged.turn.version() == 1);
  CHECK(count(logged.turn) == 1);
  CHECK(logged.turn.snapshot().get<std::string>("domain.text").value() == "kept");
  CHECK_FALSE(logged.turn.snapshot().contains("domain.other"));
  CHECK(logged.told.versions == std::vector<Version>{1});

  logged.log.fail(std::nullopt);
  CHECK(commit(logged.turn, 1, {{"domain.count", 3}}).value() == 2);
  CHECK(count(logged.turn) == 3);
  CHECK(logged.turn.snapshot().get<std::string>("domain.text").value() == "kept");
}

TEST_CASE("what was committed on top of a refused batch is refused with it", "[commit_log][F20]") {
  LoggedTurn logged;
  commit(logged.turn, 0, {{"domain.count", 1}}).value();
  logged.log.hold();
  auto first = commit_elsewhere(logged.turn, 1, {Write::increment("domain.count", 1)});
  logged.log.await_batch();
  // Neither of these two has been written when the first one fails; the last is a conflict with the first.
  auto second = commit_elsewhere(logged.turn, 1, {Write::increment("domain.count", 1)});
  auto conflict = commit_elsewhere(logged.turn, 1, {{"domain.count", 9}});
  while (is_waiting(second) && logged.turn.statistics().version < 3)
    std::this_thread::yield();
  logged.log.fail(broken);
  logged.log.release();

  CHECK(first.get().error().code() == Errc::journal_failed);
  CHECK(second.get().error().code() == Errc::journal_failed);
  CHECK(conflict.get().error().code() == Errc::journal_failed);
  CHECK(logged.turn.version() == 1);
  CHECK(count(logged.turn) == 1);
}

TEST_CASE("after a failure of the disk commits stop and reads go on [F22]", "[commit_log][F22]") {
  LoggedTurn logged;
  commit(logged.turn, 0, {{"domain.count", 1}}).value();
  logged.log.fail(broken);
  CHECK(commit(logged.turn, 1, {{"domain.count", 2}}).error().code() == Errc::journal_failed);
  logged.log.fail(std::nullopt);
  CHECK(commit(logged.turn, 1, {{"domain.count", 2}}).error().code() == Errc::journal_failed);
  CHECK(count(logged.turn) == 1);
  CHECK(logged.log.versions() == std::vector<Version>{1});
}

TEST_CASE("a repeated request is answered only once its commit is in the log [F88]", "[commit_log][F88]") {
  LoggedTurn logged;
  const std::vector<Write> writes{Write::increment("domain.count", 1)};
  const Request request{"once", 1};
  const auto send = [&] { return logged.turn.commit(ProposalView{.writes = writes, .request = &request}); };
  logged.log.hold();
  auto first = std::async(std::launch::async, send);
  logged.log.await_batch();
  auto repeated = std::async(std::launch::async, send);
  CHECK_FALSE(logged.turn.request_outcome(request).value());
  CHECK(is_waiting(repeated));
  logged.log.release();
  CHECK(first.get().value() == 1);
  CHECK(repeated.get().value() == 1);
  CHECK(logged.turn.request_outcome(request).value()->version == 1);
  CHECK(count(logged.turn) == 1);
}

TEST_CASE("a request whose batch was refused may come again [F88]", "[commit_log][F88]") {
  LoggedTurn logged;
  const std::vector<Write> writes{Write::increment("domain.count", 1)};
  const Request request{"once", 1};
  const auto send = [&] { return logged.turn.commit(ProposalView{.writes = writes, .request = &request}); };
  logged.log.fail(full);
  CHECK(send().error().code() == Errc::disk_full);
  logged.log.fail(std::nullopt);
  CHECK(send().value() == 1);
  CHECK(send().value() == 1);
  CHECK(count(logged.turn) == 1);
}

TEST_CASE("published at once, commits are answered before the log has them, and waited for on request",
          "[commit_log]") {
  ScriptedLog log;
  CommitTurn turn{nullptr, system_clock(), {.log = &log, .publishes_before_logging = true}};
  log.hold();
  CHECK(commit(turn, 0, {{"domain.count", 1}}).value() == 1);
  CHECK(count(turn) == 1);
  CHECK(turn.durable_version() == 0);
  CHECK(turn.wait_durable(1, std::chrono::steady_clock::now()).error().code() == Errc::timeout);
  log.release();
  CHECK(turn.wait_durable(1, std::chrono::steady_clock::now() + std::chrono::seconds{60}));
  CHECK(turn.durable_version() == 1);
}

TEST_CASE("published at once, more than the bound waits for the log", "[commit_log]") {
  ScriptedLog log;
  CommitTurn turn{nullptr, system_clock(), {.log = &log, .publishes_before_logging = true, .unlogged_max = 2}};
  log.hold();
  commit(turn, 0, {{"domain.count", 1}}).value();
  commit(turn, 1, {{"domain.count", 2}}).value();
  auto third = commit_elsewhere(turn, 2, {{"domain.count", 3}});
  while (count(turn) != 3)
    std::this_thread::yield();
  CHECK(is_waiting(third));
  log.release();
  CHECK(third.get().value() == 3);
}

TEST_CASE("published at once, what the disk refused is written when there is room again [F20]", "[commit_log][F20]") {
  ScriptedLog log;
  CommitTurn turn{nullptr, system_clock(), {.log = &log, .publishes_before_logging = true}};
  log.fail(full);
  commit(turn, 0, {{"domain.count", 1}}).value();
  while (commit(turn, turn.version(), {Write::increment("domain.more", 1)}))
    std::this_thread::yield();
  const Version last = turn.version();
  CHECK(commit(turn, last, {{"domain.count", 2}}).error().code() == Errc::disk_full);
  log.fail(std::nullopt);
  while (turn.durable_version() < last)
    std::this_thread::yield();
  CHECK(commit(turn, last, {{"domain.count", 2}}).value() == last + 1);
  CHECK(turn.wait_durable(last + 1, std::chrono::steady_clock::now() + std::chrono::seconds{60}));
  std::vector<Version> all(last + 1);
  std::iota(all.begin(), all.end(), 1);
  CHECK(log.versions() == all);
}

TEST_CASE("an entry of the audit log is kept with its commit, and told with its number", "[commit_log]") {
  LoggedTurn logged;
  logged.turn.audit({.kind = AuditEntry::Kind::elevation, .who = "transaction", .reason = "first"});
  const AuditEntry edit{.kind = AuditEntry::Kind::edit, .who = "transaction", .reason = "by hand"};
  const std::vector<Write> writes{{"domain.count", 1}};
  CHECK(logged.turn.commit(ProposalView{.writes = writes, .audit = &edit}).value() == 1);
  CHECK(logged.turn.close());
  const auto audits = logged.log.audits();
  REQUIRE(audits.size() == 2);
  CHECK(audits[0].reason == "first");
  CHECK(audits[1].reason == "by hand");
  CHECK(audits[1].version == 1);
  REQUIRE(logged.told.audits.size() == 2);
  CHECK(logged.told.audits[1].sequence == 2);
}

TEST_CASE("closing a turn writes what waits", "[commit_log]") {
  ScriptedLog log;
  auto turn = std::make_unique<CommitTurn>(nullptr, system_clock(),
                                           CommitTurn::Terms{.log = &log, .publishes_before_logging = true});
  for (Version base = 0; base < 100; ++base)
    commit(*turn, base, {{"domain.count", static_cast<std::int64_t>(base)}}).value();
  CHECK(turn->close());
  CHECK(log.versions().size() == 100);
  CHECK(commit(*turn, 100, {{"domain.count", 1}}).error().code() == Errc::closed);
}

TEST_CASE("whatever fails in between, the state is what was acknowledged, and old snapshots stay whole [F20]",
          "[commit_log][F20]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  LoggedTurn logged;
  std::map<std::string, std::int64_t> model;
  std::vector<std::pair<Snapshot, std::map<std::string, std::int64_t>>> kept;
  for (int step = 0; step < 3000; ++step) {
    const bool fails = random() % 4 == 0;
    logged.log.fail(fails ? std::optional{full} : std::nullopt);
    std::vector<Write> writes;
    auto wanted = model;
    for (auto left = 1 + random() % 4; left > 0; --left) {
      const std::string key = "domain.m" + std::to_string(random() % 3) + ".k" + std::to_string(random() % 60);
      if (random() % 3 == 0) {
        writes.push_back(Write::erase(Path{key}));
        wanted.erase(key);
      } else {
        writes.push_back(Write::set(Path{key}, step));
        wanted[key] = step;
      }
    }
    const bool changes = wanted != model;
    const Outcome outcome = commit(logged.turn, logged.turn.version(), writes);
    // What sets and erases the same key has changed nothing in the end, but is a commit.
    if (!fails || changes)
      REQUIRE(outcome.ok() == !fails);
    if (outcome)
      model = wanted;
    if (random() % 16 == 0)
      kept.emplace_back(logged.turn.snapshot(), model);
    if (kept.size() > 8)
      kept.erase(kept.begin() + static_cast<std::ptrdiff_t>(random() % kept.size()));
  }
  kept.emplace_back(logged.turn.snapshot(), model);
  for (const auto& [snapshot, expected] : kept) {
    std::map<std::string, std::int64_t> seen;
    for (int map = 0; map < 3; ++map)
      for (int key = 0; key < 60; ++key) {
        const std::string path = "domain.m" + std::to_string(map) + ".k" + std::to_string(key);
        if (const auto value = snapshot.find(Path{path}))
          seen[path] = value->as_int();
      }
    CHECK(seen == expected);
  }
}

}  // namespace
}  // namespace theus

// The pipeline before the log under threads, while batches are refused at random, judged as one history.

#include "runtime/commit_turn.hpp"
#include "tests/support/history_check.hpp"
#include "tests/support/register_paths.hpp"
#include "tests/support/simulation.hpp"

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <future>
#include <random>
#include <thread>

namespace theus::testing {
namespace {

/// Refuses batches at random, and takes some time for the others.
class UnreliableLog final : public CommitLog {
public:
  explicit UnreliableLog(unsigned seed) : random_(seed) {}

  Status append(std::span<LoggedCommit* const> batch) override {
    for (auto pauses = random_() % 8; pauses > 0; --pauses)
      std::this_thread::yield();
    if (random_() % 5 == 0) {
      ++refused;
      return Error{Errc::disk_full, "the journal", "no space is left", "Make room"};
    }
    for (const LoggedCommit* commit : batch) {
      is_dense &= commit->version == last + 1;
      last = commit->version;
    }
    return {};
  }
  bool tidy() override { return false; }

  std::uint64_t refused = 0;
  Version last = 0;
  bool is_dense = true;

private:
  std::mt19937 random_;
};

/// One proposal that goes the way of actors.
class OneProposal final : public ProposalBatch {
public:
  void settled() noexcept override { done.set_value(); }
  std::promise<void> done;
};

class Client {
public:
  Client(CommitTurn& turn, const RegisterPaths& registers, const History& shape, std::atomic<std::uint64_t>& stamps,
         unsigned seed, unsigned number)
      : record(shape),
        turn_(turn),
        registers_(registers),
        stamps_(stamps),
        mind_(shape, seed, 1 + 10'000'000 * static_cast<std::int64_t>(number)) {}

  void run(unsigned operations) {
    for (unsigned i = 0; i < operations; ++i)
      if (mind_.wants_to_look())
        look();
      else
        swap();
  }

  History record;
  unsigned committed = 0;
  unsigned refused = 0;

private:
  void look() {
    const auto paths = mind_.choose_paths();
    const std::uint64_t invoked = ++stamps_;
    const Snapshot snapshot = turn_.snapshot();
    Observation observation{snapshot.version(), {}};
    for (const PathId path : paths)
      observation.seen.push_back(registers_.seen(snapshot.find(registers_.path(path)), path));
    testing::record(record, {invoked, ++stamps_}, paths, observation);
    mind_.has_seen(observation.version);
  }

  /// What the disk refused has not happened: it is no part of the history.
  void swap() {
    const History::Wish wish = mind_.wish();
    const auto reads = registers_.paths(wish.reads);
    const auto writes = registers_.writes(wish.changes);
    const std::uint64_t invoked = ++stamps_;
    const Outcome outcome = commit({wish.base, false, reads, writes, {}});
    const bool is_refused = !outcome && outcome.error().code() == Errc::disk_full;
    (is_refused ? refused : committed) += 1;
    if (!is_refused)
      testing::record(record, {invoked, ++stamps_}, wish, registers_.answer(outcome));
  }

  Outcome commit(const ProposalView& proposal) {
    if (mind_.roll(2) == 0)
      return turn_.commit(proposal);
    const auto batch = std::make_shared<OneProposal>();
    batch->proposals.push_back(proposal);
    auto done = batch->done.get_future();
    turn_.commit(batch);
    done.wait();
    return *batch->outcomes.front();
  }

  CommitTurn& turn_;
  const RegisterPaths& registers_;
  std::atomic<std::uint64_t>& stamps_;
  ClientMind mind_;
};

TEST_CASE("whatever batches the disk refuses, what clients are told has an order that explains it [F20][F80]",
          "[commit_log][history][stress][F20][F80]") {
  const unsigned clients = GENERATE(1U, 3U, 8U);
  const unsigned seed = std::random_device{}();
  INFO("seed " << seed << ", " << clients << " clients");
  const History shape{groups_of_leaves(3, 4)};
  const RegisterPaths registers{shape};
  UnreliableLog log{seed};
  CommitTurn turn{nullptr, system_clock(), {.log = &log}};
  std::atomic<std::uint64_t> stamps{0};
  std::vector<std::unique_ptr<Client>> all;
  for (unsigned number = 0; number < clients; ++number)
    all.push_back(std::make_unique<Client>(turn, registers, shape, stamps, seed + number, number));
  std::vector<std::thread> threads;
  for (auto& client : all)
    threads.emplace_back([&] { client->run(12'000 / clients); });
  for (std::thread& thread : threads)
    thread.join();
  CHECK(turn.close());

  History history = shape;
  unsigned refused = 0;
  for (const auto& client : all) {
    history.append(client->record);
    refused += client->refused;
  }
  const auto violation = find_violation(history);
  INFO((violation ? violation->text : ""));
  CHECK_FALSE(violation.has_value());
  CHECK(refused > 100);
  CHECK(log.is_dense);
  CHECK(log.last == turn.version());
}

TEST_CASE("commits that meet the end of the turn are kept, or refused as closed", "[commit_log][stress]") {
  for (int round = 0; round < 200; ++round) {
    UnreliableLog log{static_cast<unsigned>(round)};
    CommitTurn turn{nullptr, system_clock(), {.log = &log}};
    std::atomic<int> begun{0};
    std::atomic<unsigned> committed{0};
    std::vector<std::thread> clients;
    for (int client = 0; client < 3; ++client)
      clients.emplace_back([&] {
        for (;;) {
          const std::vector<Write> writes{Write::increment("domain.count", 1)};
          ++begun;
          const Outcome outcome = turn.commit(ProposalView{.writes = writes});
          committed += outcome ? 1 : 0;
          if (!outcome && outcome.error().code() == Errc::closed)
            return;
        }
      });
    while (begun < 6)
      std::this_thread::yield();
    (void)turn.close();
    for (std::thread& client : clients)
      client.join();
    REQUIRE(log.last == committed);
    REQUIRE(turn.version() == committed);
  }
}

}  // namespace
}  // namespace theus::testing

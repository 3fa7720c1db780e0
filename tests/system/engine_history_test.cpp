// All doors of an engine at once, judged as one history: swaps, updates and transactions of threads, and processes
// whose commits go through the state owner's actor.

#include "tests/support/history_check.hpp"
#include "tests/support/register_paths.hpp"
#include "tests/support/simulation.hpp"

#include <theus/engine.hpp>

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <thread>

namespace theus::testing {
namespace {

/// The order of calls and answers of all threads.
class Stamps {
public:
  std::uint64_t next() { return ++last_; }

private:
  std::atomic<std::uint64_t> last_{0};
};

/// One client of the engine, on a thread of its own, and the record of what it was told.
class Client {
public:
  Client(Engine& engine, const RegisterPaths& registers, const History& shape, Stamps& stamps, unsigned number)
      : record(shape),
        engine_(engine),
        registers_(registers),
        stamps_(stamps),
        name_("client" + std::to_string(number)),
        mind_(shape, number, 1 + 10'000'000 * static_cast<std::int64_t>(number)) {
    engine_.register_process({.name = name_, .inputs = {"domain"}, .outputs = {"domain"}, .body = process()}).value();
  }

  void run(unsigned operations) {
    for (unsigned i = 0; i < operations; ++i)
      if (mind_.wants_to_look())
        look();
      else
        change(mind_.roll(4));
  }

  History record;
  std::array<unsigned, 4> committed{};  // by door
  unsigned refused = 0;
  unsigned repeated_differently = 0;

private:
  /// The stamps of a call that is recorded as two.
  struct Call {
    std::uint64_t first;
    std::uint64_t second;
  };
  Call call() {
    const std::uint64_t first = stamps_.next();
    return {first, stamps_.next()};
  }

  void look() {
    const auto paths = mind_.choose_paths();
    const std::uint64_t invoked = stamps_.next();
    const Observation observation = observe(engine_.state(), paths);
    testing::record(record, {invoked, stamps_.next()}, paths, observation);
    mind_.has_seen(observation.version);
  }

  void change(unsigned door) {
    const History::Wish wish = mind_.wish();
    const bool has_changes = !wish.changes.empty();
    if (door == 1 && has_changes && wish.changes.front().kind == Change::Kind::set)
      update(wish.changes.front());
    else if (door == 2 && has_changes)
      transact(wish);
    else if (door == 3 && has_changes)
      execute(wish);
    else
      swap(wish);
  }

  /// Now and then the answer is lost; then the swap is forgotten, or repeated under its request id.
  void swap(const History::Wish& wish) {
    const auto writes = registers_.writes(wish.changes);
    CasOptions options{.reads = registers_.paths(wish.reads)};
    const unsigned loss = mind_.roll(12);
    if (loss == 0)
      options.request_id = name_ + "." + std::to_string(++requests_);
    const std::uint64_t invoked = stamps_.next();
    auto outcome = engine_.compare_and_swap(wish.base, writes, options);
    if (loss == 0) {
      const auto repeated = engine_.compare_and_swap(wish.base, writes, options);
      repeated_differently += outcome && (!repeated || *repeated != *outcome) ? 1 : 0;
      outcome = repeated;
    }
    if (loss == 1)
      return record.unanswered(invoked, wish);
    (outcome ? committed[0] : refused) += 1;
    testing::record(record, {invoked, stamps_.next()}, wish, registers_.answer(outcome));
  }

  void update(const Change& change) {
    std::vector<Seen> seen;
    const Call invoked = call();
    const Path& path = registers_.path(change.path);
    const auto version = engine_.update(path, [&](const Value& now) {
      seen = registers_.seen(now.is_null() ? std::nullopt : std::optional{now}, change.path);
      return change.value;
    });
    if (!version)
      return give_up();
    ++committed[1];
    // What it was computed from, stood there right before.
    add_pair(invoked, *version - 1, {&change.path, 1}, {{seen}}, {&change, 1}, *version);
  }

  void transact(const History::Wish& wish) {
    const Call invoked = call();
    Transaction transaction = engine_.transaction().value();
    const Version base = transaction.version();
    std::vector<std::vector<Seen>> seen;
    for (const PathId path : wish.reads)
      seen.push_back(registers_.seen(transaction.find(registers_.path(path)).value(), path));
    for (const Write& write : registers_.writes(wish.changes))
      transaction.write(write).value();
    const auto outcome = transaction.commit();
    if (outcome && *outcome > base) {
      ++committed[2];
      return add_pair(invoked, base, wish.reads, seen, wish.changes, *outcome);
    }
    refused += outcome ? 0 : 1;
    testing::record(record, {invoked.first, stamps_.next()}, {base, wish.reads, wish.changes},
                    registers_.answer(outcome));
  }

  void execute(const History::Wish& wish) {
    wish_ = wish;
    const Call invoked = call();
    const auto executed = engine_.execute(name_);
    if (!executed)
      return give_up();
    if (executed->version == base_)
      return testing::record(record, {invoked.first, stamps_.next()}, wish.reads, {base_, seen_});
    ++committed[3];
    add_pair(invoked, base_, wish.reads, seen_, wish.changes, executed->version);
  }

  Body process() {
    return [this](Context& ctx) {
      base_ = ctx.version();
      seen_.clear();
      for (const PathId path : wish_.reads)
        seen_.push_back(registers_.seen(ctx.find(registers_.path(path)), path));
      for (Write& write : registers_.writes(wish_.changes))
        ctx.write(std::move(write));
    };
  }

  /// One call that both read and swapped, recorded as two that overlap.
  void add_pair(const Call& invoked, Version base, std::span<const PathId> reads,
                const std::vector<std::vector<Seen>>& seen, std::span<const Change> changes, Version version) {
    testing::record(record, {invoked.first, stamps_.next()}, reads, {base, seen});
    record.swapped({invoked.second, stamps_.next()}, {base, reads, changes}, version);
  }

  // Refused after all attempts: whatever it left behind is found as a version that nobody made.
  void give_up() { ++refused; }

  Observation observe(const Snapshot& snapshot, std::span<const PathId> paths) const {
    Observation observation{snapshot.version(), {}};
    for (const PathId path : paths)
      observation.seen.push_back(registers_.seen(snapshot.find(registers_.path(path)), path));
    return observation;
  }

  Engine& engine_;
  const RegisterPaths& registers_;
  Stamps& stamps_;
  const std::string name_;
  ClientMind mind_;
  unsigned requests_ = 0;
  History::Wish wish_{};                 // of the process, which runs while run() waits for it
  Version base_ = 0;                     // of its last attempt
  std::vector<std::vector<Seen>> seen_;  // by its last attempt
};

TEST_CASE("what all doors of an engine answer under load has an order that explains it [F80][F81]",
          "[engine][history][stress][F80][F81]") {
  const auto leaves = GENERATE(2U, 20U);
  const History shape{groups_of_leaves(3, leaves)};
  const RegisterPaths registers{shape};
  Engine engine;
  Stamps stamps;
  std::vector<std::unique_ptr<Client>> clients;
  for (unsigned number = 0; number < 4; ++number)
    clients.push_back(std::make_unique<Client>(engine, registers, shape, stamps, number));
  std::vector<std::thread> threads;
  for (auto& client : clients)
    threads.emplace_back([&] { client->run(20'000); });
  for (std::thread& thread : threads)
    thread.join();

  History history = shape;
  std::array<unsigned, 4> committed{};
  unsigned refused = 0;
  for (const auto& client : clients) {
    history.append(client->record);
    refused += client->refused;
    for (std::size_t door = 0; door < committed.size(); ++door)
      committed[door] += client->committed[door];
    CHECK(client->repeated_differently == 0);
  }
  const auto violation = find_violation(history);
  INFO((violation ? std::string{to_string(violation->rule)} + " at operation " + std::to_string(violation->operation) +
                        ": " + violation->text
                  : "no violation"));
  CHECK_FALSE(violation.has_value());
  CHECK(refused > 100);
  for (const unsigned count : committed)
    CHECK(count > 100);
}

}  // namespace
}  // namespace theus::testing

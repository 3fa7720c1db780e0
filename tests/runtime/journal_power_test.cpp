// A power cut at any moment: between any two calls that change a file, with whatever the disk then has.

#include "tests/support/fault_files.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/numbered_commits.hpp"

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <random>

namespace theus::testing {
namespace {

using Fault = FaultFiles::Fault;
using Loss = FaultFiles::Loss;

constexpr store::LogPages few_pages{.wanted = 8, .most = 12};

JournalOptions in(const Folder& folder, const FaultFiles& files, Durability level = Durability::disk) {
  return {.path = folder.path() / "state.journal",
          .level = level,
          .checkpoint_interval = 6,
          .history_min = 7,
          .file_layer = files.name()};
}

/// What was promised at which moment, and what each version looked like.
struct Promises {
  /// From so many changes on, this version is promised to be found.
  struct Promise {
    std::size_t changes;
    Version version;
  };
  std::vector<Promise> all{};
  std::map<Version, Digest> digests{{0, state_digest_of_nothing()}};

  void add(std::size_t changes, Version version) { all.push_back({changes, version}); }
  Version at(std::size_t changes) const {
    Version promised = 0;
    for (const Promise& promise : all)
      if (promise.changes <= changes)
        promised = std::max(promised, promise.version);
    return promised;
  }

private:
  static Digest state_digest_of_nothing() {
    const CommitTurn turn;
    return store::state_digest(turn.snapshot());
  }
};

/// Commits the numbers on the journal, and notes what is promised by then.
void commit(JournalledTurn& turn, int first, int last, const FaultFiles& files, Promises& promises, Durability level) {
  for (int number = first; number <= last; ++number) {
    const Version version = numbered::commit(turn, number).value();
    promises.digests[version] = turn.digest();
    if (level == Durability::disk)
      promises.add(files.changes(), version);
    if (level == Durability::disk_async) {
      const Version durable = turn.turn().durable_version();
      promises.add(files.changes(), durable);
    }
  }
}

/// Opens what a cut has left: a prefix that has everything that was promised, and on which commits go on.
void check_cut(const FaultFiles& files, std::size_t changes, Loss loss, std::uint32_t seed, const Promises& promises) {
  INFO("cut after " << changes << " changes, loss " << to_string(loss) << ", seed " << seed);
  const Folder folder;
  write_image(files.cut(changes, loss, seed), folder.path());
  FaultFiles untouched;
  const JournalOptions options = in(folder, untouched);
  std::optional<JournalledTurn> turn;
  std::string refusal;
  try {
    turn.emplace(options, few_pages);
  } catch (const TheusError& error) {
    refusal = error.error().text();
  }
  REQUIRE(refusal == "");
  REQUIRE(turn->found().version >= promises.at(changes));
  REQUIRE(promises.digests.contains(turn->found().version));
  REQUIRE(turn->digest() == promises.digests.at(turn->found().version));
  REQUIRE(numbered::complaint(*turn, {}) == "");
  REQUIRE(numbered::commit(*turn, 1000).value() == turn->found().version + 1);
}

constexpr Loss all_losses[] = {Loss::all, Loss::nothing, Loss::some, Loss::sectors, Loss::zeros};

TEST_CASE("after a power cut at any moment everything acknowledged is there [F24][F25][F29]",
          "[journal_power][F24][F25][F29]") {
  const auto level = GENERATE(Durability::disk, Durability::os, Durability::disk_async);
  INFO(to_string(level));
  const Folder folder;
  FaultFiles files;
  Promises promises;
  for (int program = 0; program < 2; ++program) {
    JournalledTurn turn{in(folder, files, level), few_pages};
    commit(turn, 1 + 16 * program, 16 + 16 * program, files, promises, level);
    REQUIRE(turn.end());
    promises.add(files.changes(), turn.turn().version());
  }
  const std::uint32_t seed = std::random_device{}();
  for (std::size_t changes = 0; changes <= files.changes(); ++changes)
    for (const Loss loss : all_losses)
      check_cut(files, changes, loss, seed + static_cast<std::uint32_t>(changes), promises);
  WARN(to_string(level) << ": " << files.changes() << " changes, each followed by a cut with " << std::size(all_losses)
                        << " kinds of loss");
}

/// A program that ended with a failure, another one that went on with what the system still had of the files, and then
/// the power cut.
void check_cut_after(Fault fault, bool for_good, Durability level) {
  const std::uint32_t seed = std::random_device{}();
  std::mt19937 random{seed};
  int ended = 0;
  for (std::size_t nth = 1;; nth += 1 + random() % 4) {
    INFO("seed " << seed << ", " << to_string(fault) << " at call " << nth);
    const Folder folder;
    FaultFiles files;
    Promises promises;
    const auto commit_until_refused = [&](int first, int last) {
      JournalledTurn turn{in(folder, files, level), few_pages};
      promises.digests[turn.found().version] = turn.digest();
      // Whoever reads what was found, or repeats a request, is told that it is there.
      if (level == Durability::disk)
        promises.add(files.changes(), turn.found().version);
      if (first == 1)
        files.fail(nth, fault, for_good);
      for (int number = first; number <= last; ++number) {
        const Outcome outcome = numbered::commit(turn, number);
        if (!outcome)
          continue;
        promises.digests[*outcome] = turn.digest();
        if (level == Durability::disk && !(fault == Fault::death && files.failed()))
          promises.add(files.changes(), *outcome);
      }
    };
    commit_until_refused(1, 20);
    if (!files.failed())
      break;
    ++ended;
    files.work_again();
    const std::size_t end = files.changes();
    commit_until_refused(101, 103);
    for (int i = 0; i < 16; ++i)
      check_cut(files, end + random() % (files.changes() - end + 1), static_cast<Loss>(random() % FaultFiles::losses),
                static_cast<std::uint32_t>(random()), promises);
  }
  CHECK(ended > 15);
}

TEST_CASE("what was found after a program's end outlives a power cut [F05][F29]", "[journal_power][F05][F29]") {
  check_cut_after(Fault::death, true, GENERATE(Durability::disk, Durability::os));
}

TEST_CASE("what was found after a failure of the disk outlives a power cut [F22][F29]", "[journal_power][F22][F29]") {
  check_cut_after(Fault::io, false, GENERATE(Durability::disk, Durability::os));
}

}  // namespace
}  // namespace theus::testing

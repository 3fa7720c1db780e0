// Every call that a journal makes of the file system fails once, or from then on; whatever was acknowledged stays.

#include "tests/support/fault_files.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/numbered_commits.hpp"

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <mutex>
#include <random>
#include <thread>

namespace theus::testing {
namespace {

using Call = FaultFiles::Call;
using Fault = FaultFiles::Fault;

constexpr store::LogPages few_pages{.wanted = 8, .most = 12};

JournalOptions in(const Folder& folder, const FaultFiles& files) {
  return {
      .path = folder.path() / "state.journal", .checkpoint_interval = 4, .history_min = 5, .file_layer = files.name()};
}

/// What clients were told, by commit and by error.
struct Told {
  std::map<int, Version> acknowledged;
  std::vector<Error> errors;

  void add(int number, const Outcome& outcome) {
    if (outcome)
      acknowledged.emplace(number, *outcome);
    else
      errors.push_back(outcome.error());
  }
  std::string text() const {
    std::string all;
    for (const Error& error : errors)
      all += error.text() + "\n";
    return all;
  }
};

/// Two programs, one after the other, on one journal: the first makes it.
class TwoPrograms {
public:
  explicit TwoPrograms(JournalOptions options) : options_(std::move(options)) {}

  /// Both take what faults there are. `between` is called while the journal is open and refused something.
  void run(Told& told, const std::function<void()>& between = {}) {
    for (int program = 0; program < 2; ++program) {
      const std::size_t before = told.errors.size();
      try {
        JournalledTurn turn{options_, few_pages};
        for (int i = 0; i < 9; ++i)
          commit(turn, told);
        turn.journal().tidy();
        if (between && told.errors.size() > before) {
          between();
          resumes_ = commit(turn, told);
        }
        if (const Status ended = turn.end(); !ended)
          told.errors.push_back(ended.error());
      } catch (const TheusError& refused) {
        told.errors.push_back(refused.error());
      }
    }
  }
  /// Whether commits went on after what was `between`.
  std::optional<bool> resumes() const { return resumes_; }

private:
  bool commit(JournalledTurn& turn, Told& told) {
    const int number = ++last_;
    const Outcome outcome = numbered::commit(turn, number);
    told.add(number, outcome);
    CHECK(!turn.at("domain.sum").is_null() == (turn.turn().version() > 0));  // reads go on
    return outcome.ok();
  }

  const JournalOptions options_;
  int last_ = 0;
  std::optional<bool> resumes_;
};

bool is_for_room(Fault fault) { return fault == Fault::full || fault == Fault::torn || fault == Fault::quota; }

TEST_CASE("whichever call of the file system fails, what was acknowledged is found again [F20][F21][F22]",
          "[journal_faults][F20][F21][F22]") {
  const auto fault = GENERATE(Fault::full, Fault::torn, Fault::quota, Fault::io);
  const bool for_good = GENERATE(false, true);
  INFO(to_string(fault) << (for_good ? " for good" : " once"));
  std::map<Call, int> failed;
  int resumed = 0;
  for (std::size_t nth = 1;; ++nth) {
    const Folder folder;
    FaultFiles files;
    const JournalOptions options = in(folder, files);
    files.fail(nth, fault, for_good);
    Told told;
    TwoPrograms programs{options};
    programs.run(told, [&] { files.work_again(); });
    files.work_again();
    if (!files.failed())
      break;
    const Call call = *files.failed();
    INFO("call " << nth << ", " << to_string(call));
    ++failed[call];
    // Room may come back. After any other failure nobody knows what the disk has, least of all after that of a sync.
    const bool may_go_on = is_for_room(fault) && call != Call::sync && call != Call::open;
    const std::set<Errc> expected{may_go_on ? Errc::disk_full : Errc::journal_failed};
    INFO(told.text());
    for (const Error& error : told.errors)
      REQUIRE(expected.contains(error.code()));
    if (programs.resumes()) {
      resumed += *programs.resumes() ? 1 : 0;
      REQUIRE(*programs.resumes() == may_go_on);
    }
    JournalledTurn again{options, few_pages};
    REQUIRE(numbered::complaint(again, told.acknowledged) == "");
    REQUIRE(numbered::commit(again, 1000));
    REQUIRE(again.end());
  }
  std::string told;
  for (const auto& [call, times] : failed)
    told += " " + std::to_string(times) + " " + std::string{to_string(call)};
  WARN(to_string(fault) << (for_good ? " for good:" : " once:") << told << "; went on by itself " << resumed
                        << " times");
  CHECK(failed[Call::write] > 50);
  CHECK((resumed > 20) == is_for_room(fault));
  if (!for_good || !is_for_room(fault)) {
    CHECK(failed[Call::sync] > 10);
    CHECK(failed[Call::open] > 3);
  }
}

TEST_CASE("several clients are told the truth whichever call fails [F20][F22]", "[journal_faults][F20][F22]") {
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  for (int round = 0; round < 150; ++round) {
    const Folder folder;
    FaultFiles files;
    const JournalOptions options = in(folder, files);
    Told told;
    std::mutex told_mutex;
    const auto fault = static_cast<Fault>(random() % 4);
    const bool for_good = random() % 2 == 0;
    INFO("round " << round << ", " << to_string(fault));
    {
      JournalledTurn turn{options, few_pages};
      files.fail(1 + random() % 200, fault, for_good);
      std::vector<std::thread> clients;
      for (int client = 0; client < 4; ++client)
        clients.emplace_back([&, client] {
          for (int i = 0; i < 12; ++i) {
            const int number = 1 + client + 4 * i;
            const Outcome outcome = numbered::commit(turn, number);
            const std::lock_guard lock{told_mutex};
            told.add(number, outcome);
          }
        });
      for (auto& client : clients)
        client.join();
      // What is seen is what was told, at any time.
      REQUIRE(numbered::present(turn).size() == told.acknowledged.size());
      REQUIRE(numbered::complaint(turn, told.acknowledged) == "");
    }
    files.work_again();
    JournalledTurn again{options, few_pages};
    REQUIRE(numbered::complaint(again, told.acknowledged) == "");
  }
}

TEST_CASE("a read that fails while a journal is opened is told, and nothing is lost", "[journal_faults][F22]") {
  const Folder folder;
  FaultFiles files;
  const JournalOptions options = in(folder, files);
  Told told;
  TwoPrograms{options}.run(told);
  INFO(told.text());
  REQUIRE(told.errors.empty());
  unsigned refused = 0;
  for (std::size_t nth = 1;; ++nth) {
    files.fail(nth, Fault::io, true, true);
    try {
      JournalledTurn again{options};
      REQUIRE(numbered::complaint(again, told.acknowledged) == "");
    } catch (const TheusError& error) {
      REQUIRE(error.error().code() == Errc::journal_failed);
      ++refused;
    }
    if (!files.failed())
      break;
  }
  CHECK(refused > 10);
  files.work_again();
  JournalledTurn again{options};
  CHECK(numbered::complaint(again, told.acknowledged) == "");
}

}  // namespace
}  // namespace theus::testing

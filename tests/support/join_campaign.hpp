#pragma once

#include "tests/support/folder.hpp"
#include "tests/support/subprocess.hpp"
#include "tests/support/worker_campaign.hpp"

#include <array>
#include <csignal>
#include <functional>
#include <optional>
#include <random>
#include <stdexcept>
#include <thread>

namespace theus::testing {

struct JoinCampaignResult {
  int kills = 0;
  std::int64_t acknowledged = 0;
  std::int64_t lost = 0;   // acknowledged and not in the state, now or after a restart
  std::int64_t twice = 0;  // in the state more often than they were asked for
  std::int64_t torn = 0;   // halves of commits
  std::ptrdiff_t descriptors_left = 0;
  std::ptrdiff_t files_left = 0;    // in /dev/shm, of the engine and of those that were started
  std::ptrdiff_t sockets_left = 0;  // and tokens, in the folder by which engines are found
  std::size_t children_left = 0;
  std::uint64_t bytes_left = 0;  // of the heavy zone

  std::int64_t wrong() const { return lost + twice + torn; }
  std::int64_t left() const {
    return descriptors_left + files_left + sockets_left + static_cast<std::int64_t>(children_left + bytes_left);
  }
  std::string text() const {
    return std::to_string(kills) + " kills, " + std::to_string(acknowledged) + " acknowledged, lost " +
           std::to_string(lost) + ", twice " + std::to_string(twice) + ", torn " + std::to_string(torn) +
           ", left: descriptors " + std::to_string(descriptors_left) + ", files " + std::to_string(files_left) +
           ", sockets " + std::to_string(sockets_left) + ", children " + std::to_string(children_left) + ", bytes " +
           std::to_string(bytes_left);
  }
};

/// Processes that join an engine and commit one entry after the other (test_joiner ledger), and a folder for the
/// engine.
class LedgerStage {
protected:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds patience{60};
  static constexpr std::array<const char*, 2> names{"east", "west"};

  /// One of them, and what it was last told.
  struct Writer {
    std::string name;
    std::optional<Subprocess> process{};
    std::int64_t acknowledged = 0;
  };

  explicit LedgerStage(unsigned seed) : random_(seed) {
    for (std::size_t i = 0; i < names.size(); ++i)
      writers_[i].name = names[i];
  }

  void start(Writer& writer, const std::string& handle) {
    writer.process.emplace(std::vector<std::string>{joiner, handle, "ledger", writer.name},
                           SubprocessOptions{.watchdog = std::chrono::minutes{5}});
    started_.insert(writer.process->pid());
  }
  static void wait_for(Writer& writer, std::int64_t number) {
    writer.process->wait_for_out("wrote " + std::to_string(number) + "\n");
    writer.acknowledged = std::max(writer.acknowledged, number);
  }
  /// Kills it; what it was told until then counts.
  void kill(Writer& writer) {
    writer.process->signal(SIGKILL);
    const Finished finished = writer.process->finish();
    writer.process.reset();
    if (finished.exit != 128 + SIGKILL)
      throw std::runtime_error{"a writer ended by itself: " + finished.out + finished.err};
    const auto last = finished.out.rfind("wrote ", finished.out.rfind('\n'));
    if (last != std::string::npos)
      writer.acknowledged = std::stoll(finished.out.substr(last + 6));
  }
  /// A moment in which anything may be under way.
  void let_some_time_pass() {
    for (auto spins = random_() % 400'000; spins > 0; --spins)
      std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  /// What became of a writer's entries; `asked_max` entries may be there beyond those that were acknowledged.
  static void compare(const Writer& writer, const Value& state, JoinCampaignResult& result) {
    const Value found = state[writer.name];
    const auto number = [&](const char* key) {
      return found.is_map() ? found[key].get<std::int64_t>().value_or(0) : 0;
    };
    const auto left = number("left");
    result.torn += left != number("right");
    result.lost += std::max<std::int64_t>(writer.acknowledged - left, 0);
    result.lost += std::max<std::int64_t>(left - number("entries"), 0);
    result.twice += std::max<std::int64_t>(number("entries") - left, 0);
  }
  template <class Condition>
  static bool comes_true(const Condition& condition) {
    const auto until = Clock::now() + patience;
    while (!condition() && Clock::now() < until)
      std::this_thread::yield();
    return condition();
  }
  std::ptrdiff_t sockets() const {
    const auto there = folder_.path() / ".theus";
    return std::filesystem::exists(there) ? std::distance(std::filesystem::directory_iterator{there}, {}) : 0;
  }
  EngineOptions options() const {
    EngineOptions options;
    options.threads = 1;
    options.log = [](const LogEntry&) {};
    options.journal.path = folder_.path() / "journal";
    options.attach.folder = folder_.path() / ".theus";
    return options;
  }

  static constexpr const char* joiner = THEUS_BINARY_DIR "/bin/test_joiner";
  const Folder folder_;
  std::mt19937 random_;
  std::set<pid_t> started_;
  std::array<Writer, names.size()> writers_;
};

/// Joined processes that are killed at random moments of their commits, while they read a heavy buffer of the owner.
class JoinerCampaign : LedgerStage {
public:
  explicit JoinerCampaign(unsigned seed) : LedgerStage(seed) {}

  JoinCampaignResult run(int kills) {
    JoinCampaignResult result;
    const auto descriptors = open_descriptors();
    const auto files = segments_of({});
    const auto before = children().size();
    {
      EngineOptions all = options();
      all.journal.level = Durability::os;
      Engine owner{all};
      const std::string handle = owner.context_handle().value();
      for (Writer& writer : writers_)
        start(writer, handle);
      for (; result.kills < kills; ++result.kills)
        kill_one(owner, handle, result);
      for (Writer& writer : writers_)
        kill(writer);
      owner.update("heavy.rows", [](const Value&) { return Value{}; }).value();
      const auto is_empty = [&] {
        (void)owner.state_statistics();  // looks which old versions are held
        return owner.heavy().statistics().buffers == 0;
      };
      result.bytes_left = comes_true(is_empty) ? 0 : owner.heavy().statistics().bytes_used;
    }
    // What was acknowledged is what another engine finds.
    {
      const Engine again{options()};
      const Value state = again.state().find("domain").value();
      for (const Writer& writer : writers_) {
        compare(writer, state, result);
        result.acknowledged += writer.acknowledged;
      }
    }
    result.descriptors_left = open_descriptors() - descriptors;
    result.files_left = segments_of(started_) - files;
    result.sockets_left = sockets();
    result.children_left = children().size() - before;
    return result;
  }

private:
  void kill_one(Engine& owner, const std::string& handle, JoinCampaignResult& result) {
    constexpr std::size_t numbers = 4096;
    Writer& writer = writers_[random_() % writers_.size()];
    const std::vector<std::int64_t> rows(numbers, result.kills);
    owner.update("heavy.rows", [&](const Value&) { return owner.heavy().copy(std::span{rows}).value(); }).value();
    wait_for(writer, writer.acknowledged + 1 + static_cast<std::int64_t>(random_() % 20));
    let_some_time_pass();
    kill(writer);
    // What it asked for last may still be on its way: then it is there, once, when its heir has been told anything.
    start(writer, handle);
    writer.process->wait_for_out("wrote ");
    compare(writer, owner.state().find("domain").value(), result);
    if (result.wrong() != 0)
      throw std::runtime_error{"after " + std::to_string(result.kills) + " kills: " + result.text()};
    const auto asked = owner.state().get<std::int64_t>(Path{"domain"}.key(writer.name).key("left")).value();
    writer.acknowledged = std::max(writer.acknowledged, asked);
  }
};

/// Owners that are killed at random moments while two processes that joined them commit. Each is followed by another
/// one, which the two join again by themselves.
class JoinOwnerCampaign : LedgerStage {
public:
  explicit JoinOwnerCampaign(unsigned seed) : LedgerStage(seed) {}

  JoinCampaignResult run(int kills) {
    JoinCampaignResult result;
    const auto descriptors = open_descriptors();
    const auto files = segments_of({});
    const auto before = children().size();
    std::optional<Subprocess> owner;
    start_owner(owner);
    std::ptrdiff_t of_writers = 0;
    for (Writer& writer : writers_) {
      start(writer, handle_);
      wait_for(writer, 1);
    }
    const auto all_descriptors = [&] {
      std::ptrdiff_t all = 0;
      for (const Writer& writer : writers_)
        all += descriptors_of(writer.process->pid());
      return all;
    };
    of_writers = all_descriptors();
    for (; result.kills < kills; ++result.kills) {
      for (Writer& writer : writers_)
        wait_for(writer, writer.acknowledged + 1 + static_cast<std::int64_t>(random_() % 20));
      let_some_time_pass();
      owner->signal(SIGKILL);
      (void)owner->finish();
      start_owner(owner);
    }
    for (Writer& writer : writers_)
      wait_for(writer, writer.acknowledged + 20);
    result.descriptors_left =
        comes_true([&] { return all_descriptors() <= of_writers; }) ? 0 : all_descriptors() - of_writers;
    for (Writer& writer : writers_)
      kill(writer);
    owner->signal(SIGKILL);
    (void)owner->finish();
    owner.reset();
    {
      const Engine again{options()};
      const Value state = again.state().find("domain").value();
      for (const Writer& writer : writers_) {
        compare(writer, state, result);
        result.acknowledged += writer.acknowledged;
      }
    }
    result.descriptors_left += open_descriptors() - descriptors;
    result.files_left = segments_of(started_) - files;
    result.sockets_left = sockets();
    result.children_left = children().size() - before;
    return result;
  }

private:
  void start_owner(std::optional<Subprocess>& owner) {
    owner.emplace(std::vector<std::string>{THEUS_BINARY_DIR "/bin/test_join_owner", folder_.path().string()});
    started_.insert(owner->pid());
    owner->wait_for_out("\n");
    if (!handle_.empty())
      return;
    for (const auto& entry : std::filesystem::directory_iterator{folder_.path() / ".theus"})
      if (entry.path().extension() != ".token")
        handle_ = "unix:" + entry.path().string();
  }
  static std::ptrdiff_t descriptors_of(pid_t pid) {
    return std::distance(std::filesystem::directory_iterator{"/proc/" + std::to_string(pid) + "/fd"}, {});
  }

  std::string handle_;
};

}  // namespace theus::testing

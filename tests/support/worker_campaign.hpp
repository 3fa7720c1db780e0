#pragma once

#include "shm/segment_name.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/isolated_bodies.hpp"

#include <atomic>
#include <random>
#include <set>
#include <thread>

namespace theus::testing {

/// The processes that this one has started and that it has not waited for.
inline std::vector<pid_t> children() {
  std::vector<pid_t> found;
  for (const auto& thread : std::filesystem::directory_iterator{"/proc/self/task"}) {
    std::ifstream file{thread.path() / "children"};
    for (pid_t pid = 0; file >> pid;)
      found.push_back(pid);
  }
  return found;
}

inline std::ptrdiff_t open_descriptors() {
  const std::filesystem::directory_iterator entries{"/proc/self/fd"};
  return std::distance(begin(entries), end(entries));
}

/// Segments in /dev/shm that this process or one of these made. Others may come and go meanwhile: of other tests.
inline std::ptrdiff_t segments_of(const std::set<pid_t>& processes) {
  std::ptrdiff_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator{"/dev/shm"})
    if (const auto name = shm::parse_segment_name(entry.path().filename().string()))
      found += name->owner.pid == ::getpid() || processes.contains(static_cast<pid_t>(name->owner.pid)) ? 1 : 0;
  return found;
}

struct WorkerCampaignResult {
  int kills = 0;
  std::int64_t acknowledged = 0;
  std::int64_t died = 0;   // calls that were told worker_died
  std::int64_t other = 0;  // calls that ended with anything else
  std::int64_t lost = 0;   // acknowledged and not in the state, or not in the journal
  std::int64_t twice = 0;  // in the state and not acknowledged
  std::ptrdiff_t descriptors_left = 0;
  std::uint64_t buffers_left = 0;
  std::uint64_t bytes_left = 0;
  std::ptrdiff_t files_left = 0;
  std::size_t children_left = 0;

  std::string text() const {
    return std::to_string(kills) + " kills, " + std::to_string(acknowledged) + " acknowledged, " +
           std::to_string(died) + " worker_died, " + std::to_string(other) + " other, lost " + std::to_string(lost) +
           ", twice " + std::to_string(twice) + ", left: descriptors " + std::to_string(descriptors_left) + ", files " +
           std::to_string(files_left) + ", children " + std::to_string(children_left) + ", buffers " +
           std::to_string(buffers_left) + ", bytes " + std::to_string(bytes_left);
  }
};

/// Callers that count up in two workers with a journal behind, while workers are killed at random moments. The process
/// that they call adds one to domain.count.
class WorkerCampaign {
public:
  WorkerCampaign(std::vector<std::string> command, unsigned seed, std::string process = "count")
      : command_(std::move(command)), process_(std::move(process)), random_(seed) {}

  WorkerCampaignResult run(int kills) {
    WorkerCampaignResult result;
    const auto descriptors = open_descriptors();
    const auto files = segments_of({});
    const auto before = children().size();
    std::int64_t kept = 0;
    {
      EngineOptions options = engine_options();
      options.workers.command = command_;
      options.workers.count_max = 2;
      Engine engine{options};
      register_isolated_bodies(engine).value();
      std::vector<std::thread> callers;
      for (int i = 0; i < callers_count; ++i)
        callers.emplace_back([&] { call(engine); });
      while (result.kills < kills)
        result.kills += kill_somebody();
      done_ = true;
      for (std::thread& caller : callers)
        caller.join();
      kept = engine.state().get<std::int64_t>("domain.count", 0).value();
      engine.compare_and_swap(engine.version(), {{"heavy.rows", Value{}}}).value();
      const auto patience = std::chrono::steady_clock::now() + std::chrono::seconds{10};
      while (engine.heavy().statistics().buffers > 0 && std::chrono::steady_clock::now() < patience)
        (void)engine.state_statistics();  // looks which old versions are held
      result.buffers_left = engine.heavy().statistics().buffers;
      result.bytes_left = engine.heavy().statistics().bytes_used;
    }
    {
      // What was acknowledged is what another engine finds.
      Engine again{engine_options()};
      const auto found = again.state().get<std::int64_t>("domain.count", 0).value();
      kept = found == kept ? kept : -1;
    }
    result.acknowledged = acknowledged_;
    result.died = died_;
    result.other = other_;
    result.lost = std::max<std::int64_t>(acknowledged_ - kept, 0);
    result.twice = std::max<std::int64_t>(kept - acknowledged_, 0);
    result.descriptors_left = open_descriptors() - descriptors;
    result.files_left = segments_of(killed_) - files;
    result.children_left = children().size() - before;
    return result;
  }

private:
  static constexpr int callers_count = 3;

  EngineOptions engine_options() const {
    EngineOptions options;
    options.log = [](const LogEntry&) {};
    options.journal = {.path = folder_.path() / "journal", .level = Durability::os};
    return options;
  }

  void call(Engine& engine) {
    while (!done_) {
      const auto ran = engine.execute(process_);
      const bool died = !ran && ran.error().code() == Errc::worker_died;
      const bool lost_race = !ran && ran.error().code() == Errc::version_mismatch;
      ++(ran ? acknowledged_ : died || lost_race ? died_ : other_);
    }
  }

  /// After some more calls and a moment, so that any step of a call may be hit.
  int kill_somebody() {
    const auto until = acknowledged_ + std::uniform_int_distribution<std::int64_t>{0, 20}(random_);
    while (acknowledged_ < until)
      std::this_thread::yield();
    for (auto spins = std::uniform_int_distribution<int>{0, 200'000}(random_); spins > 0; --spins)
      std::atomic_signal_fence(std::memory_order_seq_cst);
    const auto workers = children();
    if (workers.empty())
      return 0;
    const auto chosen = std::uniform_int_distribution<std::size_t>{0, workers.size() - 1}(random_);
    killed_.insert(workers[chosen]);
    return ::kill(workers[chosen], SIGKILL) == 0 ? 1 : 0;
  }

  const Folder folder_;
  const std::vector<std::string> command_;
  const std::string process_;
  std::mt19937 random_;
  std::set<pid_t> killed_;
  std::atomic<std::int64_t> acknowledged_{0};
  std::atomic<std::int64_t> died_{0};
  std::atomic<std::int64_t> other_{0};
  std::atomic<bool> done_{false};
};

}  // namespace theus::testing

// campaign KIND FOLDER KILLS SEED: kills processes of one kind at random moments, a portion after the other, until so
// many are reached.
//
// Goes on where it was ended: FOLDER/counts has what was reached, a line that can be read at any time. Ends after the
// portion under way when FOLDER/stop appears. At the first fault, which FOLDER/fault then tells with the seed that
// repeats it, it ends with 1.

#include "tests/shm/kill_campaign.hpp"
#include "tests/shm/owner_campaign.hpp"
#include "tests/support/host_campaign.hpp"
#include "tests/support/join_campaign.hpp"
#include "tests/support/worker_campaign.hpp"

#include <sys/file.h>

#include <iostream>
#include <string_view>

namespace {

using namespace theus::testing;

/// What a portion came to.
struct Portion {
  int kills = 0;
  bool is_sound = false;
  std::string text;
};

struct Kind {
  std::string_view name;
  int portion;  // kills between two looks at the folder: some seconds
  Portion (*run)(unsigned seed, int kills);
};

const std::vector<std::string>& module_worker() {
  static const std::vector<std::string> command{THEUS_BINARY_DIR "/bin/theus", "worker", "--module",
                                                THEUS_BINARY_DIR "/lib/test_modules/isolated.so"};
  return command;
}

Portion consumers(unsigned seed, int kills) {
  const auto result = KillCampaign{seed}.run(kills);
  return {result.kills, result.leaks + result.wrong == 0, result.text()};
}

Portion heavy_owners(unsigned seed, int kills) {
  const auto result = OwnerCampaign{seed}.run(kills);
  const bool is_sound = result.wrong + result.not_lost + result.left_names + result.left_maps == 0;
  return {result.kills, is_sound && result.left_descriptors == 0, result.text()};
}

Portion of_workers(const WorkerCampaignResult& result) {
  const bool loses = result.lost + result.twice + result.other != 0;
  const bool leaves = result.descriptors_left != 0 || result.files_left != 0 || result.children_left != 0 ||
                      result.buffers_left != 0 || result.bytes_left != 0;
  return {result.kills, !loses && !leaves, result.text()};
}

Portion workers(unsigned seed, int kills) {
  // Every other portion with heavy buffers.
  return of_workers(WorkerCampaign{module_worker(), seed, seed % 2 == 0 ? "count" : "refill"}.run(kills));
}

Portion of_joins(const JoinCampaignResult& result) {
  return {result.kills, result.wrong() == 0 && result.left() == 0, result.text()};
}

Portion joined(unsigned seed, int kills) { return of_joins(JoinerCampaign{seed}.run(kills)); }
Portion owners(unsigned seed, int kills) { return of_joins(JoinOwnerCampaign{seed}.run(kills)); }

Portion hosts(unsigned seed, int kills) {
  const auto result = HostCampaign{THEUS_BINARY_DIR "/bin/test_spawned", seed}.run(kills);
  const bool is_sound =
      result.same_digest && result.refused == 0 && result.steps_wrong == 0 && result.children_left == 0;
  return {result.kills, is_sound, result.text()};
}

constexpr Kind kinds[] = {{"consumers", 250, consumers}, {"heavy-owners", 50, heavy_owners},
                          {"workers", 50, workers},      {"joined", 50, joined},
                          {"owners", 20, owners},        {"hosts", 25, hosts}};

/// What was reached in a folder.
class Progress {
public:
  explicit Progress(std::filesystem::path folder) : folder_(std::move(folder)) {
    std::filesystem::create_directories(folder_);
    lock_ = ::open((folder_ / "lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    std::string word;
    std::ifstream counts{folder_ / "counts"};
    counts >> kills_ >> word >> portions_;
  }

  bool is_ours() const { return ::flock(lock_, LOCK_EX | LOCK_NB) == 0; }
  bool is_to_stop() const { return std::filesystem::exists(folder_ / "stop"); }
  int kills() const { return kills_; }
  unsigned portions() const { return portions_; }

  void add(const Portion& portion) {
    kills_ += portion.kills;
    ++portions_;
    write("counts", std::to_string(kills_) + " kills, " + std::to_string(portions_) +
                        " portions, 0 faults; the last: " + portion.text);
  }
  void tell_fault(unsigned seed, const std::string& text) const {
    write("fault", "seed " + std::to_string(seed) + ": " + text);
  }

private:
  void write(const char* name, const std::string& text) const {
    const auto next = folder_ / "next";
    std::ofstream{next} << text << '\n';
    std::filesystem::rename(next, folder_ / name);
  }

  const std::filesystem::path folder_;
  int lock_ = -1;
  int kills_ = 0;
  unsigned portions_ = 0;
};

int run(const Kind& kind, Progress& progress, int kills, unsigned first_seed) {
  while (progress.kills() < kills && !progress.is_to_stop()) {
    const unsigned seed = first_seed + progress.portions();
    Portion portion;
    try {
      portion = kind.run(seed, std::min(kind.portion, kills - progress.kills()));
    } catch (const std::exception& error) {
      portion.text = error.what();
    }
    if (!portion.is_sound) {
      progress.tell_fault(seed, portion.text);
      std::cerr << kind.name << ", seed " << seed << ": " << portion.text << '\n';
      return 1;
    }
    progress.add(portion);
  }
  std::cout << kind.name << ": " << progress.kills() << " kills, 0 faults" << std::endl;
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const auto* const kind = std::ranges::find(kinds, count == 5 ? std::string_view{arguments[1]} : "", &Kind::name);
  if (kind == std::end(kinds)) {
    std::cerr << "campaign KIND FOLDER KILLS SEED, with one of these kinds:";
    for (const Kind& each : kinds)
      std::cerr << ' ' << each.name;
    std::cerr << '\n';
    return 2;
  }
  Progress progress{arguments[2]};
  if (!progress.is_ours()) {
    std::cerr << "somebody else is at work in " << arguments[2] << '\n';
    return 2;
  }
  return run(*kind, progress, std::atoi(arguments[3]), static_cast<unsigned>(std::atoi(arguments[4])));
}

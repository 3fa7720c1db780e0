#pragma once

#include "tests/support/folder.hpp"
#include "tests/support/hosted_agents.hpp"
#include "tests/support/worker_campaign.hpp"

#include <theus/digest.hpp>

#include <random>

namespace theus::testing {

struct HostCampaignResult {
  int kills = 0;
  std::uint64_t rounds = 0;
  std::uint64_t refused = 0;     // rounds
  std::uint64_t elsewhere = 0;   // rounds of which others stepped a part
  std::int64_t steps_wrong = 0;  // of all agents: taken too often or too rarely
  bool same_digest = false;
  std::ptrdiff_t descriptors_left = 0;
  std::size_t children_left = 0;

  std::string text() const {
    return std::to_string(kills) + " kills in " + std::to_string(rounds) + " rounds, " + std::to_string(elsewhere) +
           " of them in several processes, " + std::to_string(refused) + " refused, steps wrong " +
           std::to_string(steps_wrong) + ", " + (same_digest ? "same digest" : "ANOTHER DIGEST") +
           ", left: descriptors " + std::to_string(descriptors_left) + ", children " + std::to_string(children_left);
  }
};

/// Rounds in three processes, of which the other two are killed at random moments, compared with as many in one.
class HostCampaign {
public:
  HostCampaign(std::string program, unsigned seed) : program_(std::move(program)), random_(seed) {}

  HostCampaignResult run(int kills) {
    HostCampaignResult result;
    const auto descriptors = open_descriptors();
    const auto before = children().size();
    std::string digest;
    {
      Engine engine{options()};
      spawn_members(engine).value();
      std::vector<SpawnedProcess> hosts;
      for (int i = 0; i < 2; ++i)
        hosts.push_back(engine
                            .spawn_process("members", {.restarts = {.times = 100'000},
                                                       .pause_max = std::chrono::milliseconds{10},
                                                       .command = {program_}})
                            .value());
      while (result.kills < kills) {
        for (const SpawnedProcess& host : hosts)
          host.wait_until_running(std::chrono::seconds{30}).value();
        const auto killed = hosts[random_() % hosts.size()].status().pid;
        // Rounds go on while it dies, so that it may be in any of their steps.
        std::jthread killer{[killed, spins = random_() % 2'000'000] {
          for (auto left = spins; left > 0; --left)
            std::atomic_signal_fence(std::memory_order_seq_cst);
          ::kill(killed, SIGKILL);
        }};
        for (auto rounds = 1 + random_() % 8; rounds > 0; --rounds) {
          const auto done = engine.round();
          done ? ++result.rounds : ++result.refused;
          const auto all = engine.round_hosts();
          result.elsewhere += all.front().last_round < members_count ? 1 : 0;
        }
        ++result.kills;
      }
      for (int member = 1; member <= members_count; ++member) {
        const Path steps = Path{"domain.club"}.key(member_name(member)).key("steps");
        result.steps_wrong +=
            engine.state().get<std::int64_t>(steps, 0).value() != static_cast<std::int64_t>(result.rounds);
      }
      digest = digest_of(engine);
    }
    {
      Engine alone{options()};
      spawn_members(alone).value();
      for (std::uint64_t round = 0; round < result.rounds; ++round)
        alone.round().value();
      result.same_digest = digest_of(alone) == digest;
    }
    result.descriptors_left = open_descriptors() - descriptors;
    result.children_left = children().size() - before;
    return result;
  }

private:
  EngineOptions options() const {
    EngineOptions options;
    options.threads = 1;
    options.seed = 11;
    options.log = [](const LogEntry&) {};
    options.attach.folder = folder_.path() / ".theus";
    return options;
  }
  static std::string digest_of(const Engine& engine) {
    return theus::digest(engine.state().find("domain.club").value()).text();
  }

  const Folder folder_;
  const std::string program_;
  std::mt19937 random_;
};

}  // namespace theus::testing

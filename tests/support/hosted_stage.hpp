#pragma once

// Rounds that are shared out: an owner's population and those of processes that joined, on one deterministic system.
// What goes between them are the messages of round_wire.hpp; the tests decide who is heard, and when.

#include "actors/caf_ways.hpp"
#include "runtime/attach/join_wire.hpp"
#include "tests/support/engine_stage.hpp"

#include <catch2/catch.hpp>

#include <sys/eventfd.h>
#include <deque>

namespace theus::testing {

/// A process that joined, as far as rounds know it.
struct Host {
  HostLinePtr line;
  actors::Population population;
  std::deque<std::vector<std::byte>> answers;  // that the owner has not heard
  std::size_t hosted = 0;
  int shares = 0;
  bool lives = true;
  bool steps = true;                     // otherwise it takes shares and does nothing
  std::optional<std::uint64_t> fatal{};  // it dies of shares with this agent
};

class HostedStage : public EngineStage {
public:
  explicit HostedStage(std::uint64_t seed = 0, std::uint64_t random_seed = 0)
      : EngineStage(seed, actors::Core::Terms{.seed = random_seed}) {
    owner_ = spawn({});
  }
  ~HostedStage() {
    living.clear();
    for (Host& host : hosts)
      end(host.population);
    end(owner_);
    settle();
  }

  /// Each process has the agents.
  template <class MakeAgents>
  void found(std::size_t processes, const MakeAgents& agents) {
    add(owner_, agents());
    for (std::size_t i = 1; i < processes; ++i)
      join(agents());
  }
  Host& join(std::vector<Agent> agents, std::optional<std::uint64_t> fatal = {}, bool steps = true) {
    Host& host = hosts.emplace_back();
    host.fatal = fatal;
    host.steps = steps;
    host.line = std::make_shared<HostLine>(static_cast<int>(1000 + hosts.size()), wake_);
    host.population =
        spawn([&host](const RoundShare&, std::vector<std::byte> answer) { host.answers.push_back(std::move(answer)); });
    add(host.population, std::move(agents));
    offer(host);
    return host;
  }
  void offer(Host& host) {
    actors::tell(host.population, actors::OfferAgents{[this, &host](std::vector<OfferedAgent> offered) {
                   actors::tell(owner_, actors::OfferedAgents{host.line, std::move(offered)});
                 }});
    settle();
    deliver(host);
  }
  /// The host hears what its line has to say.
  void deliver(Host& host) {
    while (auto message = host.line->next()) {
      CborCursor in{*message};
      if (static_cast<ToJoined>(in.number()) == ToJoined::hosting) {
        host.hosted = in.number();
        continue;
      }
      auto share = std::make_shared<RoundShare>(read_share(in));
      REQUIRE(in.failure() == nullptr);
      ++host.shares;
      if (host.fatal && std::ranges::find(share->agents, *host.fatal, &ShareAgent::number) != share->agents.end())
        return leave(host);
      if (host.steps)
        actors::tell(host.population, actors::StepShare{share, core()->turn.snapshot()});
    }
    settle();
  }
  /// The owner hears an answer.
  void hear(Host& host, const std::vector<std::byte>& bytes) {
    PathCache paths;
    CborCursor in{bytes};
    auto answer = std::make_shared<ShareAnswer>(read_answered_share(in, paths));
    REQUIRE(in.failure() == nullptr);
    actors::tell(owner_, actors::ShareAnswered{host.line, std::move(answer)});
    settle();
  }
  void leave(Host& host) {
    host.lives = false;
    host.answers.clear();
    host.line->close();
    actors::tell(owner_, actors::HostLeft{host.line});
    settle();
  }

  /// It says that it will step none any more.
  void withdraw(Host& host) {
    host.lives = false;
    actors::tell(owner_, actors::OfferedAgents{host.line, {}});
    settle();
  }

  void begin_round(const std::string& pattern = "*") {
    result.reset();
    request = std::make_shared<actors::RoundRequest>(pattern, core()->clock->now() + std::chrono::seconds{60},
                                                     [&](Result<RoundReport> report) { result = std::move(report); });
    actors::tell(owner_, actors::StartRound{request});
    settle();
  }
  /// Everybody is heard until nobody has anything to say.
  void hear_all() {
    for (bool goes_on = true; goes_on;) {
      goes_on = false;
      for (Host& host : hosts) {
        const int before = host.shares;
        deliver(host);
        goes_on |= host.shares > before;
        for (; !host.answers.empty(); host.answers.pop_front(), goes_on = true)
          hear(host, host.answers.front());
      }
    }
  }
  Result<RoundReport> round(const std::string& pattern = "*") {
    begin_round(pattern);
    hear_all();
    return result.value();
  }
  std::vector<RoundHost> report() {
    std::vector<RoundHost> told;
    actors::tell(owner_, actors::ListHosts{[&](std::vector<RoundHost> all) { told = std::move(all); }});
    settle();
    return told;
  }

  std::deque<Host> hosts;
  actors::HostOutlook outlook = actors::HostOutlook::none;
  std::vector<int> killed;  // hosts that the owner has asked to be
  bool keeps_actors = false;
  std::vector<actors::AgentActor> living;  // of hosts, when they are kept
  actors::RoundRequestPtr request;
  std::optional<Result<RoundReport>> result;

private:
  actors::Population spawn(std::function<void(const RoundShare&, std::vector<std::byte>)> answer) {
    const auto directory = std::make_shared<actors::AgentDirectory>();
    actors::PopulationTerms terms{.core = core(), .owner = owner(), .scout = {}, .directory = directory};
    if (keeps_actors && answer)
      terms.spawner = [this, directory](const actors::AgentDefinitionPtr& definition) {
        return living.emplace_back(actors::spawn_agent(system(), core(), directory, definition));
      };
    terms.answer_share = std::move(answer);
    terms.outlook = [this](int) { return outlook; };
    terms.kill_host = [this](int pid) { killed.push_back(pid); };
    return actors::spawn_population(system(), std::move(terms));
  }
  void add(const actors::Population& population, std::vector<Agent> agents) {
    std::vector<actors::AgentDefinitionPtr> definitions;
    for (Agent& agent : agents)
      definitions.push_back(actors::define(std::move(agent), core()->turn.access()).value());
    std::optional<Status> answer;
    actors::tell(population, actors::AddAgents{std::move(definitions), [&](Status status) { answer = status; }});
    settle();
    answer.value().value();
  }
  static void end(actors::Population& population) {
    caf::anon_send_exit(population, caf::exit_reason::user_shutdown);
    population = nullptr;
  }

  std::shared_ptr<const Descriptor> wake_ = std::make_shared<const Descriptor>(::eventfd(0, EFD_NONBLOCK));
  actors::Population owner_;
};

}  // namespace theus::testing

#include "benchmarks/commit/actor_door.hpp"

#include "benchmarks/commit/cases.hpp"

#include <caf/stateful_actor.hpp>
#include <caf/typed_event_based_actor.hpp>

#include <future>
#include <utility>

namespace theus::bench {

struct StartCommits {
  std::uint64_t count = 0;
  const std::vector<Path>* paths = nullptr;
  std::vector<double>* latencies = nullptr;
  std::promise<void>* done = nullptr;
};

}  // namespace theus::bench

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::bench::StartCommits)

namespace theus::bench {
namespace {

using Clock = std::chrono::steady_clock;
using Client = actors::CommitClient::extend<caf::reacts_to<StartCommits>>;

struct ClientState {
  actors::CorePtr core;
  actors::StateOwner owner;
  StartCommits job;
  Clock::time_point sent;
};

void send_next(Client::stateful_pointer<ClientState> self) {
  ClientState& state = self->state;
  auto proposal = std::make_shared<Proposal>();
  proposal->base = state.core->turn.version();
  proposal->writes.reserve(state.job.paths->size());
  for (const Path& path : *state.job.paths)
    proposal->writes.push_back(Write::set(path, static_cast<std::int64_t>(state.job.count)));
  if (state.job.latencies != nullptr)
    state.sent = Clock::now();
  caf::anon_send(state.owner, actors::CommitRequest{std::move(proposal), self});
}

Client::behavior_type client(Client::stateful_pointer<ClientState> self, actors::CorePtr core,
                             actors::StateOwner owner) {
  self->state.core = std::move(core);
  self->state.owner = std::move(owner);
  return {
      [self](const actors::CommitReply& reply) {
        StartCommits& job = self->state.job;
        keep(reply);
        if (job.latencies != nullptr)
          job.latencies->push_back(std::chrono::duration<double, std::nano>(Clock::now() - self->state.sent).count());
        if (--job.count > 0)
          return send_next(self);
        job.done->set_value();
        self->quit();
      },
      [self](const StartCommits& job) {
        self->state.job = job;
        send_next(self);
      },
  };
}

std::vector<Path> numbered_paths(std::size_t count) {
  std::vector<Path> paths;
  for (std::size_t i = 0; i < count; ++i)
    paths.push_back(Path{"domain"}.key("key" + std::to_string(i)));
  return paths;
}

constexpr std::uint64_t commits_per_round = 100'000;
constexpr std::uint64_t keys_per_batch = 100;

// The peer's deadline is CAF's own, a timer per request; a process's commit stands under the deadline of its call,
// which is watched once. The second peer shows what that timer is worth.
void add_caf_peers(Case& subject) {
  auto caf = std::make_shared<CafPeer>();
  subject.peer("caf request", [caf] {
    return caf->requests_per_second(increment_atom::value, "domain.count", caf_deadline, commits_per_round);
  });
  subject.peer("caf request, no deadline", [caf] {
    return caf->requests_per_second(increment_atom::value, "domain.count", caf::infinite, commits_per_round);
  });
}

}  // namespace

ActorDoor::ActorDoor(std::size_t keys) : paths_(numbered_paths(keys)) {}

void ActorDoor::run(std::uint64_t count, std::vector<double>* latencies) {
  std::promise<void> done;
  caf::anon_send(system_.spawn(client, core_, owner_), StartCommits{count, &paths_, latencies, &done});
  done.get_future().wait();
}

double ActorDoor::commits_per_second(std::uint64_t count) {
  const auto begin = Clock::now();
  run(count, nullptr);
  return static_cast<double>(count) / std::chrono::duration<double>(Clock::now() - begin).count();
}

std::vector<double> ActorDoor::latencies(std::uint64_t count) {
  std::vector<double> samples;
  samples.reserve(count);
  run(count, &samples);
  return samples;
}

void actor_single(Case& subject) {
  subject.ours([door = std::make_shared<ActorDoor>(1)] { return door->commits_per_second(commits_per_round); });
  add_caf_peers(subject);
}

// One transaction that swaps a hundred keys travels in one message; the peer needs a request for each key.
void actor_batch(Case& subject) {
  subject.ours([door = std::make_shared<ActorDoor>(keys_per_batch)] {
    constexpr double keys = keys_per_batch;
    return keys * door->commits_per_second(commits_per_round / 10);
  });
  add_caf_peers(subject);
}

}  // namespace theus::bench

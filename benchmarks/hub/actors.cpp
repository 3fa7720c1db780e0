#include "benchmarks/hub/actors.hpp"

#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"
#include "benchmarks/caf_peer.hpp"

#include <cstring>
#include <latch>
#include <stdexcept>

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::bench::Words)

namespace theus::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

double deliveries_per_second(const HubLoad& load, Clock::time_point begin) {
  const std::chrono::duration<double> elapsed = Clock::now() - begin;
  return static_cast<double>(load.events * load.producers * load.receivers) / elapsed.count();
}

/// Runs the senders; `send(id)` does the work of one.
template <class Send>
void run_senders(unsigned count, const Send& send) {
  std::vector<std::jthread> senders;
  for (unsigned id = 0; id < count; ++id)
    senders.emplace_back([&, id] { send(id); });
}

struct Shared {
  explicit Shared(const HubLoad& given)
      : load(given), pace(given.capacity, given.receivers), done(static_cast<std::ptrdiff_t>(given.receivers)) {}

  const HubLoad load;
  Pace pace;
  std::latch done;
  std::atomic<bool> has_lost{false};
};

caf::behavior our_listener(caf::stateful_actor<std::uint64_t>* self, Shared* shared) {
  self->state = 0;
  return {
      [=](const actors::SignalBatch& batch) {
        std::uint64_t sum = 0;
        self->state += batch.feed->take([&](const EventView& event) {
          Words words;
          std::memcpy(&words, event.payload().bytes().data(), sizeof words);
          sum += words.word[7];
        });
        keep(sum);
      },
      [=](actors::SignalLag) { shared->has_lost = true; },
      [=](actors::SignalsEnded) {
        if (self->state != shared->load.events * shared->load.producers)
          shared->has_lost = true;
        shared->done.count_down();
      },
  };
}

using publish_atom = caf::atom_constant<caf::atom("publish")>;
using event_atom = caf::atom_constant<caf::atom("event")>;

caf::behavior naive_listener(caf::stateful_actor<std::uint64_t>* self, Shared* shared, unsigned id) {
  self->state = 0;
  return {[=](event_atom, const Words& words) {
    keep(words.word[7]);
    shared->pace.received(id, ++self->state);
    if (self->state == shared->load.events * shared->load.producers)
      shared->done.count_down();
  }};
}

caf::behavior naive_hub(caf::event_based_actor* self, std::vector<caf::actor> subscribers) {
  return {[=](publish_atom, const Words& words) {
    const caf::message message = caf::make_message(event_atom::value, words);
    for (const caf::actor& subscriber : subscribers)
      self->send(subscriber, message);
  }};
}

}  // namespace

double actors_that_drain(const HubLoad& load) {
  CafConfig config;
  caf::actor_system system{config};
  const auto core = std::make_shared<actors::Core>(
      actors::Core::Terms{.signal_capacity = load.capacity, .log = [](const LogEntry&) {}});
  actors::Hub hub = actors::spawn_hub(system, core);
  Shared shared{load};
  std::vector<caf::actor> subscribers;
  std::latch subscribed{static_cast<std::ptrdiff_t>(load.receivers)};
  for (unsigned id = 0; id < load.receivers; ++id) {
    subscribers.push_back(system.spawn(our_listener, &shared));
    actors::tell(hub, actors::SubscribeActor{subscribers.back(),
                                             {.overflow = SignalOverflow::block(10s)},
                                             [&](const Result<actors::SubscriptionId>&) { subscribed.count_down(); }});
  }
  subscribed.wait();
  const SignalTopic topic = core->hub.topic("words");
  const auto begin = Clock::now();
  run_senders(load.producers, [&](unsigned) {
    for (std::uint64_t number = 0; number < load.events; ++number) {
      const Words words = Words::of(number);
      core->hub.send(topic, std::as_bytes(std::span{&words, 1}));
    }
  });
  core->hub.close();
  shared.done.wait();
  const double rate = deliveries_per_second(load, begin);
  caf::anon_send_exit(hub, caf::exit_reason::user_shutdown);
  if (shared.has_lost)
    throw std::runtime_error("a lossless case has lost events");
  return rate;
}

double actors_with_a_message_each(const HubLoad& load) {
  CafConfig config;
  caf::actor_system system{config};
  Shared shared{load};
  std::vector<caf::actor> subscribers;
  for (unsigned id = 0; id < load.receivers; ++id)
    subscribers.push_back(system.spawn(naive_listener, &shared, id));
  const caf::actor hub = system.spawn(naive_hub, subscribers);
  const auto begin = Clock::now();
  run_senders(load.producers, [&](unsigned) {
    for (std::uint64_t number = 0; number < load.events; ++number) {
      if (number % Pace::chunk == 0)
        shared.pace.before_chunk();
      caf::anon_send(hub, publish_atom::value, Words::of(number));
    }
  });
  shared.done.wait();
  return deliveries_per_second(load, begin);
}

}  // namespace theus::bench

#include "actors/caf_ways.hpp"
#include "actors/protocol.hpp"
#include "actors/user_callback.hpp"

#include <map>
#include <unordered_map>

namespace theus::actors {
namespace {

constexpr std::chrono::milliseconds tick_interval{1000};

struct Subscription {
  SignalFeedPtr feed;
  std::string name;
  Deadline moved_at;             // when it was last seen to take something, or to have nothing to take
  std::uint64_t taken_then = 0;  // what it had taken or lost by then
  bool is_stuck = false;
};

struct State {
  static inline constexpr const char* name = "hub";

  CorePtr core;
  HubTerms terms;
  std::map<SubscriptionId, Subscription> subscriptions;
  std::unordered_map<std::string, SubscriptionId> named;
  std::unordered_multimap<caf::actor_id, SubscriptionId> of_actor;
  SubscriptionId last_id = 0;
  bool is_ticking = false;

  Result<SubscriptionId> subscribe(const SubscribeActor& wanted);
  SignalFeedPtr remove(SubscriptionId id);
  void remove_all_of(caf::actor_id subscriber);
  void look_at(Subscription& subscription);
  void warn(const Subscription& subscription, std::uint64_t depth) const;
};

Result<SubscriptionId> State::subscribe(const SubscribeActor& wanted) {
  const std::string& wanted_name = wanted.options.name;
  if (const auto holder = named.find(wanted_name); !wanted_name.empty() && holder != named.end()) {
    // Its death may be known here before the message that tells of it.
    if (subscriptions.at(holder->second).feed->is_alive())
      return Error{Errc::duplicate_name, "hub", "there is a subscriber '" + wanted_name + "' already",
                   "Choose another name"};
    remove(holder->second);
  }
  auto receiver = core->hub.try_subscribe(wanted.options);
  if (!receiver)
    return receiver.error();
  const SubscriptionId id = ++last_id;
  auto feed = std::make_shared<SignalFeed>(id, *std::move(receiver), wanted.subscriber, terms.budget);
  feed->start();
  if (!wanted_name.empty())
    named.emplace(wanted_name, id);
  of_actor.emplace(feed->subscriber_id(), id);
  subscriptions.emplace(id, Subscription{std::move(feed), wanted_name, core->clock->now()});
  return id;
}

/// Its feed, closed; nothing when there is none of that id.
SignalFeedPtr State::remove(SubscriptionId id) {
  const auto found = subscriptions.find(id);
  if (found == subscriptions.end())
    return nullptr;
  Subscription subscription = std::move(found->second);
  subscriptions.erase(found);
  if (!subscription.name.empty())
    named.erase(subscription.name);
  const auto [begin, end] = of_actor.equal_range(subscription.feed->subscriber_id());
  of_actor.erase(std::find_if(begin, end, [id](const auto& each) { return each.second == id; }));
  // Messages under way may hold the feed for a while.
  subscription.feed->close();
  return std::move(subscription.feed);
}

void State::remove_all_of(caf::actor_id subscriber) {
  for (auto found = of_actor.find(subscriber); found != of_actor.end(); found = of_actor.find(subscriber))
    remove(found->second);
}

void State::look_at(Subscription& subscription) {
  const SubscriberStatistics now = subscription.feed->statistics();
  const std::uint64_t taken = now.received + now.lagged + now.filtered + now.conflated;
  if (now.depth == 0 || taken != subscription.taken_then) {
    subscription.moved_at = core->clock->now();
    subscription.taken_then = taken;
    subscription.is_stuck = false;
  } else if (!subscription.is_stuck && core->clock->now() - subscription.moved_at >= terms.stuck_after) {
    subscription.is_stuck = true;
    warn(subscription, now.depth);
  }
}

void State::warn(const Subscription& subscription, std::uint64_t depth) const {
  (void)call_user([&] {
    if (core->log)
      core->log({.level = LogLevel::warning,
                 .text = "a subscriber takes no signals, although some wait for it",
                 .fields = {{"subscriber", subscription.name},
                            {"actor", subscription.feed->subscriber_id()},
                            {"waiting", depth},
                            {"after_ms", terms.stuck_after.count()}},
                 .process = "hub",
                 .execution = 0,
                 .version = core->turn.version(),
                 .time = core->clock->wall()});
  });
}

using Self = Hub::stateful_pointer<State>;

void plan_tick(Self self) {
  State& state = self->state;
  if (state.is_ticking || state.subscriptions.empty())
    return;
  state.is_ticking = true;
  tell_later(Hub{self}, tick_interval, HubTick{});
}

Hub::behavior_type hub(Self self, CorePtr core, HubTerms terms) {
  prepare(self, core);
  self->state.core = std::move(core);
  self->state.terms = terms;
  self->set_down_handler([self](caf::down_msg& down) { self->state.remove_all_of(down.source.id()); });
  return {
      [self](const SubscribeActor& message) {
        State& state = self->state;
        const bool is_first = state.of_actor.count(message.subscriber.id()) == 0;
        const auto id = state.subscribe(message);
        if (id && is_first)
          self->monitor(message.subscriber);  // one that is dead already is told of at once
        plan_tick(self);
        (void)call_user([&] { message.answer(id); });
      },
      [self](UnsubscribeActor message) {
        const SignalFeedPtr removed = self->state.remove(message.subscription);
        if (removed && self->state.of_actor.count(removed->subscriber_id()) == 0)
          self->demonitor(removed->subscriber());
      },
      [self](const ListSubscriptions& message) {
        std::vector<SubscriptionReport> reports;
        for (const auto& [id, each] : self->state.subscriptions)
          reports.push_back(
              {id, each.feed->subscriber_id(), each.feed->statistics(), each.feed->wakes(), each.is_stuck});
        (void)call_user([&] { message.answer(std::move(reports)); });
      },
      [self](HubTick) {
        self->state.is_ticking = false;
        for (auto& [id, subscription] : self->state.subscriptions)
          self->state.look_at(subscription);
        plan_tick(self);
      },
  };
}

}  // namespace

Hub spawn_hub(caf::actor_system& system, CorePtr core, HubTerms terms) {
  return system.spawn(hub, std::move(core), terms);
}

}  // namespace theus::actors

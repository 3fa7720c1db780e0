#include "actors/caf_ways.hpp"
#include "tests/support/engine_stage.hpp"

#include <theus/errors.hpp>

#include <caf/event_based_actor.hpp>
#include <catch2/catch.hpp>

namespace theus {
namespace {

using actors::SubscriptionId;
using actors::SubscriptionReport;
using testing::EngineStage;
using namespace std::chrono_literals;

/// What a subscriber was told, in order.
struct Heard {
  std::vector<std::string> told;  // "NAME PAYLOAD", "lost N" or "ended"
  std::size_t messages = 0;
  std::size_t batch_max = 0;
  std::function<void()> on_batch;  // runs in the subscriber's turn
};
using HeardPtr = std::shared_ptr<Heard>;

std::string text_of(const EventView& event) {
  return std::string{event.name()} + " " + std::to_string(event.payload().value().as_int());
}

caf::behavior listener(caf::stateful_actor<int>*, HeardPtr heard) {
  return {
      [heard](const actors::SignalBatch& batch) {
        ++heard->messages;
        if (heard->on_batch)
          heard->on_batch();
        const std::size_t taken =
            batch.feed->take([&](const EventView& event) { heard->told.push_back(text_of(event)); });
        heard->batch_max = std::max(heard->batch_max, taken);
      },
      [heard](actors::SignalLag lag) { heard->told.push_back("lost " + std::to_string(lag.lost)); },
      [heard](actors::SignalsEnded) { heard->told.emplace_back("ended"); },
  };
}

class HubStage : public EngineStage {
public:
  explicit HubStage(std::uint64_t seed = 0, actors::HubTerms terms = {}, actors::Core::Terms core = {})
      : EngineStage(seed, std::move(core)), hub_(actors::spawn_hub(system(), this->core(), terms)) {}
  ~HubStage() {
    caf::anon_send_exit(hub_, caf::exit_reason::user_shutdown);
    hub_ = nullptr;
    settle();
  }

  SignalHub& signals() { return core()->hub; }
  const actors::Hub& hub() const { return hub_; }

  caf::actor spawn(const HeardPtr& heard) { return system().spawn(listener, heard); }
  Result<SubscriptionId> subscribe(const caf::actor& subscriber, SubscribeOptions options = {}) {
    std::optional<Result<SubscriptionId>> answer;
    actors::tell(hub_, actors::SubscribeActor{subscriber, std::move(options),
                                              [&](Result<SubscriptionId> id) { answer = std::move(id); }});
    settle();
    return answer.value();
  }
  void send(std::string_view name, int first, int last) {
    for (int i = first; i <= last; ++i)
      signals().send(name, i);
  }
  std::vector<SubscriptionReport> reports() {
    std::optional<std::vector<SubscriptionReport>> answer;
    actors::tell(hub_, actors::ListSubscriptions{[&](auto list) { answer = std::move(list); }});
    settle();
    return answer.value();
  }
  static void kill(const caf::actor& actor) { caf::anon_send_exit(actor, caf::exit_reason::kill); }

private:
  actors::Hub hub_;
};

std::vector<std::string> numbered(const std::string& name, int first, int last) {
  std::vector<std::string> texts;
  for (int i = first; i <= last; ++i)
    texts.push_back(name + " " + std::to_string(i));
  return texts;
}

TEST_CASE("an idle actor is woken once for all signals that were sent meanwhile", "[hub]") {
  HubStage stage;
  const auto heard = std::make_shared<Heard>();
  const caf::actor subscriber = stage.spawn(heard);
  stage.subscribe(subscriber).value();
  stage.send("tick", 1, 100);
  stage.settle();
  CHECK(heard->told == numbered("tick", 1, 100));
  CHECK(heard->messages == 2);  // the second one finds nothing
  CHECK(stage.reports().at(0).wakes == 1);
  stage.send("tick", 101, 101);
  stage.settle();
  CHECK(heard->told == numbered("tick", 1, 101));
}

TEST_CASE("an actor takes a bounded number of signals in a turn, and all in the end", "[hub]") {
  HubStage stage{0, {.budget = 10}};
  const auto heard = std::make_shared<Heard>();
  const caf::actor subscriber = stage.spawn(heard);
  stage.subscribe(subscriber).value();
  stage.send("tick", 1, 95);
  stage.settle();
  CHECK(heard->told == numbered("tick", 1, 95));
  CHECK(heard->batch_max == 10);
}

TEST_CASE("several actors hear the same in one order, whatever the schedule", "[hub]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    HubStage stage{seed, {.budget = 3}};
    std::vector<HeardPtr> all;
    std::vector<caf::actor> subscribers;
    for (int i = 0; i < 5; ++i) {
      all.push_back(std::make_shared<Heard>());
      subscribers.push_back(stage.spawn(all.back()));
      stage.subscribe(subscribers.back()).value();
    }
    // The first one sends too, from its turn.
    all[0]->on_batch = [&stage, &heard = *all[0]] {
      if (heard.messages <= 4)
        stage.signals().send("echo", static_cast<std::int64_t>(heard.messages));
    };
    stage.send("tick", 1, 20);
    stage.settle();
    REQUIRE(all[0]->told.size() == 24);
    for (const HeardPtr& heard : all)
      REQUIRE(heard->told == all[0]->told);
  }
}

TEST_CASE("an actor's filter and starting point count, and what it does not want does not wake it", "[hub]") {
  HubStage stage;
  stage.send("sensor.a", 1, 3);
  const auto heard = std::make_shared<Heard>();
  const caf::actor subscriber = stage.spawn(heard);
  stage.subscribe(subscriber, {.from = SignalStart::last(2), .filter = "sensor.*"}).value();
  CHECK(heard->told == numbered("sensor.a", 2, 3));
  const std::size_t messages = heard->messages;
  stage.send("other", 1, 50);
  stage.settle();
  CHECK(heard->messages == messages);
  stage.send("sensor.b", 1, 1);
  stage.settle();
  CHECK(heard->told.back() == "sensor.b 1");
}

TEST_CASE("an actor that is too slow is told exactly how many it lost, and others lose nothing [F90]", "[hub][F90]") {
  HubStage stage{0, {.budget = 4}, {.signal_capacity = 16}};
  const auto slow = std::make_shared<Heard>();
  const caf::actor subscriber = stage.spawn(slow);
  stage.subscribe(subscriber).value();
  SignalReceiver quick = stage.signals().subscribe();
  std::vector<Event> events;
  for (int i = 1; i <= 100; ++i) {
    stage.signals().send("tick", i);  // waits for nobody
    CHECK(quick.recv_batch(events, 16).events().size() == 1);
  }
  stage.settle();
  REQUIRE(slow->told.size() == 13);
  CHECK(slow->told[0] == "lost 88");
  CHECK(std::vector(slow->told.begin() + 1, slow->told.end()) == numbered("tick", 89, 100));
  const auto statistics = stage.reports().at(0).statistics;
  CHECK(statistics.received + statistics.lagged == 100);
}

TEST_CASE("a subscriber's death removes it and frees what it held [F97]", "[hub][F97]") {
  HubStage stage{0, {}, {.signal_capacity = 8}};
  const auto heard = std::make_shared<Heard>();
  caf::actor subscriber = stage.spawn(heard);
  stage.subscribe(subscriber, {.overflow = SignalOverflow::fail()}).value();
  stage.subscribe(subscriber, {.filter = "x", .overflow = SignalOverflow::fail()}).value();
  // It dies with a message in its mailbox.
  stage.send("tick", 1, 8);
  CHECK(stage.signals().send("tick", 9) == 0);
  HubStage::kill(subscriber);
  stage.settle();
  CHECK(stage.reports().empty());
  CHECK(stage.signals().statistics().subscribers.empty());
  CHECK(stage.signals().send("tick", 9) == 9);
  subscriber = nullptr;
  stage.settle();
  CHECK(heard.use_count() == 1);
}

TEST_CASE("an actor that throws on a signal is let go [F97]", "[hub][F97]") {
  HubStage stage;
  const auto heard = std::make_shared<Heard>();
  caf::actor subscriber = stage.spawn(heard);
  stage.subscribe(subscriber).value();
  heard->on_batch = [] { throw std::runtime_error("no"); };
  stage.send("tick", 1, 3);
  stage.settle();
  CHECK(stage.reports().empty());
}

TEST_CASE("who is dead before it is subscribed is let go [F97]", "[hub][F97]") {
  HubStage stage;
  caf::actor subscriber = stage.spawn(std::make_shared<Heard>());
  HubStage::kill(subscriber);
  stage.settle();
  stage.subscribe(subscriber).value();
  CHECK(stage.reports().empty());
}

TEST_CASE("subscriptions keep no actor alive [F97]", "[hub][F97]") {
  HubStage stage;
  const auto heard = std::make_shared<Heard>();
  stage.subscribe(stage.spawn(heard)).value();
  stage.settle();
  CHECK(heard.use_count() == 1);
  CHECK(stage.reports().empty());
}

TEST_CASE("unsubscribing ends with one last message, at any point [F97]", "[hub][F97]") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    HubStage stage{seed, {.budget = 2}};
    const auto heard = std::make_shared<Heard>();
    const caf::actor subscriber = stage.spawn(heard);
    const SubscriptionId id = stage.subscribe(subscriber).value();
    stage.send("tick", 1, 5);
    actors::tell(stage.hub(), actors::UnsubscribeActor{id});
    actors::tell(stage.hub(), actors::UnsubscribeActor{id});
    stage.settle();
    stage.send("tick", 6, 9);
    stage.settle();
    REQUIRE(!heard->told.empty());
    CHECK(heard->told.back() == "ended");
    CHECK(std::ranges::count(heard->told, "ended") == 1);
    CHECK(heard->told.size() <= 6);
    CHECK(stage.reports().empty());
    // The same actor may come back.
    stage.subscribe(subscriber).value();
    stage.send("tick", 10, 10);
    stage.settle();
    CHECK(heard->told.back() == "tick 10");
  }
}

TEST_CASE("subscribers come and go in any order while signals are sent [F97]", "[hub][F97]") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random{seed};
    HubStage stage{seed, {.budget = 2}, {.signal_capacity = 32}};
    std::map<SubscriptionId, std::pair<caf::actor, HeardPtr>> alive;
    std::vector<HeardPtr> gone;
    for (int step = 0; step < 60; ++step) {
      stage.send("tick", step, step + 2);
      if (random() % 2 == 0) {
        const auto heard = std::make_shared<Heard>();
        const caf::actor subscriber = stage.spawn(heard);
        alive.emplace(stage.subscribe(subscriber).value(), std::pair{subscriber, heard});
      } else if (!alive.empty()) {
        const auto one = std::next(alive.begin(), static_cast<std::ptrdiff_t>(random() % alive.size()));
        if (random() % 2 == 0)
          actors::tell(stage.hub(), actors::UnsubscribeActor{one->first});
        else
          HubStage::kill(one->second.first);
        gone.push_back(one->second.second);
        alive.erase(one);
      }
    }
    stage.send("last", 1, 1);
    stage.settle();
    CHECK(stage.reports().size() == alive.size());
    for (const auto& [id, one] : alive)
      REQUIRE((!one.second->told.empty() && one.second->told.back() == "last 1"));
    alive.clear();
    stage.settle();
    for (const HeardPtr& heard : gone)
      CHECK(heard.use_count() == 1);
  }
}

TEST_CASE("a closed hub lets actors drain what is left, then ends", "[hub]") {
  HubStage stage{0, {.budget = 2}};
  const auto heard = std::make_shared<Heard>();
  const caf::actor subscriber = stage.spawn(heard);
  stage.subscribe(subscriber).value();
  stage.send("tick", 1, 5);
  stage.signals().close();
  stage.settle();
  auto expected = numbered("tick", 1, 5);
  expected.emplace_back("ended");
  CHECK(heard->told == expected);
}

TEST_CASE("a name is held by one living actor at a time", "[hub]") {
  HubStage stage;
  caf::actor first = stage.spawn(std::make_shared<Heard>());
  const caf::actor second = stage.spawn(std::make_shared<Heard>());
  stage.subscribe(first, {.name = "dashboard"}).value();
  CHECK(stage.subscribe(second, {.name = "dashboard"}).error().code() == Errc::duplicate_name);
  HubStage::kill(first);
  CHECK(stage.subscribe(second, {.name = "dashboard"}).ok());
  CHECK(stage.reports().size() == 1);
}

TEST_CASE("more subscribers than the hub takes are refused", "[hub]") {
  HubStage stage;
  std::vector<SignalReceiver> threads;
  for (std::size_t i = 0; i < SignalHubOptions{}.subscribers_max; ++i)
    threads.push_back(stage.signals().subscribe());
  const caf::actor subscriber = stage.spawn(std::make_shared<Heard>());
  CHECK(stage.subscribe(subscriber).error().code() == Errc::overloaded);
  CHECK(stage.reports().empty());
}

TEST_CASE("a subscriber that takes nothing is told of once in the log", "[hub]") {
  std::vector<Value> warnings;
  actors::Core::Terms terms;
  terms.log = [&](const LogEntry& entry) { warnings.push_back(entry.fields); };
  HubStage stage{0, {.stuck_after = 5s}, std::move(terms)};
  // It takes messages, but no signals.
  const caf::actor deaf = stage.system().spawn(
      [](caf::event_based_actor*, int) -> caf::behavior { return {[](const actors::SignalBatch&) {}}; }, 0);
  const auto heard = std::make_shared<Heard>();
  const caf::actor other = stage.spawn(heard);
  stage.subscribe(deaf, {.name = "deaf"}).value();
  stage.subscribe(other, {.name = "other"}).value();
  stage.advance(20s);
  CHECK(warnings.empty());
  stage.send("tick", 1, 3);
  stage.advance(20s);
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0]["subscriber"] == Value{"deaf"});
  CHECK(warnings[0]["waiting"] == Value{3});
  CHECK(stage.reports().at(0).is_stuck);
  CHECK_FALSE(stage.reports().at(1).is_stuck);
}

}  // namespace
}  // namespace theus

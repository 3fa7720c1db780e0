#include "runtime/signal_relay.hpp"
#include "runtime/signal_core.hpp"

#include <rapidcheck/catch.h>
#include <catch2/catch.hpp>

#include <vector>

namespace theus {
namespace {

struct Outlet final : SignalOutlet {
  std::vector<std::string> sent;
  Result<std::uint64_t> send(std::string_view name, const Value& /*payload*/) override {
    sent.emplace_back(name);
    return sent.size();
  }
  Result<std::uint64_t> send(const Topic& topic, const SignalRecord& record) override {
    return send(topic.text, content_of(record));
  }
};

struct Heard {
  std::uint64_t events = 0;
  std::uint64_t lost = 0;

  void take(const Received& received) {
    events += received.is_event();
    lost += received.lagged();
  }
};

}  // namespace

TEST_CASE("what is sent through a relaying hub goes to its outlet alone", "[signal_relay]") {
  Outlet outlet;
  SignalHub hub{std::size_t{8}};
  SignalRelay relay{hub, outlet};
  auto receiver = hub.subscribe();
  CHECK(hub.send("a", 1) == 1);
  CHECK(hub.send(hub.topic("b"), 1) == 2);
  CHECK(outlet.sent == std::vector<std::string>{"a", "b"});
  CHECK(receiver.try_recv().is_empty());
  relay.publish("c", 7, 5, 2);
  const Received heard = receiver.try_recv();
  CHECK(heard->name == "c");
  CHECK(heard->version == 5);
  CHECK(heard->index == 2);
}

TEST_CASE("what was lost on the way is told in its place", "[signal_relay]") {
  Outlet outlet;
  SignalHub hub{std::size_t{8}};
  SignalRelay relay{hub, outlet};
  auto receiver = hub.subscribe();
  relay.publish("a", 1, 0, 0);
  relay.lose(3);
  relay.publish("b", 2, 0, 0);
  CHECK(receiver.try_recv()->name == "a");
  CHECK(receiver.try_recv().lagged() == 3);
  CHECK(receiver.try_recv()->name == "b");
}

TEST_CASE("a subscriber that is overrun past a gap counts what was lost in it", "[signal_relay]") {
  Outlet outlet;
  SignalHub hub{std::size_t{8}};
  SignalRelay relay{hub, outlet};
  auto receiver = hub.subscribe();
  relay.lose(100);
  for (int i = 0; i < 20; ++i)
    relay.publish("a", i, 0, 0);
  Heard heard;
  while (receiver.statistics().depth > 0)
    heard.take(receiver.try_recv());
  CHECK(heard.events + heard.lost == 120);
  CHECK(receiver.statistics().lagged == heard.lost);
}

TEST_CASE("whatever is relayed, lost and received when, every event is heard or counted as lost", "[signal_relay]") {
  rc::prop("random orders of events, gaps and receives", [] {
    Outlet outlet;
    SignalHub hub{*rc::gen::inRange<std::size_t>(1, 20)};
    SignalRelay relay{hub, outlet};
    std::vector<SignalReceiver> receivers;
    receivers.push_back(hub.subscribe());
    receivers.push_back(hub.subscribe({.resume_at_newest = true}));
    std::vector<Heard> heard(receivers.size());
    std::uint64_t all = 0;
    const auto receive = [&](std::size_t who) { heard[who].take(receivers[who].try_recv()); };
    for (const int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 8))) {
      const auto count = static_cast<std::uint64_t>(step % 4 + 1);
      if (step == 0) {
        relay.lose(count);
        all += count;
      } else if (step < 5) {
        for (std::uint64_t i = 0; i < count; ++i)
          relay.publish("event", i, 0, 0);
        all += count;
      } else {
        receive(static_cast<std::size_t>(step) % receivers.size());
      }
    }
    for (std::size_t who = 0; who < receivers.size(); ++who) {
      while (receivers[who].statistics().depth > 0)
        receive(who);
      RC_ASSERT(heard[who].events + heard[who].lost == all);
      RC_ASSERT(receivers[who].statistics().lagged == heard[who].lost);
    }
  });
}

}  // namespace theus

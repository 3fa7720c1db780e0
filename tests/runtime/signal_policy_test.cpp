#include <theus/signal_hub.hpp>

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <semaphore>
#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;

std::vector<std::int64_t> drain(SignalReceiver& receiver) {
  std::vector<std::int64_t> numbers;
  for (auto received = receiver.try_recv(); !received.is_empty() && !received.is_closed();
       received = receiver.try_recv())
    numbers.push_back(received.is_lagged() ? -static_cast<std::int64_t>(received.lagged())
                                           : received.event().payload.value().as_int());
  return numbers;
}

TEST_CASE("with overflow fail, sends are refused until the subscriber has caught up", "[signal_hub]") {
  SignalHub hub{4};
  SignalReceiver strict = hub.subscribe({.name = "strict", .overflow = SignalOverflow::fail()});
  for (int i = 1; i <= 4; ++i)
    CHECK(hub.send("n", i) != 0);
  CHECK(hub.send("n", 5) == 0);
  const auto refused = hub.try_send("n", 5);
  CHECK(refused.error().code() == Errc::overloaded);
  CHECK(*refused.error().field("subscriber") == Value{"strict"});
  CHECK(strict.try_recv().event().payload == Value{1});
  CHECK(hub.send("n", 5) == 5);
  CHECK(hub.publish_commit(1, std::vector<Signal>{{"n", 6}, {"n", 7}}) == 6);
  CHECK(drain(strict) == std::vector<std::int64_t>{-3, 5, 6, 7});
}

TEST_CASE("a full subscriber is not overrun when several threads send", "[signal_hub]") {
  SignalHub hub{4};
  SignalReceiver strict = hub.subscribe({.overflow = SignalOverflow::fail()});
  std::binary_semaphore turn{0}, done{0};
  constexpr int sends = 40;  // by turns, so often that no thread is taken for the only one any more
  std::thread other{[&] {
    for (int i = 0; i < sends; ++i) {
      turn.acquire();
      hub.send("n", i);
      done.release();
    }
  }};
  for (int i = 0; i < sends; ++i) {
    CHECK(hub.send("n", i) != 0);
    turn.release();
    done.acquire();
    CHECK(drain(strict) == std::vector<std::int64_t>{i, i});
  }
  other.join();
  for (int i = 1; i <= 4; ++i)
    CHECK(hub.send("n", i) != 0);
  CHECK(hub.send("n", 5) == 0);
  CHECK(drain(strict) == std::vector<std::int64_t>{1, 2, 3, 4});
  CHECK(hub.send("n", 6) != 0);
}

TEST_CASE("with overflow block, senders wait for the subscriber, then evict it", "[signal_hub]") {
  SignalHub hub{4};
  SECTION("it keeps up in the end") {
    SignalReceiver receiver = hub.subscribe({.overflow = SignalOverflow::block(1h), .spin = 0us});
    std::thread sender{[&] {
      for (int i = 1; i <= 1000; ++i)
        hub.send("n", i);
    }};
    for (int i = 1; i <= 1000; ++i)
      REQUIRE(receiver.recv().event().payload == Value{i});
    sender.join();
  }
  SECTION("but those who only try") {
    SignalReceiver receiver = hub.subscribe({.name = "slow", .overflow = SignalOverflow::block(1h)});
    for (int i = 1; i <= 4; ++i)
      CHECK(hub.try_send("n", i).ok());
    const auto refused = hub.try_send("n", 5);
    REQUIRE(refused.error().code() == Errc::overloaded);
    CHECK(refused.error().fields()["subscriber"] == Value{"slow"});
    CHECK(hub.statistics().refused == 1);
    CHECK(receiver.recv().event().payload == Value{1});
    CHECK(hub.try_send("n", 5).value() == 5);
  }
  SECTION("it never takes anything") {
    SignalReceiver stuck = hub.subscribe({.overflow = SignalOverflow::block(1ms)});
    SignalReceiver other = hub.subscribe();
    for (int i = 1; i <= 8; ++i)
      CHECK(hub.send("n", i) != 0);
    CHECK(stuck.try_recv().is_closed());
    CHECK(stuck.statistics().evicted);
    CHECK(hub.statistics().evicted == 1);
    CHECK(drain(other).back() == 8);
  }
  SECTION("it goes away") {
    auto receiver = std::make_unique<SignalReceiver>(hub.subscribe({.overflow = SignalOverflow::block(1h)}));
    for (int i = 1; i <= 4; ++i)
      hub.send("n", i);
    std::thread leaver{[&] { receiver.reset(); }};
    CHECK(hub.send("n", 5) == 5);
    leaver.join();
  }
  SECTION("the hub is closed meanwhile") {
    SignalReceiver receiver = hub.subscribe({.overflow = SignalOverflow::block(1h)});
    for (int i = 1; i <= 4; ++i)
      hub.send("n", i);
    std::thread closer{[&] { hub.close(); }};
    CHECK(hub.send("n", 5) == 0);
    closer.join();
  }
}

TEST_CASE("a subscription can be closed from another thread [F97]", "[signal_hub][F97]") {
  SignalHub hub{4};
  SECTION("while it waits") {
    SignalReceiver receiver = hub.subscribe({.spin = 0us});
    std::thread closer{[&] { receiver.close(); }};
    CHECK(receiver.recv().is_closed());
    closer.join();
    hub.send("n", 1);
    CHECK(receiver.try_recv().is_closed());
  }
  SECTION("while a sender waits for it") {
    SignalReceiver receiver = hub.subscribe({.overflow = SignalOverflow::block(1h)});
    for (int i = 1; i <= 4; ++i)
      hub.send("n", i);
    std::thread closer{[&] { receiver.close(); }};
    CHECK(hub.send("n", 5) == 5);
    closer.join();
    CHECK(receiver.try_recv().is_closed());
    CHECK_FALSE(receiver.statistics().evicted);
    CHECK(hub.statistics().evicted == 0);
  }
  SECTION("with events left, conflated ones too") {
    SignalReceiver receiver = hub.subscribe({.conflation = SignalConflation::by_name()});
    hub.send("a", 1);
    hub.send("b", 1);
    CHECK(receiver.recv().event().name == "a");
    receiver.close();
    CHECK(receiver.try_recv().is_closed());
  }
  SECTION("its waker is called") {
    SignalReceiver receiver = hub.subscribe();
    int calls = 0;
    receiver.set_waker([&] { ++calls; });
    CHECK(receiver.arm());
    receiver.close();
    CHECK(calls == 1);
    CHECK_FALSE(receiver.arm());
  }
}

TEST_CASE("conflation keeps the latest event of each key, in the order in which the keys came up", "[signal_hub]") {
  SignalHub hub;
  SignalReceiver by_name = hub.subscribe({.conflation = SignalConflation::by_name()});
  SignalReceiver by_id = hub.subscribe({.conflation = SignalConflation::by_member("id")});
  for (int i = 1; i <= 6; ++i)
    hub.send(i % 2 ? "odd" : "even", {{"id", i % 3}, {"n", i}});
  CHECK(by_name.recv().event().payload["n"] == Value{5});
  hub.send("even", {{"id", 2}, {"n", 8}});
  CHECK(by_name.recv().event().payload["n"] == Value{8});
  CHECK(by_name.try_recv().is_empty());
  const auto statistics = by_name.statistics();
  CHECK(statistics.received == 2);
  CHECK(statistics.conflated == 5);
  std::vector<Value> latest;
  for (auto received = by_id.try_recv(); received; received = by_id.try_recv())
    latest.push_back(received->payload["n"]);
  CHECK(latest == std::vector<Value>{1, 8, 3, 4, 5, 6});
}

TEST_CASE("a rate limit refuses and counts what is too much, by name, and spares commits [F96]", "[signal_hub][F96]") {
  SignalHub hub{SignalHubOptions{.topics_max = 2}};
  hub.limit_rate("storm.*", 1);
  CHECK(hub.send("storm.a") == 1);
  CHECK(hub.send("storm.a") == 0);
  CHECK(hub.try_send("storm.a").error().code() == Errc::overloaded);
  CHECK(hub.send("calm") == 2);
  CHECK(hub.publish_commit(1, std::vector<Signal>{{"storm.a", 1}}) == 3);
  CHECK(hub.send("storm.not_interned") == 4);
  CHECK(hub.send("storm.not_interned_either") == 0);
  CHECK(hub.statistics().rate_limited == 3);
  hub.limit_rate("storm.*", 0);
  CHECK(hub.send("storm.a") == 5);
}

TEST_CASE("a waker is called once when something comes, unless it is there already", "[signal_hub]") {
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe({.filter = "wanted"});
  int calls = 0;
  receiver.set_waker([&] { ++calls; });

  REQUIRE(receiver.arm());
  hub.send("unwanted");
  CHECK(calls == 0);
  hub.send("wanted");
  hub.send("wanted");
  CHECK(calls == 1);
  CHECK_FALSE(receiver.arm());
  (void)receiver.recv().event();
  (void)receiver.recv().event();
  CHECK(receiver.arm());
  hub.close();
  CHECK(calls == 2);
}

TEST_CASE("what concerns nobody wakes nobody, and what was remembered of it is forgotten in time", "[signal_hub]") {
  SignalHub hub{1000};
  int picky_calls = 0, late_calls = 0;
  SignalReceiver picky = hub.subscribe({.filter = "wanted"});
  picky.set_waker([&] { ++picky_calls; });
  REQUIRE(picky.arm());
  for (int i = 0; i < 10; ++i)
    hub.send("unwanted");
  CHECK(picky_calls == 0);

  // Who arms later may want what concerned nobody before.
  SignalReceiver late = hub.subscribe({.filter = "unwanted"});
  late.set_waker([&] { ++late_calls; });
  REQUIRE(late.arm());
  hub.send("unwanted");
  CHECK(late_calls == 1);
  CHECK(picky_calls == 0);

  // Before what it does not want overruns it, it is woken to skip that.
  for (int i = 0; i < 480; ++i)
    hub.send("unwanted");
  CHECK(picky_calls == 0);
  for (int i = 0; i < 20; ++i)
    hub.send("unwanted");
  CHECK(picky_calls == 1);
  CHECK(picky.try_recv().is_empty());
  REQUIRE(picky.arm());
  hub.send("unwanted");
  CHECK(picky_calls == 1);
  hub.send("wanted");
  CHECK(picky_calls == 2);
  CHECK(picky.statistics().lagged == 0);
}

TEST_CASE("several threads share a receiver: each event goes to exactly one of them", "[signal_hub]") {
  constexpr int count = 4000;
  SignalHub hub{count};
  SignalReceiver receiver = hub.subscribe({.spin = 0us});
  std::vector<std::atomic<int>> seen(count);
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&] {
      while (const auto received = receiver.recv())
        ++seen[static_cast<std::size_t>(received->payload.value().as_int())];
    });
  for (int i = 0; i < count; ++i)
    hub.send("n", i);
  hub.close();
  for (auto& thread : threads)
    thread.join();
  CHECK(std::ranges::all_of(seen, [](const auto& times) { return times == 1; }));
}

}  // namespace
}  // namespace theus

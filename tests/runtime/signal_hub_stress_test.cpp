#include <theus/signal_hub.hpp>

#include "runtime/asymmetric_fence.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;

struct Load {
  std::size_t capacity;
  unsigned producers;
  unsigned receivers;
  bool batches;
  bool large;
  bool sleepy;
};

// Large events exceed a slot, small ones do not; both carry producer and number, and twice, so that mixtures show.
Value payload(unsigned producer, std::int64_t number, bool large) {
  return Value::list({static_cast<int>(producer), number, large ? std::string(150, 'x') : std::string{}, number});
}

struct Heard {
  std::uint64_t received = 0;
  std::uint64_t lagged = 0;
  std::uint64_t wrong = 0;
  std::uint64_t disordered = 0;
};

enum class Way { one_by_one, events, views };

// What every event is checked for.
struct Listener {
  explicit Listener(unsigned producers) : last(producers, 0) {}

  void hear(std::uint64_t sequence, std::string_view name, const PayloadView& payload) {
    ++heard.received;
    const auto producer = static_cast<std::size_t>(payload[0].as_int());
    const std::int64_t number = payload[1].as_int();
    heard.wrong +=
        payload[3] != Value{number} || name != (number % 3 ? "even" : "a name longer than thirty-nine characters");
    heard.disordered += number <= last[producer] || sequence <= latest;
    last[producer] = number;
    latest = sequence;
  }

  Heard heard;
  std::vector<std::int64_t> last;
  std::uint64_t latest = 0;
};

Heard listen(SignalReceiver& receiver, unsigned producers, Way way) {
  Listener listener{producers};
  Heard& heard = listener.heard;
  std::vector<Event> events;
  EventBatch batch{16};
  while (true) {
    if (way == Way::views) {
      if (receiver.recv_batch(batch, 1h).is_closed())
        return heard;
      heard.lagged += batch.lagged();
      if (batch)
        for (const EventView event : batch)
          listener.hear(event.sequence(), event.name(), event.payload());
    } else if (way == Way::events) {
      const auto received = receiver.recv_batch(events, 16, 1h);
      if (received.is_closed())
        return heard;
      heard.lagged += received.lagged();
      if (received)
        for (const Event& event : received)
          listener.hear(event.sequence, event.name, event.payload.view());
    } else {
      const auto received = receiver.recv();
      if (received.is_closed())
        return heard;
      heard.lagged += received.lagged();
      if (received)
        listener.hear(received->sequence, received->name, received->payload.view());
    }
  }
}

TEST_CASE("received plus lagged is published for every subscriber, in one order, under any load", "[signal_hub]") {
  const std::int64_t each = thread_sanitizer ? 2000 : 30000;
  const auto load = GENERATE(Load{2, 1, 1, false, false, true}, Load{2, 2, 2, false, true, false},
                             Load{100, 1, 4, true, true, false}, Load{1000, 4, 4, false, false, false},
                             Load{1000, 4, 2, true, true, true}, Load{64, 8, 1, true, false, true},
                             Load{65536, 1, 3, false, true, true}, Load{65536, 3, 8, true, false, false});
  CAPTURE(load.capacity, load.producers, load.receivers, load.batches, load.large, load.sleepy);
  SignalHub hub{load.capacity};
  std::vector<SignalReceiver> receivers;
  for (unsigned r = 0; r < load.receivers; ++r)
    receivers.push_back(hub.subscribe({.spin = load.sleepy ? 0us : 20us}));
  std::vector<Heard> heard(load.receivers);
  std::vector<std::thread> threads;
  for (unsigned r = 0; r < load.receivers; ++r)
    threads.emplace_back(
        [&, r] { heard[r] = listen(receivers[r], load.producers, static_cast<Way>((r + load.producers) % 3)); });

  std::vector<std::thread> senders;
  for (unsigned p = 0; p < load.producers; ++p)
    senders.emplace_back([&, p] {
      const auto name = [](std::int64_t n) { return n % 3 ? "even" : "a name longer than thirty-nine characters"; };
      for (std::int64_t n = 1; n <= each;) {
        const bool large = load.large && n % 4 == 0;
        if (load.batches && n + 3 <= each) {
          std::vector<Signal> batch;
          for (int i = 0; i < 3; ++i, ++n)
            batch.push_back({name(n), payload(p, n, large)});
          hub.send_batch(batch);
        } else {
          hub.send(name(n), payload(p, n, large));
          ++n;
        }
        if (load.sleepy && n % 64 == 0)
          std::this_thread::yield();
      }
    });
  for (auto& sender : senders)
    sender.join();
  hub.close();
  for (auto& thread : threads)
    thread.join();

  const auto published = load.producers * static_cast<std::uint64_t>(each);
  CHECK(hub.statistics().published == published);
  for (const Heard& one : heard) {
    CHECK(one.received + one.lagged == published);
    CHECK(one.wrong == 0);
    CHECK(one.disordered == 0);
  }
}

TEST_CASE("no wake is lost when every event finds its receiver asleep", "[signal_hub]") {
  const int rounds = thread_sanitizer ? 500 : 10000;
  SignalHub there{4};
  SignalHub back{4};
  SignalReceiver receiver = there.subscribe({.spin = 0us});
  SignalReceiver answers = back.subscribe({.spin = 0us});
  std::thread echo{[&] {
    while (const auto received = receiver.recv())
      back.send("answer", received->payload);
  }};
  for (int i = 0; i < rounds; ++i) {
    there.send("question", i);
    REQUIRE(answers.recv().event().payload == Value{i});
  }
  there.close();
  echo.join();
}

TEST_CASE("a blocking subscriber loses nothing, whoever sends", "[signal_hub]") {
  const auto producers = GENERATE(1U, 3U);
  const auto way = GENERATE(Way::one_by_one, Way::views);
  const std::int64_t each = thread_sanitizer ? 2000 : 10000;
  SignalHub hub{16};
  SignalReceiver receiver = hub.subscribe({.overflow = SignalOverflow::block(1h)});
  Heard heard;
  std::thread listener{[&] { heard = listen(receiver, producers, way); }};
  std::vector<std::thread> senders;
  for (unsigned p = 0; p < producers; ++p)
    senders.emplace_back([&, p] {
      for (std::int64_t n = 1; n <= each; ++n)
        hub.send(n % 3 ? "even" : "a name longer than thirty-nine characters", payload(p, n, n % 5 == 0));
    });
  for (auto& sender : senders)
    sender.join();
  hub.close();
  listener.join();
  CHECK(heard.received == producers * static_cast<std::uint64_t>(each));
  CHECK(heard.wrong + heard.disordered + heard.lagged == 0);
}

TEST_CASE("subscribers come and go while others send [F97]", "[signal_hub][F97]") {
  const int rounds = thread_sanitizer ? 200 : 1500;
  SignalHub hub{32};
  std::atomic<bool> stop{false};
  std::vector<std::thread> senders;
  for (int p = 0; p < 2; ++p)
    senders.emplace_back([&] {
      while (!stop)
        hub.send("n", std::string(200, 'x'));
    });
  std::atomic<std::uint64_t> wakes{0};
  std::vector<std::thread> visitors;
  for (int v = 0; v < 2; ++v)
    visitors.emplace_back([&, v] {
      for (int i = 0; i < rounds; ++i) {
        auto overflow = i % 4 == 0 && v == 0 ? SignalOverflow::block(1ms) : SignalOverflow::drop_oldest();
        SignalReceiver receiver = hub.subscribe({.from = SignalStart::last(8), .overflow = overflow});
        auto alive = std::make_unique<std::atomic<std::uint64_t>*>(&wakes);
        receiver.set_waker([&alive] { ++**alive; });
        (void)receiver.arm();
        for (int n = 0; n < i % 5; ++n)
          (void)receiver.try_recv().kind();
        { const SignalReceiver gone = std::move(receiver); }
        alive.reset();
      }
    });
  for (auto& visitor : visitors)
    visitor.join();
  stop = true;
  for (auto& sender : senders)
    sender.join();
  CHECK(hub.statistics().subscribers.empty());
}

}  // namespace
}  // namespace theus

#include <theus/signal_hub.hpp>

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;
using Kind = Received::Kind;

std::vector<std::int64_t> drain(SignalReceiver& receiver) {
  std::vector<std::int64_t> numbers;
  for (auto received = receiver.try_recv(); !received.is_empty() && !received.is_closed();
       received = receiver.try_recv())
    numbers.push_back(received.is_lagged() ? -static_cast<std::int64_t>(received.lagged())
                                           : received.event().payload.value().as_int());
  return numbers;
}

std::vector<std::int64_t> numbers(std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> all;
  for (auto n = first; n <= last; ++n)
    all.push_back(n);
  return all;
}

TEST_CASE("an event arrives with its name, its payload and a dense sequence", "[signal_hub]") {
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe();

  CHECK(hub.send("tick", {{"time", 1}, {"place", "here"}}) == 1);
  CHECK(hub.send("tock", 2.5) == 2);

  const Event first = receiver.recv().value();
  CHECK(first.sequence == 1);
  CHECK(first.version == 0);
  CHECK(first.name == "tick");
  CHECK(first.payload["time"].as_int() == 1);
  CHECK(first.payload == Value{{"time", 1}, {"place", "here"}});
  const Event second = receiver.recv().value();
  CHECK(second.name == "tock");
  CHECK(second.payload == Value{2.5});
  CHECK(hub.capacity() == 1000);
}

TEST_CASE("sending without subscribers returns a sequence, and a thousand subscribers all hear", "[signal_hub]") {
  SignalHub hub;
  CHECK(hub.send("tick") == 1);
  std::vector<SignalReceiver> receivers;
  for (int i = 0; i < 1000; ++i)
    receivers.push_back(hub.subscribe());

  CHECK(hub.send("tick", 7) == 2);

  for (SignalReceiver& receiver : receivers)
    CHECK(drain(receiver) == numbers(7, 7));
}

TEST_CASE("exactly the capacity is kept, whether a power of two or not", "[signal_hub]") {
  const auto capacity = GENERATE(1, 2, 3, 100, 128, 1000);
  CAPTURE(capacity);
  SignalHub hub{static_cast<std::size_t>(capacity)};
  SignalReceiver receiver = hub.subscribe();
  for (int i = 1; i <= capacity; ++i)
    hub.send("n", i);
  CHECK(drain(receiver) == numbers(1, capacity));

  SignalReceiver late = hub.subscribe({.from = SignalStart::last(5000)});
  CHECK(drain(late) == numbers(1, capacity));
}

TEST_CASE("an overrun receiver is told once exactly how many it lost and goes on near the oldest [F90]",
          "[signal_hub][F90]") {
  SignalHub hub{100};
  SignalReceiver slow = hub.subscribe();
  SignalReceiver quick = hub.subscribe();
  for (int i = 1; i <= 150; ++i) {
    hub.send("n", i);
    CHECK(quick.try_recv().event().payload == Value{i});
  }

  const Received lost = slow.try_recv();
  REQUIRE(lost.is_lagged());
  CHECK(lost.lagged() == 75);
  CHECK_THROWS_AS(lost.event(), std::logic_error);
  CHECK(drain(slow) == numbers(76, 150));
  hub.send("n", 151);
  CHECK(drain(slow) == numbers(151, 151));
  const auto statistics = slow.statistics();
  CHECK(statistics.received == 76);
  CHECK(statistics.lagged == 75);
  CHECK(statistics.depth == 0);
}

TEST_CASE("a receiver that asks for it goes on with the newest event after a loss", "[signal_hub]") {
  SignalHub hub{100};
  SignalReceiver receiver = hub.subscribe({.resume_at_newest = true});
  for (int i = 1; i <= 150; ++i)
    hub.send("n", i);
  CHECK(drain(receiver) == std::vector<std::int64_t>{-149, 150});
}

TEST_CASE("a subscription starts now, at the last n or at a sequence", "[signal_hub]") {
  SignalHub hub{100};
  for (int i = 1; i <= 50; ++i)
    hub.send("n", i);
  SignalReceiver now = hub.subscribe();
  SignalReceiver last = hub.subscribe({.from = SignalStart::last(10)});
  SignalReceiver from = hub.subscribe({.from = SignalStart::sequence(48)});
  SignalReceiver future = hub.subscribe({.from = SignalStart::sequence(52)});
  hub.send("n", 51);
  hub.send("n", 52);

  CHECK(drain(now) == numbers(51, 52));
  CHECK(drain(last) == numbers(41, 52));
  CHECK(drain(from) == numbers(48, 52));
  CHECK(drain(future) == numbers(52, 52));
  for (int i = 53; i <= 200; ++i)
    hub.send("n", i);
  SignalReceiver too_old = hub.subscribe({.from = SignalStart::sequence(11)});
  CHECK(drain(too_old).front() == -(125 - 10));
}

TEST_CASE("a receive on an empty hub times out, and a send wakes one that waits", "[signal_hub]") {
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe({.spin = 0us});
  CHECK(receiver.try_recv().is_empty());
  CHECK(receiver.recv(1ms).is_timeout());

  for (int i = 0; i < 200; ++i) {
    std::thread sender{[&] { hub.send("n", i); }};
    CHECK(receiver.recv().event().payload == Value{i});
    sender.join();
  }
}

TEST_CASE("payloads of every kind and size survive", "[signal_hub]") {
  SignalHub hub{8};
  SignalReceiver receiver = hub.subscribe();
  const auto survives = [&](const Value& payload) {
    hub.send("any", payload);
    const Event event = receiver.recv().value();
    CHECK(event.payload == payload);
    CHECK(event.payload.kind() == payload.kind());
  };
  survives({});
  survives(true);
  survives(false);
  for (const std::int64_t number : {0LL, 1LL, -1LL, 127LL, 128LL, -128LL, -129LL, 65535LL, 1LL << 40, (1LL << 62) + 1})
    for (const std::int64_t sign : {1, -1})
      survives(sign * number);
  survives(std::numeric_limits<std::int64_t>::min());
  survives(std::numeric_limits<std::int64_t>::max());
  survives(-0.5);
  for (const std::size_t size : {0, 1, 14, 15, 16, 100, 103, 104, 105, 127, 128, 1 << 20})
    survives(std::string(size, 'x'));
  survives(std::string{"nul \0 and\nnewline", 17});
  survives("žluťoučký \xf0\x9f\x90\x8e");
  const std::vector<std::byte> zeros(3);
  survives(Value::bytes(zeros));
  HeavyRef ref;
  ref.words[7] = 7;
  survives(Value::heavy(ref));
  survives(Value::list());
  survives(Value::list({1, "two", Value::list({3.0, {}}), Value{{"four", 4}}}));
  survives(Value{{"b", Value::map()}, {"a", Value::list({false})}, {"long key", "and text"}});
  Value large = Value::list();
  for (int i = 0; i < 1000; ++i)
    large.push_back(i);
  survives(large);
}

TEST_CASE("members and elements are found without building the payload", "[signal_hub]") {
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe();
  hub.send("m", {{"b", 2}, {"list", Value::list({10, Value{{"x", "y"}}, 30})}, {"a", 1}, {"b", 3}});
  const Event event = receiver.recv().value();
  CHECK(event.payload["a"] == Value{1});
  CHECK(event.payload["b"] == Value{3});
  CHECK(event.payload["list"][1]["x"] == Value{"y"});
  CHECK(event.payload["absent"].is_null());
  CHECK(event.payload[0].is_null());

  hub.send("l", Value::list({10, Value::list({11}), 12}));
  const Event list = receiver.recv().value();
  CHECK(list.payload[2] == Value{12});
  CHECK(list.payload[3].is_null());
  CHECK(list.payload["a"].is_null());
}

TEST_CASE("plain bytes arrive as they were sent, small and large", "[signal_hub]") {
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe();
  const SignalTopic topic = hub.topic("raw");
  for (const std::size_t size : {0, 1, 7, 8, 64, 104, 105, 5000}) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i)
      bytes[i] = static_cast<std::byte>(i * 7);
    hub.send(topic, bytes);
    const Event event = receiver.recv().value();
    CHECK(std::ranges::equal(event.payload.bytes(), bytes));
    CHECK(event.payload == Value::bytes(bytes));
    CHECK(event.name == "raw");
  }
}

TEST_CASE("a filter lets matching names through and counts the others", "[signal_hub]") {
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe({.filter = "sensor.*"});
  int n = 0;
  for (const char* name : {"sensor.a", "sensor", "sensor.a.b", "other.sensor.c", "sensor.b"})
    hub.send(name, ++n);
  CHECK(drain(receiver) == std::vector<std::int64_t>{1, 5});
  CHECK(receiver.statistics().filtered == 3);
}

TEST_CASE("names beyond the table's bound, long, empty and strange names are delivered and filtered too",
          "[signal_hub]") {
  SignalHub hub{SignalHubOptions{.capacity = 100, .topics_max = 2}};
  SignalReceiver all = hub.subscribe();
  SignalReceiver some = hub.subscribe({.filter = "x**"});
  const std::vector<std::string> names{
      "a", "b", "c", "", std::string(300, 'x'), std::string(40, 'x'), std::string{"x\0\n", 3}};
  for (const std::string& name : names)
    hub.send(name, name);
  for (const std::string& name : names) {
    const Event event = all.recv().value();
    CHECK(event.name.view() == name);
    CHECK(event.payload == Value{name});
  }
  CHECK(some.recv().event().name.view().size() == 300);
  CHECK(some.recv().event().name.view().size() == 40);
  CHECK(some.recv().event().name.view().size() == 3);
  CHECK(hub.statistics().topics == 2);
  CHECK_THROWS_AS(hub.topic("d"), OverloadError);
}

TEST_CASE("the signals of a commit arrive in order, at consecutive places, with its version", "[signal_hub]") {
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe();
  hub.send("before");
  const std::vector<Signal> signals{{"status", "done"}, {"progress", 100}};

  CHECK(hub.publish_commit(42, signals) == 2);

  (void)receiver.recv().event();
  const Event status = receiver.recv().value();
  const Event progress = receiver.recv().value();
  CHECK((status.name == "status" && status.version == 42 && status.index == 0 && status.sequence == 2));
  CHECK((progress.name == "progress" && progress.version == 42 && progress.index == 1 && progress.sequence == 3));
  CHECK(hub.publish_commit(43, {}) == 0);
}

TEST_CASE("batches are consecutive, also when larger than the capacity", "[signal_hub]") {
  SignalHub hub{16};
  SignalReceiver receiver = hub.subscribe();
  std::vector<Signal> signals;
  for (int i = 1; i <= 40; ++i)
    signals.push_back({"n", i});
  CHECK(hub.send_batch(std::span{signals}.first(10)) == 1);
  CHECK(drain(receiver) == numbers(1, 10));
  CHECK(hub.send_batch(signals) == 11);
  CHECK(hub.send("n", 41) == 51);
  const auto heard = drain(receiver);
  CHECK(heard.front() == -29);
  CHECK(heard.back() == 41);
}

TEST_CASE("a batch of events is received at once, and a loss inside it is reported after them", "[signal_hub]") {
  SignalHub hub{8};
  SignalReceiver receiver = hub.subscribe();
  std::vector<Event> events;
  CHECK(receiver.recv_batch(events, 4).is_empty());
  for (int i = 1; i <= 6; ++i)
    hub.send("n", i);
  CHECK(receiver.recv_batch(events, 4).events().size() == 4);
  CHECK(receiver.recv_batch(events, 4, 1s).events().back().payload == Value{6});
  CHECK(receiver.recv_batch(events, 4, 1ms).is_timeout());
  for (int i = 7; i <= 26; ++i)
    hub.send("n", i);
  CHECK(receiver.recv_batch(events, 4).lagged() == 14);
  hub.close();
  CHECK(receiver.recv_batch(events, 100).events().size() == 6);
  CHECK(receiver.recv_batch(events, 100).is_closed());
}

TEST_CASE("a closed hub refuses sends; receivers drain, then see closed", "[signal_hub]") {
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe();
  hub.send("n", 1);
  hub.close();
  hub.close();
  CHECK(hub.send("n", 2) == 0);
  CHECK(hub.try_send("n", std::string(1000, 'x')).error().code() == Errc::closed);
  CHECK(hub.publish_commit(1, std::vector<Signal>{{"n", 3}}) == 0);
  CHECK(hub.statistics().refused == 3);
  CHECK(receiver.recv().event().payload == Value{1});
  const Received end = receiver.recv();
  CHECK(end.is_closed());
  CHECK_THROWS_AS(end.event(), LogicError);
  SignalReceiver late = hub.subscribe();
  CHECK(late.recv().is_closed());
}

TEST_CASE("hub and receivers may go in any order, and events outlive both [F97]", "[signal_hub][F97]") {
  auto hub = std::make_unique<SignalHub>(4U);
  auto receiver = std::make_unique<SignalReceiver>(hub->subscribe());
  auto other = std::make_unique<SignalReceiver>(hub->subscribe());
  const std::string name(60, 'n');
  for (int i = 0; i < 10; ++i)
    hub->send(name, std::string(500, 'x'));
  other.reset();
  hub->send("last", std::string(500, 'y'));
  hub.reset();

  CHECK(receiver->recv().is_lagged());
  std::vector<Event> events;
  for (auto received = receiver->recv(); received; received = receiver->recv())
    events.push_back(received.event());
  receiver.reset();

  REQUIRE(events.size() == 3);
  CHECK(events[0].name == name);
  CHECK(events[0].payload == Value{std::string(500, 'x')});
  CHECK(events[2].name == "last");
}

TEST_CASE("closing wakes those who wait", "[signal_hub]") {
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe({.spin = 0us});
  std::thread closer{[&] { hub.close(); }};
  CHECK(receiver.recv().is_closed());
  closer.join();
}

TEST_CASE("a capacity of nothing is refused", "[signal_hub]") {
  CHECK_THROWS_AS(SignalHub{0U}, LogicError);
  CHECK_THROWS_AS(SignalHub{std::size_t{1} << 40}, LogicError);
}

}  // namespace
}  // namespace theus

#include <theus/signal_hub.hpp>

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

namespace theus {
namespace {

using namespace std::chrono_literals;

std::vector<std::byte> pattern(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i)
    bytes[i] = static_cast<std::byte>(i * 7 + 1);
  return bytes;
}

std::vector<std::uint64_t> sequences(const EventBatch& batch) {
  std::vector<std::uint64_t> all;
  for (const EventView event : batch)
    all.push_back(event.sequence());
  return all;
}

TEST_CASE("a batch shows what was sent, where it stands", "[event_batch]") {
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe();
  EventBatch batch;
  CHECK(receiver.recv_batch(batch).is_empty());
  const std::string large(1 << 20, 'x');
  hub.send("tick", {{"time", 1}, {"place", "here"}});
  hub.send("", std::string{"nul \0 and\nnewline", 17});
  hub.send("žluťoučký", large);
  hub.publish_commit(7, std::vector<Signal>{{"a", 2.5}, {"b", Value::list({1, "two"})}});

  REQUIRE(receiver.recv_batch(batch));
  REQUIRE(batch.size() == 5);
  CHECK(sequences(batch) == std::vector<std::uint64_t>{1, 2, 3, 4, 5});
  CHECK(batch[0].name() == "tick");
  CHECK(batch[0].payload()["time"] == Value{1});
  CHECK(batch[0].payload() == Value{{"time", 1}, {"place", "here"}});
  CHECK(batch[0].version() == 0);
  CHECK(batch[1].name().empty());
  CHECK(batch[1].payload().get<std::string>().value() == std::string{"nul \0 and\nnewline", 17});
  CHECK(batch[2].name() == "žluťoučký");
  CHECK(batch[2].payload() == Value{large});
  CHECK(batch[3].version() == 7);
  CHECK(batch[3].index() == 0);
  CHECK(batch[3].payload() == Value{2.5});
  CHECK(batch[4].index() == 1);
  CHECK(batch[4].payload()[1] == Value{"two"});
}

TEST_CASE("bytes of any size are the same in a batch, an event and a vector of events", "[event_batch]") {
  SignalHub hub{256};
  const SignalTopic topic = hub.topic("raw");
  SignalReceiver views = hub.subscribe();
  SignalReceiver events = hub.subscribe();
  SignalReceiver one = hub.subscribe();
  EventBatch batch{200};
  std::vector<Event> room;
  for (std::size_t size = 0; size < 130; ++size)
    hub.send(topic, pattern(size));
  REQUIRE(views.recv_batch(batch));
  REQUIRE(batch.size() == 130);
  const auto received = events.recv_batch(room, 200).events();
  REQUIRE(received.size() == 130);
  for (std::size_t size = 0; size < 130; ++size) {
    const auto sent = pattern(size);
    CHECK(std::ranges::equal(batch[size].payload().bytes(), sent));
    CHECK(std::ranges::equal(received[size].payload.bytes(), sent));
    const Event event = one.recv().value();
    CHECK(std::ranges::equal(event.payload.bytes(), sent));
  }
}

TEST_CASE("payloads of commits of any size survive beside their version", "[event_batch]") {
  SignalHub hub{256};
  SignalReceiver receiver = hub.subscribe();
  EventBatch batch{200};
  std::vector<Signal> signals;
  for (std::size_t size = 0; size < 130; ++size)
    signals.push_back({"raw", Value::bytes(pattern(size))});
  hub.publish_commit(~std::uint64_t{0}, signals);
  REQUIRE(receiver.recv_batch(batch));
  REQUIRE(batch.size() == 130);
  for (std::size_t size = 0; size < 130; ++size) {
    CHECK(batch[size].payload() == signals[size].payload);
    CHECK(batch[size].version() == ~std::uint64_t{0});
    CHECK(batch[size].index() == size);
  }
}

TEST_CASE("records cut from bytes arrive in order, the last one shorter, also beyond the capacity", "[event_batch]") {
  SignalHub hub{16};
  SignalReceiver receiver = hub.subscribe({.from = SignalStart::sequence(1)});
  const SignalTopic topic = hub.topic("raw");
  EventBatch batch{16};
  const auto few = pattern(20);
  CHECK(hub.send_batch(topic, {}, 8) == 0);
  CHECK(hub.send_batch(topic, few, 0) == 0);
  CHECK(hub.send_batch(topic, few, 8) == 1);
  REQUIRE(receiver.recv_batch(batch));
  REQUIRE(batch.size() == 3);
  CHECK(std::ranges::equal(batch[1].payload().bytes(), std::span{few}.subspan(8, 8)));
  CHECK(std::ranges::equal(batch[2].payload().bytes(), std::span{few}.subspan(16)));

  const auto many = pattern(70 * 40);
  CHECK(hub.send_batch(topic, many, 70) == 4);
  CHECK(hub.statistics().published == 43);
  CHECK(receiver.recv_batch(batch).is_lagged());
  CHECK(batch.lagged() == 28);
  REQUIRE(receiver.recv_batch(batch));
  CHECK(batch[0].sequence() == 32);
  CHECK(std::ranges::equal(batch[0].payload().bytes(), std::span{many}.subspan(std::size_t{28} * 70, 70)));
}

TEST_CASE("a batch takes no more than its capacity, and tells a loss in its place", "[event_batch]") {
  SignalHub hub{16};
  SignalReceiver receiver = hub.subscribe();
  EventBatch batch{8};
  for (int i = 0; i < 12; ++i)
    hub.send("n", i);
  CHECK(receiver.recv_batch(batch).size() == 8);
  CHECK(receiver.recv_batch(batch).size() == 4);
  for (int i = 0; i < 40; ++i)
    hub.send("n", i);
  CHECK(receiver.recv_batch(batch).is_lagged());
  CHECK(batch.lagged() == 28);
  CHECK_THROWS(batch.size());
  CHECK_THROWS(batch.begin());
  CHECK(sequences(receiver.recv_batch(batch)).front() == 41);
  const SubscriberStatistics statistics = receiver.statistics();
  CHECK(statistics.received + statistics.lagged + statistics.depth == 52);
}

TEST_CASE("a batch without events says why and does not pass for one", "[event_batch]") {
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe();
  EventBatch batch;
  CHECK(receiver.recv_batch(batch, 1ms).is_timeout());
  CHECK_THROWS(batch.end());
  hub.send("n");
  hub.close();
  CHECK(receiver.recv_batch(batch, 1h).size() == 1);
  CHECK(receiver.recv_batch(batch, 1h).is_closed());
  CHECK_THROWS_AS(batch.begin(), LogicError);
}

TEST_CASE("names beyond the table, filters and conflation are the same in a batch", "[event_batch]") {
  SignalHub hub{SignalHubOptions{.topics_max = 1}};
  SignalReceiver wanted = hub.subscribe({.filter = "b.*"});
  SignalReceiver latest = hub.subscribe({.conflation = SignalConflation::by_name()});
  EventBatch batch;
  hub.send("a.interned", 1);
  hub.send("b.not interned", 2);
  hub.send("a.interned", 3);
  REQUIRE(wanted.recv_batch(batch));
  REQUIRE(batch.size() == 1);
  CHECK(batch[0].name() == "b.not interned");
  CHECK(batch[0].payload() == Value{2});
  CHECK(wanted.statistics().filtered == 2);

  REQUIRE(latest.recv_batch(batch));
  REQUIRE(batch.size() == 2);
  CHECK(batch[0].name() == "a.interned");
  CHECK(batch[0].sequence() == 3);
  CHECK(batch[1].payload() == Value{2});
}

TEST_CASE("a batch, and the events copied from it, outlive hub and receiver [F97]", "[event_batch][F97]") {
  EventBatch batch;
  std::vector<Event> copies;
  {
    SignalHub hub;
    SignalReceiver receiver = hub.subscribe();
    hub.send("a name longer than thirty-nine characters", {{"n", 1}});
    hub.send("large", std::string(500, 'x'));
    REQUIRE(receiver.recv_batch(batch).size() == 2);
  }
  for (const EventView event : batch)
    copies.push_back(event.event());
  CHECK(batch[0].name() == "a name longer than thirty-nine characters");
  CHECK(batch[1].payload() == Value{std::string(500, 'x')});
  batch = EventBatch{1};
  CHECK(copies[0].name == "a name longer than thirty-nine characters");
  CHECK(copies[0].payload["n"] == Value{1});
  CHECK(copies[0].sequence == 1);
  CHECK(copies[1].payload == Value{std::string(500, 'x')});
}

}  // namespace
}  // namespace theus

#include "runtime/attach/signal_stream.hpp"

#include "runtime/attach/protocol.hpp"
#include "runtime/attach/wire.hpp"
#include "runtime/cbor.hpp"

#include <catch2/catch.hpp>

#include <poll.h>

namespace theus {
namespace {

using namespace std::chrono_literals;
using Time = SignalStream::Time;

bool is_readable(int descriptor) {
  pollfd ready{descriptor, POLLIN, 0};
  return ::poll(&ready, 1, 0) == 1;
}

/// A stream whose messages are sent and understood again, in time that stands still until it is moved.
struct Stage {
  explicit Stage(bool counts_only = false, std::size_t capacity = 8)
      : hub(capacity), sut(hub.subscribe(), counts_only) {}

  std::optional<Value> look() {
    const auto message = sut.look(now);
    now += 1ms;
    if (!message)
      return std::nullopt;
    const auto bytes = to_cbor(*message);
    CHECK(bytes.size() <= answer_bytes_max);
    return from_cbor(bytes, {.bytes_max = answer_bytes_max, .depth_max = message_depth_max}).value();
  }
  std::vector<HeardSignal> heard() {
    const auto message = look();
    return message ? signals_from_wire(*message).value() : std::vector<HeardSignal>{};
  }
  std::vector<std::string> texts() {
    std::vector<std::string> texts;
    for (const HeardSignal& signal : heard())
      texts.push_back(signal.missed > 0 ? "missed " + std::to_string(signal.missed)
                                        : std::to_string(signal.sequence) + " " + signal.name);
    return texts;
  }

  SignalHub hub;
  Time now{1h};
  SignalStream sut;
};

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a stream tells signals in order, and gaps in their place", "[attach][signal_stream]") {
  Stage stage;
  CHECK(stage.texts().empty());
  stage.hub.send("a");
  stage.hub.send("b");
  CHECK(stage.texts() == Texts{"1 a", "2 b"});
  for (int i = 0; i < 20; ++i)
    stage.hub.send("c");
  CHECK(stage.texts() == Texts{"missed 14", "17 c", "18 c", "19 c", "20 c", "21 c", "22 c"});
  CHECK(stage.texts().empty());
}

TEST_CASE("a stream tells what a signal of a commit is", "[attach][signal_stream]") {
  Stage stage;
  const std::vector<Signal> signals{{"status", "ok"}, {"progress", 7}};
  stage.hub.publish_commit(41, signals);
  const auto heard = stage.heard();
  REQUIRE(heard.size() == 2);
  CHECK(heard[1].version == 41);
  CHECK(heard[1].index == 1);
  CHECK(heard[1].name == "progress");
  CHECK(heard[1].payload == Value{7});
}

TEST_CASE("an idle stream sleeps until a signal comes", "[attach][signal_stream]") {
  Stage stage;
  CHECK(stage.look() == std::nullopt);
  CHECK(stage.sut.look_at() == Time::max());
  CHECK_FALSE(is_readable(stage.sut.wake_descriptor()));
  stage.hub.send("a");
  CHECK(is_readable(stage.sut.wake_descriptor()));
  CHECK(stage.texts() == Texts{"1 a"});
  CHECK_FALSE(is_readable(stage.sut.wake_descriptor()));
}

TEST_CASE("a stream looks at signals no more often than once per interval", "[attach][signal_stream]") {
  Stage stage;
  stage.hub.send("a");
  CHECK(stage.sut.look(stage.now));
  stage.hub.send("b");
  CHECK_FALSE(stage.sut.look(stage.now));
  CHECK(stage.sut.look(stage.now + SignalStream::look_interval));
}

TEST_CASE("one message of a stream is bounded, the rest follows", "[attach][signal_stream]") {
  Stage stage;
  for (int i = 0; i < 8; ++i)
    stage.hub.send("large", std::string(500'000, 'x'));
  CHECK(stage.heard().size() == 3);
  CHECK(stage.sut.look_at() <= stage.now);
  CHECK(stage.heard().size() == 3);
  CHECK(stage.heard().size() == 2);
}

TEST_CASE("payloads and names of any kind are told, or told of", "[attach][signal_stream]") {
  Stage stage;
  const std::string bytes{"\xff\x00\n\xc3", 4};
  const std::string text{"gr\xc3\xbc\xc3\x9f\x00\n", 8};
  stage.hub.send(bytes, bytes);
  stage.hub.send("huge", std::string(1'100'000, 'x'));
  stage.hub.send("text", text);
  stage.hub.send("bytes", std::as_bytes(std::span{bytes}));
  const auto heard = stage.heard();
  REQUIRE(heard.size() == 4);
  CHECK(heard[0].name == bytes);
  CHECK(heard[0].payload.contains("$omitted"));
  CHECK(heard[1].payload["$omitted"].as_int() > 1'100'000);
  CHECK(heard[2].payload == Value{text});
  CHECK(heard[3].payload == Value::bytes(std::as_bytes(std::span{bytes})));
}

TEST_CASE("counts are told at intervals, exactly, also when there are none", "[attach][signal_stream]") {
  Stage stage{true};
  const auto counts_after = [&](std::chrono::milliseconds time) {
    stage.now += time;
    const auto message = stage.look();
    return message ? std::optional{counts_from_wire(*message).value()} : std::nullopt;
  };
  CHECK_FALSE(counts_after(0ms));
  for (int i = 0; i < 3; ++i)
    stage.hub.send("a");
  stage.hub.send("b");
  CHECK_FALSE(counts_after(5ms));
  for (int i = 0; i < 20; ++i)
    stage.hub.send("a");
  const auto first = counts_after(SignalStream::count_interval);
  REQUIRE(first);
  CHECK(first->counts == std::map<std::string, std::uint64_t>{{"a", 9}, {"b", 1}});
  CHECK(first->missed == 14);
  CHECK(first->elapsed >= SignalStream::count_interval);
  const auto second = counts_after(SignalStream::count_interval);
  REQUIRE(second);
  CHECK(second->counts.empty());
  CHECK(second->missed == 0);
  CHECK(stage.sut.look_at() < stage.now + SignalStream::count_interval);
}

TEST_CASE("counts tell a bounded number of names apart", "[attach][signal_stream]") {
  Stage stage{true, 2048};
  CHECK_FALSE(stage.look());
  for (int i = 0; i < 1200; ++i)
    stage.hub.send("name" + std::to_string(i % 1100));
  stage.now += SignalStream::count_interval;
  const auto counts = counts_from_wire(stage.look().value()).value();
  CHECK(counts.counts.size() == 1000);
  CHECK(counts.counts.at("name7") == 2);
  CHECK(counts.further == 100);
}

TEST_CASE("a stream of a closed hub tells what is left, and sleeps", "[attach][signal_stream]") {
  Stage stage;
  stage.hub.send("a");
  stage.hub.close();
  CHECK(stage.texts() == Texts{"1 a"});
  CHECK(stage.sut.wake_descriptor() == -1);
  CHECK(stage.sut.look_at() == Time::max());
}

}  // namespace theus

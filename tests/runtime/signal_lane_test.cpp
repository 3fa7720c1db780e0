// What a joined process sends to an owner on its host, and what a hostile one can do by that.

#include "tests/support/near_signals.hpp"
#include "tests/support/property.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using testing::all_of;
using testing::is_readable;
using testing::NearSignalsStage;

const std::string long_text(1000, 'x');

}  // namespace

TEST_CASE("what is sent here reaches the owner in its order, whatever its size", "[signal_lane]") {
  NearSignalsStage stage;
  auto receiver = stage.owner.subscribe();
  auto own = stage.here.subscribe();
  stage.here.send("tick", {{"n", 1}});
  stage.here.send("tick", long_text);
  stage.here.send(std::string(300, 'n'), 2);
  stage.here.send("raw", std::as_bytes(std::span{"abc", 3}));
  stage.here.send("tick", 5);
  const std::vector<std::string> sent{"tick {\"n\":1}", "tick " + to_json(long_text), std::string(300, 'n') + " 2",
                                      "raw " + to_json(Value::bytes(std::as_bytes(std::span{"abc", 3}))), "tick 5"};
  // Messages come later than memory.
  stage.guest->look().value();
  CHECK(all_of(receiver).empty());
  stage.settle();
  CHECK(all_of(receiver) == sent);
  CHECK(all_of(own) == sent);
}

TEST_CASE("the owner is rung for once, when it waits and something is sent", "[signal_lane]") {
  NearSignalsStage stage;
  stage.here.send("tick", 0);
  stage.settle();
  REQUIRE_FALSE(stage.guest->has_news());
  const int bell = stage.guest->wake_descriptor();
  REQUIRE(bell >= 0);
  CHECK_FALSE(is_readable(bell));
  stage.here.send("tick", 1);
  CHECK(is_readable(bell));
  stage.guest->look().value();
  CHECK_FALSE(is_readable(bell));
  stage.here.send("tick", 2);
  CHECK_FALSE(is_readable(bell));
  CHECK(stage.guest->has_news());
}

TEST_CASE("more signals than the lane holds are refused, and taken again when the owner has read some",
          "[signal_lane]") {
  NearSignalsStage stage;
  for (std::uint64_t i = 0; i < lane_capacity; ++i)
    REQUIRE(stage.here.send("tick", 1) == i + 1);
  CHECK(stage.here.send("tick", 1) == 0);
  const auto refused = stage.here.try_send("tick", long_text);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::overloaded);
  CHECK(*refused.error().field("limit") == Value{lane_capacity});
  stage.settle();
  CHECK(stage.owner.statistics().published == lane_capacity);
  CHECK(stage.here.send("tick", 1) == lane_capacity + 1);
}

TEST_CASE("a message that is refused refuses the signal, and nothing else is held up", "[signal_lane]") {
  NearSignalsStage stage;
  auto receiver = stage.owner.subscribe();
  stage.here.send("tick", 1);
  stage.refuses = true;
  CHECK(stage.here.send("another", 2) == 0);
  CHECK(stage.here.send("tick", long_text) == 0);
  CHECK(stage.here.send("tick", 3) == 2);
  stage.refuses = false;
  CHECK(stage.here.send("another", 4) == 3);
  stage.settle();
  CHECK(all_of(receiver) == std::vector<std::string>{"tick 1", "tick 3", "another 4"});
}

TEST_CASE("the owner's rate limits hold for what is sent here", "[signal_lane]") {
  NearSignalsStage stage;
  stage.owner.limit_rate("tick", 5);
  for (int i = 0; i < 50; ++i)
    stage.here.send("tick", i);
  stage.here.send("other", 1);
  stage.settle();
  const auto statistics = stage.owner.statistics();
  CHECK(statistics.published + statistics.rate_limited == 51);
  CHECK(statistics.rate_limited >= 40);
}

TEST_CASE("what a process sent before it ended is published, and nothing of what it had not finished",
          "[signal_lane]") {
  NearSignalsStage stage;
  auto receiver = stage.owner.subscribe();
  stage.here.send("tick", 0);
  stage.settle();
  for (int i = 1; i < 5000; ++i)
    stage.here.send("tick", i);
  stage.here.send("never introduced", 1);
  stage.here.send("tick", 5000);
  stage.guest->drain();
  stage.guest.reset();
  CHECK(stage.owner.statistics().published == 5000);
}

TEST_CASE("records that are none end the connection, and publish nothing [F45]", "[signal_lane]") {
  SignalHub hub = SignalExport::make_hub({.capacity = 64});
  GuestSignals guest{hub, true};
  auto descriptors = guest.descriptors();
  LaneWriter lane = LaneWriter::open(descriptors[1]).value();
  const auto names = [&] {
    std::vector<std::byte> entry;
    append_cbor_number(entry, 1);
    append_cbor_text(entry, "tick");
    CborCursor in{entry};
    guest.take_names(in);
    REQUIRE(in.failure() == nullptr);
  };
  names();
  SignalRecord record{.word = SignalHead{.topic = 1, .form = PayloadForm::packed, .bytes = 2}.word(), .payload = {}};
  SECTION("a payload that is no value") { record.payload[0] = 0x0909; }
  SECTION("a text longer than its record") { record.payload[0] = 0xff; }
  SECTION("a payload longer than a record") {
    record.word = SignalHead{.topic = 1, .form = PayloadForm::bytes, .bytes = 255}.word();
  }
  SECTION("a gap") { record.word = SignalHead{.form = PayloadForm::gap, .bytes = 8}.word(); }
  SECTION("a form that is unknown") {
    record.word = SignalHead{.topic = 1, .form = static_cast<PayloadForm>(9), .bytes = 1}.word();
  }
  lane.put(record);
  const Status looked = guest.look();
  REQUIRE_FALSE(looked);
  CHECK(looked.error().code() == Errc::bad_input);
  CHECK_FALSE(guest.has_news());
  CHECK(hub.statistics().published == 0);
}

TEST_CASE("counts that cannot be end the connection [F45]", "[signal_lane]") {
  SignalHub hub = SignalExport::make_hub({.capacity = 64});
  GuestSignals guest{hub, true};
  auto descriptors = guest.descriptors();
  auto pages = MappedPages::open(descriptors[1], MappedPages::Access::write, lane_bytes, lane_bytes).value();
  auto& header = *reinterpret_cast<LaneHeader*>(pages.bytes().data());
  header.produced = GENERATE(lane_capacity + 1, ~std::uint64_t{0});
  CHECK(guest.look().error().code() == Errc::bad_input);
}

TEST_CASE("a lane of random bytes crashes nobody [F45]", "[signal_lane]") {
  testing::holds(500, [] {
    SignalHub hub = SignalExport::make_hub({.capacity = 64});
    auto receiver = hub.subscribe();
    GuestSignals guest{hub, true};
    auto descriptors = guest.descriptors();
    LaneWriter lane = LaneWriter::open(descriptors[1]).value();
    std::vector<std::byte> entry;
    append_cbor_number(entry, 1);
    append_cbor_text(entry, "tick");
    CborCursor in{entry};
    guest.take_names(in);
    for (int i = 0; i < 8; ++i) {
      SignalRecord record{.word = *rc::gen::arbitrary<std::uint64_t>(), .payload = {}};
      if (*rc::gen::inRange(0, 2) == 0)
        record.word =
            SignalHead{.topic = 1, .form = PayloadForm::packed, .bytes = *rc::gen::inRange<std::uint8_t>(0, 20)}.word();
      for (std::uint64_t& word : record.payload)
        word = *rc::gen::inRange(0, 2) == 0 ? *rc::gen::arbitrary<std::uint64_t>()
                                            : *rc::gen::inRange<std::uint64_t>(0, 300) * 0x0101;
      lane.put(record);
      if (!guest.look())
        break;
    }
    for (Received received = receiver.try_recv(); received; received = receiver.try_recv())
      (void)to_json(received->payload.value());
  });
}

}  // namespace theus

// What a joined process hears of an owner on its host: by shared memory, and by messages that a test carries.

#include "tests/support/near_signals.hpp"

#include <catch2/catch.hpp>

#include <thread>

namespace theus {
namespace {

using testing::all_of;
using testing::is_readable;
using testing::NearSignalsStage;

const std::string long_text(1000, 'x');

}  // namespace

TEST_CASE("what the owner publishes is published here, in its order", "[signal_pump]") {
  NearSignalsStage stage;
  auto receiver = stage.here.subscribe();
  stage.owner.send("tick", {{"n", 1}});
  stage.owner.send(std::string(300, 'n'), 2);  // too long to have a number
  stage.owner.send("tick", long_text);
  stage.owner.send("raw", std::as_bytes(std::span{"abc", 3}));
  stage.owner.publish_commit(0, std::vector<Signal>{{"tick", 4}});
  stage.settle();
  CHECK(all_of(receiver) ==
        std::vector<std::string>{"tick {\"n\":1}", std::string(300, 'n') + " 2", "tick " + to_json(long_text),
                                 "raw " + to_json(Value::bytes(std::as_bytes(std::span{"abc", 3}))), "tick 4"});
  CHECK(stage.fault.empty());
}

TEST_CASE("a name is asked for once, and then read from the ring", "[signal_pump]") {
  NearSignalsStage stage;
  stage.owner.send("tick", 1);
  stage.settle();
  const int fetches = stage.carried[ToOwner::fetch];
  CHECK(fetches == 1);
  for (int i = 0; i < 100; ++i)
    stage.owner.send("tick", i);
  stage.settle();
  CHECK(stage.carried[ToOwner::fetch] == fetches);
  CHECK(stage.here.statistics().published == 101);
}

TEST_CASE("a commit's signals wait here for the commit, and all that follows waits with them", "[signal_pump]") {
  NearSignalsStage stage;
  auto receiver = stage.here.subscribe();
  stage.owner.send("tick", 0);
  stage.settle();
  (void)all_of(receiver);
  stage.owner.publish_commit(7, std::vector<Signal>{{"tick", 1}, {"tick", 2}});
  stage.owner.send("tick", 3);
  stage.visible = 6;
  stage.settle();
  CHECK(all_of(receiver).empty());
  CHECK(stage.signals.pump().wake_descriptor() == -1);
  stage.visible = 7;
  stage.settle();
  CHECK(all_of(receiver) == std::vector<std::string>{"tick 1 7.0", "tick 2 7.1", "tick 3"});
}

TEST_CASE("what is overwritten before it is read is counted as lost, all of it", "[signal_pump]") {
  NearSignalsStage stage{64, 4096};
  auto receiver = stage.here.subscribe();
  stage.owner.send("tick", -1);
  stage.settle();
  for (int i = 0; i < 1000; ++i)
    stage.owner.send("tick", i);
  stage.settle();
  std::uint64_t heard = 0;
  std::uint64_t lost = 0;
  for (Received received = receiver.try_recv(); !received.is_empty(); received = receiver.try_recv()) {
    heard += received.is_event();
    lost += received.lagged();
  }
  CHECK(heard + lost == 1001);
  CHECK(lost >= 1000 - 64);
}

TEST_CASE("whoever receives takes from the owner's ring himself", "[signal_pump]") {
  NearSignalsStage stage;
  auto receiver = stage.here.subscribe();
  stage.owner.send("tick", 1);
  stage.settle();
  CHECK(all_of(receiver) == std::vector<std::string>{"tick 1"});
  stage.owner.send("tick", 2);
  CHECK(receiver.try_recv()->payload.value() == Value{2});
  stage.owner.send("tick", 3);
  std::vector<Event> events;
  CHECK(receiver.recv_batch(events, 8).events().size() == 1);
  stage.owner.send("tick", 4);
  EventBatch batch{8};
  CHECK(receiver.recv_batch(batch, std::chrono::seconds{1}).size() == 1);
}

TEST_CASE("while receivers take by themselves the thread stands by, and sees to it again when they are gone",
          "[signal_pump]") {
  NearSignalsStage stage;
  auto receiver = stage.here.subscribe();
  stage.owner.send("tick", 1);
  stage.settle();
  (void)all_of(receiver);
  stage.owner.send("tick", 2);
  CHECK(receiver.try_recv());
  stage.signals.pump().look(0);
  CHECK(stage.signals.pump().wake_descriptor() == -1);
  CHECK(stage.signals.pump().pause() > std::chrono::nanoseconds{0});
  CHECK(stage.signals.pump().pause() < std::chrono::milliseconds{1});
  stage.signals.pump().look(0);
  CHECK(stage.signals.pump().wake_descriptor() >= 0);
}

TEST_CASE("a receiver that falls asleep has the thread woken, unless the owner rings", "[signal_pump]") {
  NearSignalsStage stage;
  auto receiver = stage.here.subscribe();
  receiver.set_waker([] {});
  const auto fall_asleep = [&] { return receiver.arm(); };
  CHECK(fall_asleep());
  CHECK(stage.rings > 0);
  stage.settle();
  REQUIRE(stage.signals.pump().wake_descriptor() >= 0);
  const int before = stage.rings.load();
  CHECK(fall_asleep());
  CHECK(stage.rings == before);
}

TEST_CASE("a receiver that cannot go on without a message has the thread woken", "[signal_pump]") {
  NearSignalsStage stage;
  auto receiver = stage.here.subscribe();
  stage.owner.send("never heard before", 1);
  CHECK(receiver.try_recv().is_empty());
  CHECK(stage.rings == 1);
}

TEST_CASE("receivers may live longer than the link", "[signal_pump]") {
  auto stage = std::make_optional<NearSignalsStage>();
  SignalReceiver receiver = stage->here.subscribe();
  stage->owner.send("tick", 1);
  stage->settle();
  stage->owner.send("tick", 2);
  stage->signals.leave();
  stage.reset();
  CHECK(receiver.try_recv()->payload.value() == Value{1});
  CHECK(receiver.try_recv().is_closed());
}

TEST_CASE("two receivers, the thread and the owner at once: each hears every signal once, in order", "[signal_pump]") {
  constexpr int count = 200'000;
  NearSignalsStage stage{4096, 4096};
  stage.owner.send("tick", -1);
  stage.settle();
  std::array<std::atomic<int>, 2> heard{};
  std::atomic<bool> is_over{false};
  std::vector<std::thread> threads;
  std::atomic<bool> is_right{true};
  for (std::size_t who = 0; who < heard.size(); ++who)
    threads.emplace_back([&, who, receiver = stage.here.subscribe()]() mutable {
      EventBatch batch{64};
      for (int next = 0; next < count;) {
        receiver.recv_batch(batch, std::chrono::seconds{20});
        if (!batch) {
          is_right = false;
          return;
        }
        for (const EventView event : batch)
          is_right = is_right && event.payload().value() == Value{next++};
        heard[who] = next;
      }
    });
  threads.emplace_back([&] {
    while (!is_over) {
      while (!stage.to_owner.empty())
        stage.carry_one();
      stage.guest->look().value();
      stage.answer();
      stage.signals.pump().look(0);
    }
  });
  for (int i = 0; i < count && is_right; ++i) {
    stage.owner.send("tick", i);
    while (is_right && i - std::min(heard[0].load(), heard[1].load()) > 2000)
      std::this_thread::yield();
  }
  threads[0].join();
  threads[1].join();
  is_over = true;
  threads[2].join();
  CHECK(is_right);
}

TEST_CASE("whoever is idle is rung for once, by the next signal", "[signal_pump]") {
  NearSignalsStage stage;
  stage.settle();
  const int bell = stage.signals.pump().wake_descriptor();
  REQUIRE(bell >= 0);
  CHECK_FALSE(is_readable(bell));
  stage.owner.send("tick", 1);
  CHECK(is_readable(bell));
  stage.signals.pump().look(0);
  CHECK_FALSE(is_readable(bell));
  stage.owner.send("tick", 2);
  CHECK_FALSE(is_readable(bell));  // nobody asked again
}

TEST_CASE("what was published before the owner learnt that nobody reads rings at once", "[signal_pump]") {
  NearSignalsStage stage;
  stage.signals.pump().look(0);
  stage.owner.send("tick", 1);
  const int bell = stage.signals.pump().wake_descriptor();
  CHECK_FALSE(is_readable(bell));
  stage.carry_one();
  CHECK(is_readable(bell));
}

}  // namespace theus

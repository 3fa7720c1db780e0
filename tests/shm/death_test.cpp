#include "shm/sealed_buffer.hpp"
#include "tests/shm/consumer_process.hpp"
#include "tests/shm/kill_campaign.hpp"

#include <algorithm>

#include <catch2/catch.hpp>

namespace theus::shm {
namespace {

using namespace std::chrono_literals;
using testing::ConsumerProgram;
using testing::Order;

Hold published(Arena& arena, std::uint64_t bytes = 64, std::uint8_t content = 1) {
  auto loan = arena.lend(bytes).value();
  std::ranges::fill(loan.bytes(), std::byte{content});
  return arena.publish(std::move(loan), HeavyType::u8, {bytes}).value();
}

// Waits for the kernel's word that some consumer has ended; a hang ends the test.
void await_death(const Arena& arena) {
  pollfd ask{arena.death_signal(), POLLIN, 0};
  REQUIRE(::poll(&ask, 1, 10'000) == 1);
}

ArenaPtr arena_with_a_segment(ArenaOptions options = {}) {
  auto arena = Arena::create(options).value();
  { const auto loan = arena->lend(1).value(); }
  return arena;
}

}  // namespace

TEST_CASE("leases of a killed consumer end when the kernel tells of its death, and are counted [F04]", "[death]") {
  ConsumerProgram program;
  auto consumer = program.start();
  auto arena = arena_with_a_segment();
  const ConsumerId id = consumer.join(*arena, 1);
  auto acquired = published(*arena, 1000);
  arena->deliver(id, published(*arena, 500)).value();
  REQUIRE(consumer.channel().ask({.what = Order::take, .count = 1}).number == 1);
  REQUIRE(consumer.channel().ask({.what = Order::acquire}, std::span{&acquired.ref(), 1}).error == 0);
  acquired = {};
  CHECK(arena->collect().empty());
  CHECK(arena->statistics().blocks == 2);
  const auto identity = consumer.identity();
  consumer.kill();
  await_death(*arena);
  const auto lost = arena->collect();
  REQUIRE(lost.size() == 1);
  CHECK(lost[0].consumer == identity);
  CHECK(lost[0].leases == 2);
  CHECK(lost[0].bytes == 1500);
  CHECK(arena->statistics().blocks == 0);
  CHECK(arena->statistics().consumers == 0);
  CHECK(arena->is_sane());
}

TEST_CASE("a consumer that stands still is not dead: what it reads stays valid [F10]", "[death]") {
  ConsumerProgram program;
  auto consumer = program.start();
  auto arena = arena_with_a_segment({.bytes_max = 4 << 20});
  consumer.join(*arena, 1);
  auto hold = published(*arena, 64, 9);
  REQUIRE(consumer.channel().ask({.what = Order::acquire}, std::span{&hold.ref(), 1}).number == 9);
  const HeavyRef ref = hold.ref();
  hold = {};
  consumer.signal(SIGSTOP);
  for (int i = 0; i < 1000; ++i)
    (void)published(*arena, 64, 1);
  CHECK(arena->collect().empty());
  CHECK(arena->statistics().condemned == 1);
  CHECK(arena->holders(0ns).size() == 1);
  consumer.signal(SIGCONT);
  CHECK(consumer.channel().ask({.what = Order::release}).error == 0);
  arena->collect();
  CHECK(arena->statistics().blocks == 0);
  CHECK(static_cast<Errc>(consumer.channel().ask({.what = Order::acquire}, std::span{&ref, 1}).error) ==
        Errc::expired_handle);
}

TEST_CASE("a process that got a dead one's pid does not get its leases [F11]", "[death]") {
  ConsumerProgram program;
  const auto consumer = program.start();
  auto arena = arena_with_a_segment();
  ProcessIdentity before = consumer.identity();
  before.started -= 1;
  CHECK(arena->admit(before).error().code() == Errc::peer_down);
  CHECK(arena->admit(consumer.identity()));
  CHECK_FALSE(arena->kill(before));
  CHECK(living_process(consumer.pid()));
}

TEST_CASE("a holder is killed on request, and its leases come back [F48]", "[death]") {
  ConsumerProgram program;
  auto consumer = program.start();
  auto arena = arena_with_a_segment();
  const ConsumerId id = consumer.join(*arena, 1);
  arena->deliver(id, published(*arena)).value();
  REQUIRE(consumer.channel().ask({.what = Order::take, .count = 1}).number == 1);
  const auto holders = arena->holders(0ns);
  REQUIRE(holders.size() == 1);
  CHECK(holders[0].consumer.pid == consumer.pid());
  CHECK(arena->kill(holders[0].consumer));
  await_death(*arena);
  CHECK(arena->collect().size() == 1);
  CHECK(arena->statistics().blocks == 0);
}

TEST_CASE("a consumer killed at any step of attaching and detaching leaves nothing held [F49]", "[death]") {
  ConsumerProgram program;
  auto arena = arena_with_a_segment();
  for (std::uint32_t step = 1; step <= 5; ++step) {
    INFO("after step " << step);
    auto consumer = program.start();
    const ConsumerId id = arena->admit(consumer.identity()).value();
    arena->deliver(id, published(*arena)).value();
    REQUIRE(consumer.join_as(*arena, id, 1, step).number == step);
    consumer.kill();
    await_death(*arena);
    arena->collect();
    CHECK(arena->statistics().consumers == 0);
    CHECK(arena->statistics().blocks == 0);
  }
}

TEST_CASE("a worker killed while it builds leaves nothing; one that finished is outlived by its buffer [F03]",
          "[death]") {
  ConsumerProgram program;
  auto arena = arena_with_a_segment();
  {
    auto worker = program.start();
    REQUIRE(worker.channel().ask({.what = Order::build, .stop_after = 1, .count = 1 << 20}).number == 1);
    worker.kill();
    CHECK_FALSE(receive_packet(worker.channel().socket(), 100));
  }
  auto worker = program.start();
  worker.channel().tell({.what = Order::build, .count = 1 << 20});
  auto answer = worker.channel().hear();
  REQUIRE(answer.files.size() == 1);
  worker.kill();
  const auto hold = arena->adopt(std::move(answer.files[0]), HeavyType::u8, {1 << 20}).value();
  CHECK(std::ranges::all_of(hold.bytes(), [](std::byte each) { return each == std::byte{7}; }));
}

TEST_CASE("whatever a consumer tries on its descriptors, the kernel refuses it [F41]", "[death]") {
  ConsumerProgram program;
  auto consumer = program.start();
  auto arena = arena_with_a_segment();
  const auto hold = published(*arena, 100'000, 8);
  std::vector<Descriptor> files;
  files.push_back(arena->table_file().value());
  files.push_back(arena->segment_file(1).value());
  CHECK(consumer.channel().ask({.what = Order::attack}, {}, files).number == 0);
  CHECK(std::ranges::all_of(hold.bytes(), [](std::byte each) { return each == std::byte{8}; }));
  CHECK(arena->is_sane());
}

TEST_CASE("after the owner's death its memory is readable and then gone, and nothing new is given out", "[death]") {
  auto arena = arena_with_a_segment();
  const auto before = arena->statistics().bytes_reserved;
  CHECK(before > 0);
  ConsumerProgram program;
  auto consumer = program.start();
  consumer.join(*arena, 1);
  auto hold = published(*arena, 64, 4);
  REQUIRE(consumer.channel().ask({.what = Order::acquire}, std::span{&hold.ref(), 1}).number == 4);
  hold = {};
  arena.reset();
  CHECK(consumer.channel().ask({.what = Order::release}).error == 0);
}

TEST_CASE("a thousand consumers killed at random moments leave no lease, no hang and no wrong byte [F04][F49]",
          "[death]") {
  testing::KillCampaign campaign{20'261'128};
  const auto result = campaign.run(1000);
  INFO(result.text());
  CHECK(result.kills == 1000);
  CHECK(result.leaks == 0);
  CHECK(result.wrong == 0);
  CHECK(result.reclaim_p99() < 10ms);
}

}  // namespace theus::shm

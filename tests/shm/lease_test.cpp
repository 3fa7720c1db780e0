#include "shm/arena.hpp"
#include "shm/reader.hpp"
#include "tests/shm/forged_handles.hpp"
#include "tests/support/manual_clock.hpp"

#include <sys/mman.h>

#include <algorithm>

#include <catch2/catch.hpp>

namespace theus::shm {
namespace {

using namespace std::chrono_literals;

Errc code_of(const auto& result) { return result ? Errc{} : result.error().code(); }

// An arena and a consumer of it in the same process.
class Stage {
public:
  explicit Stage(ArenaOptions options = {})
      : arena(Arena::create(options, clock).value()),
        id(arena->admit(this_process()).value()),
        reader(Reader::attach(arena->table_file().value(), arena->lease_file(id).value()).value()) {
    { const auto loan = arena->lend(1).value(); }
    reader.attach_segment(1, arena->segment_file(1).value()).value();
  }

  Hold published(std::uint64_t bytes = 64, std::uint8_t content = 1, bool in_place = false) const {
    auto loan = arena->lend(bytes).value();
    std::ranges::fill(loan.bytes(), std::byte{content});
    return arena->publish(std::move(loan), HeavyType::u8, {bytes}, in_place).value();
  }
  void pass(std::chrono::nanoseconds time) const { *passed += time; }

  const std::shared_ptr<std::chrono::nanoseconds> passed = std::make_shared<std::chrono::nanoseconds>(0);
  const testing::ManualClock clock{passed};
  ArenaPtr arena;
  ConsumerId id;
  Reader reader;
};

}  // namespace

TEST_CASE("a delivered buffer stays as it is until its lease goes, and then is recycled", "[lease]") {
  Stage stage;
  {
    const auto hold = stage.published(1000, 7);
    stage.arena->deliver(stage.id, hold).value();
  }
  CHECK(stage.arena->statistics().blocks == 1);
  {
    const auto lease = stage.reader.try_take().value().value();
    CHECK(lease.bytes().size() == 1000);
    CHECK(lease.bytes()[999] == std::byte{7});
    CHECK(lease.shape() == HeavyShape{1000});
    stage.arena->collect();
    CHECK(stage.arena->statistics().granted == 1);
  }
  stage.arena->collect();
  CHECK(stage.arena->statistics().granted == 0);
  CHECK(stage.arena->statistics().blocks == 0);
  CHECK_FALSE(stage.reader.try_take().value());
}

TEST_CASE("a granted handle is taken once, by the consumer it was granted to", "[lease]") {
  Stage stage;
  auto hold = stage.published();
  const HeavyRef granted = stage.arena->grant(stage.id, hold).value();
  const HeavyRef plain = hold.ref();
  hold = {};
  {
    const auto lease = stage.reader.take(granted).value();
    CHECK(lease.bytes()[0] == std::byte{1});
  }
  CHECK(code_of(stage.reader.take(granted)) == Errc::bad_handle);
  CHECK(code_of(stage.reader.take(plain)) == Errc::bad_handle);
}

TEST_CASE("an acquired buffer outlives its last holder and is recycled after the lease [F45]", "[lease]") {
  Stage stage;
  auto hold = stage.published(64, 5);
  const HeavyRef ref = hold.ref();
  {
    const auto lease = stage.reader.acquire(ref).value();
    hold = {};
    CHECK(stage.arena->statistics().condemned == 1);
    for (int i = 0; i < 2000; ++i)
      (void)stage.published(64, 9);
    CHECK(lease.bytes()[63] == std::byte{5});
    CHECK(code_of(stage.reader.acquire(ref)) == Errc::expired_handle);
    CHECK(code_of(stage.arena->hold(ref)) == Errc::expired_handle);
  }
  stage.arena->collect();
  CHECK(stage.arena->statistics().condemned == 0);
  CHECK(stage.arena->statistics().blocks == 0);
}

TEST_CASE("a consumer refuses forged handles by the owner's table [F46]", "[lease]") {
  Stage stage;
  const auto hold = stage.published(4096);
  const auto with = [&](std::size_t word, std::uint64_t value) {
    HeavyRef ref = hold.ref();
    ref.words[word] = value;
    return code_of(stage.reader.acquire(ref));
  };
  CHECK(stage.reader.acquire(hold.ref()));
  CHECK(with(0, hold.ref().words[0] ^ 3) == Errc::bad_handle);
  CHECK(with(1, hold.ref().words[1] + 1) == Errc::bad_handle);
  CHECK(with(1, hold.ref().words[1] + blocks_max) == Errc::bad_handle);
  CHECK(with(1, blocks_max * std::uint64_t{2} - 1) == Errc::bad_handle);
  CHECK(with(2, 5000) == Errc::bad_handle);
  CHECK(with(7, 1) == Errc::heavy_lost);
  const HeavyRef longer = encode({.segment = 1,
                                  .type = HeavyType::u8,
                                  .lease = hold.ref().words[1],
                                  .bytes = std::uint64_t{1} << 40,
                                  .shape = {std::uint64_t{1} << 40},
                                  .zone = stage.arena->zone()});
  CHECK(code_of(stage.reader.acquire(longer)) == Errc::bad_handle);
  for (int i = 0; i < 1000; ++i)  // refusals cost no slot
    (void)stage.reader.acquire(longer);
  CHECK(stage.reader.acquire(hold.ref()));
}

TEST_CASE("of a hundred thousand forged handles a consumer takes none, and loses no slot to them [F46]", "[lease]") {
  constexpr unsigned seed = 4711;
  INFO("seed " << seed);
  Stage stage;
  CHECK(testing::forge_handles(*stage.arena, stage.reader, seed, 100'000) == 0);
  CHECK(stage.reader.acquire(stage.published().ref()));
}

TEST_CASE("a handle to a segment that is not attached names it", "[lease]") {
  Stage stage;
  const auto large = stage.published(8 << 20);
  const auto refused = stage.reader.acquire(large.ref());
  REQUIRE(code_of(refused) == Errc::bad_handle);
  const auto segment = static_cast<std::uint32_t>(refused.error().field("segment")->as_int());
  stage.arena->deliver(stage.id, large).value();
  CHECK(stage.reader.try_take().error().field("segment")->as_int() == segment);
  stage.reader.attach_segment(segment, stage.arena->segment_file(segment).value()).value();
  CHECK(stage.reader.acquire(large.ref()));
  CHECK(stage.reader.try_take().value());  // the delivery has waited
  CHECK_FALSE(stage.reader.attach_segment(7, stage.arena->segment_file(segment).value()));
}

TEST_CASE("segments that the owner gives up are let go of", "[lease]") {
  Stage stage;
  auto large = stage.published(8 << 20);
  const auto segment = parts_of(large.ref()).segment;
  stage.reader.attach_segment(segment, stage.arena->segment_file(segment).value()).value();
  large = {};
  stage.arena->trim();
  CHECK(code_of(stage.arena->segment_file(segment)) == Errc::bad_handle);
  stage.reader.drop_dead_segments();
  CHECK_FALSE(stage.reader.has_segment(segment));
}

TEST_CASE("a consumer that holds too many or too much gets no more, and is named", "[lease]") {
  Stage stage{{.consumer_bytes_max = 4096}};
  const auto hold = stage.published(2048);
  CHECK(stage.arena->deliver(stage.id, hold));
  CHECK(stage.arena->deliver(stage.id, hold));
  const auto refused = stage.arena->deliver(stage.id, hold);
  REQUIRE(code_of(refused) == Errc::no_space);
  CHECK(refused.error().field("pid")->as_int() == ::getpid());
  (void)stage.reader.try_take();  // and lets go
  CHECK(stage.arena->deliver(stage.id, hold));

  Stage many;
  const auto small = many.published();
  std::size_t granted = 0;
  while (many.arena->deliver(many.id, small))
    ++granted;
  CHECK(granted == LeasePage::granted_max - 1);
  std::vector<Lease> leases;
  for (;;) {
    auto lease = many.reader.acquire(small.ref());
    if (!lease) {
      CHECK(lease.error().code() == Errc::overloaded);
      break;
    }
    leases.push_back(*std::move(lease));
  }
  CHECK(leases.size() == LeasePage::acquired_max);
}

TEST_CASE("ten thousand deliveries come in order, each once", "[lease]") {
  Stage stage;
  for (std::uint32_t i = 0; i < 10'000; ++i) {
    stage.arena->deliver(stage.id, stage.published(64, static_cast<std::uint8_t>(i))).value();
    if (i % 3 == 2)
      for (std::uint32_t n = i - 2; n <= i; ++n)
        REQUIRE(stage.reader.try_take().value()->bytes()[0] == std::byte{static_cast<std::uint8_t>(n)});
  }
  CHECK(stage.reader.try_take().value());
  stage.arena->collect();
  CHECK(stage.arena->statistics().blocks == 0);
}

TEST_CASE("a lease of a living process stays for ever, and its holder is named when asked [F48][F131]", "[lease]") {
  Stage stage{{.consumer_bytes_max = 1 << 20}};
  const HeavyRef ref = stage.published(1000).ref();
  auto hold = stage.published(3000, 4);
  const auto lease = stage.reader.acquire(hold.ref()).value();
  hold = {};
  CHECK(stage.arena->holders(10s).size() == 1);
  stage.pass(24h);  // the machine was suspended, say
  CHECK(stage.arena->collect().empty());
  CHECK(lease.bytes()[2999] == std::byte{4});
  const auto holders = stage.arena->holders(10s);
  REQUIRE(holders.size() == 1);
  CHECK(holders[0].consumer == this_process());
  CHECK(holders[0].leases == 1);
  CHECK(holders[0].bytes == 3000);
  CHECK(holders[0].age == 24h);
  CHECK(holders[0].is_over);
  CHECK_FALSE(stage.arena->holders(25h)[0].is_over);
  CHECK(code_of(stage.reader.acquire(ref)) == Errc::expired_handle);
}

TEST_CASE("a consumer that is dismissed keeps what it holds and gets nothing new", "[lease]") {
  Stage stage;
  const auto hold = stage.published();
  stage.arena->deliver(stage.id, hold).value();
  auto lease = stage.reader.try_take().value();
  stage.arena->dismiss(stage.id);
  CHECK(code_of(stage.arena->deliver(stage.id, hold)) == Errc::peer_down);
  CHECK(stage.arena->statistics().consumers == 1);
  lease.reset();
  stage.arena->collect();
  CHECK(stage.arena->statistics().consumers == 0);
}

TEST_CASE("a consumer that is dismissed acquires nothing more, since nobody heeds its leases", "[lease]") {
  Stage stage;
  const auto hold = stage.published();
  {
    const auto lease = stage.reader.acquire(hold.ref()).value();
    stage.arena->dismiss(stage.id);
    CHECK(stage.arena->statistics().consumers == 1);
    CHECK(code_of(stage.reader.acquire(hold.ref())) == Errc::peer_down);
    CHECK(lease.bytes()[0] == std::byte{1});
  }
  stage.arena->collect();
  CHECK(stage.arena->statistics().consumers == 0);
  CHECK(code_of(stage.reader.acquire(hold.ref())) == Errc::peer_down);
}

TEST_CASE("after its owner's end a consumer keeps its leases and gets no new ones", "[lease]") {
  Stage stage;
  const auto hold = stage.published(64, 3);
  const auto lease = stage.reader.acquire(hold.ref()).value();
  stage.reader.orphan();
  CHECK(lease.bytes()[0] == std::byte{3});
  CHECK(code_of(stage.reader.acquire(hold.ref())) == Errc::heavy_lost);
}

TEST_CASE("what a consumer scribbles into its lease page harms nobody", "[lease]") {
  Stage stage;
  const auto file = stage.arena->lease_file(stage.id).value();
  auto map = Mapping::map(file, lease_file_bytes, Mapping::Access::write).value();
  for (const int fill : {0xff, 0x55, 0x01, 0x00}) {
    const auto hold = stage.published();
    (void)stage.arena->deliver(stage.id, hold);
    std::fill_n(map.address() + SegmentHeader::page_bytes, sizeof(LeasePage), static_cast<std::byte>(fill));
    stage.arena->collect();
    (void)stage.arena->holders(0s);
    for (int i = 0; i < 100; ++i)
      CHECK(stage.published(100, 6).bytes()[99] == std::byte{6});
  }
  stage.arena->collect();
  CHECK(stage.arena->statistics().condemned == 0);
  CHECK(stage.arena->is_sane());
}

TEST_CASE("a reader of a block in place sees that it changed, or that it is dirty [F50]", "[lease]") {
  Stage stage;
  const auto hold = stage.published(64, 1, true);
  const auto lease = stage.reader.acquire(hold.ref()).value();
  const std::uint64_t before = lease.epoch();
  REQUIRE(stage.arena->begin_write(hold));
  CHECK(lease.epoch() != before);
  stage.arena->writable(hold)[0] = std::byte{2};
  stage.arena->end_write(hold, false);
  CHECK(lease.is_dirty());
  CHECK(code_of(stage.reader.acquire(hold.ref())) == Errc::heavy_dirty);
  REQUIRE(stage.arena->begin_write(hold));
  stage.arena->end_write(hold, true);
  CHECK_FALSE(lease.is_dirty());
  CHECK(lease.epoch() == before + 4);
}

}  // namespace theus::shm

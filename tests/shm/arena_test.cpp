#include "shm/arena.hpp"

#include "shm/sealed_buffer.hpp"
#include "tests/support/property.hpp"

#include <algorithm>
#include <cstring>
#include <thread>

namespace theus::shm {
namespace {

constexpr std::uint64_t mebibyte = 1 << 20;

Hold published(Arena& arena, std::uint64_t bytes, std::uint8_t content = 1, OwnerId owner = 0) {
  auto loan = arena.lend(bytes, owner).value();
  std::ranges::fill(loan.bytes(), std::byte{content});
  return arena.publish(std::move(loan), HeavyType::u8, {bytes}).value();
}

Errc code_of(const auto& result) { return result ? Errc{} : result.error().code(); }

}  // namespace

TEST_CASE("what was built in place is what its handle shows, until the last hold goes", "[arena]") {
  auto arena = Arena::create().value();
  auto first = published(*arena, 1000, 7);
  const HeavyRef ref = first.ref();
  {
    const auto second = arena->hold(ref).value();
    CHECK(second.bytes().size() == 1000);
    CHECK(second.bytes()[999] == std::byte{7});
    CHECK(second.bytes().data() == first.bytes().data());
    first = {};
    CHECK(arena->hold(ref));
  }
  CHECK(code_of(arena->hold(ref)) == Errc::expired_handle);
  CHECK(arena->statistics().blocks == 0);
  CHECK(arena->statistics().bytes_used == 0);
}

TEST_CASE("an old handle never shows what stands in its block now [F47]", "[arena]") {
  auto arena = Arena::create({.blocks_max = 1024}).value();
  const HeavyRef old = published(*arena, 64, 1).ref();
  std::vector<Hold> all;
  for (int i = 0; i < 1024; ++i)  // its block among them
    all.push_back(published(*arena, 64, 2));
  CHECK(std::ranges::any_of(all, [&](const Hold& h) { return block_of(h.ref().words[1]) == block_of(old.words[1]); }));
  CHECK(code_of(arena->hold(old)) == Errc::expired_handle);
}

TEST_CASE("a forged handle is refused, whatever is wrong with it [F46]", "[arena]") {
  auto arena = Arena::create().value();
  const auto hold = published(*arena, 4096);
  const auto with = [&](std::size_t word, std::uint64_t value) {
    HeavyRef ref = hold.ref();
    ref.words[word] = value;
    return code_of(arena->hold(ref));
  };
  CHECK(code_of(arena->hold(hold.ref())) == Errc{});
  CHECK(with(0, hold.ref().words[0] ^ 1) == Errc::bad_handle);                         // segment
  CHECK(with(0, hold.ref().words[0] ^ (std::uint64_t{1} << 40)) == Errc::bad_handle);  // slot
  CHECK(with(1, hold.ref().words[1] + 1) == Errc::bad_handle);                         // another block
  CHECK(with(1, lease_word(block_of(hold.ref().words[1]), 2)) == Errc::bad_handle);    // to come
  CHECK(with(1, blocks_max - 1 + (std::uint64_t{1} << 20)) == Errc::bad_handle);       // no such block
  CHECK(with(2, 4097) == Errc::bad_handle);
  CHECK(with(3, 4097) == Errc::bad_handle);
  CHECK(with(7, hold.ref().words[7] ^ 1) == Errc::heavy_lost);
  HeavyRef reshaped = encode({.segment = 1,
                              .type = HeavyType::u16,
                              .lease = hold.ref().words[1],
                              .bytes = 4096,
                              .shape = {2048},
                              .zone = arena->zone()});
  CHECK(code_of(arena->hold(reshaped)) == Errc::bad_handle);
}

TEST_CASE("of a million forged handles none is taken for a buffer, and none takes anything down [F46]", "[arena]") {
  constexpr unsigned seed = 4711;
  INFO("seed " << seed);
  auto arena = Arena::create({.blocks_max = 64}).value();
  std::vector<Hold> holds;
  for (int i = 0; i < 20; ++i)
    holds.push_back(published(*arena, 128));
  std::mt19937_64 random{seed};
  std::uint64_t wrong = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    HeavyRef ref = holds[random() % holds.size()].ref();
    for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      std::uint64_t& word = ref.words[random() % 8];
      word = random() % 2 == 0 ? random() : word ^ std::uint64_t{1} << random() % 64;
    }
    const auto found = arena->hold(ref);
    const bool is_real = std::ranges::any_of(holds, [&](const Hold& each) { return each.ref() == ref; });
    wrong += static_cast<std::uint64_t>(found.ok() != is_real);
  }
  CHECK(wrong == 0);
}

TEST_CASE("two zones never take each other's handles, even for the same block", "[arena]") {
  auto one = Arena::create().value();
  auto two = Arena::create().value();
  const auto in_one = published(*one, 100, 1);
  const auto in_two = published(*two, 100, 2);
  REQUIRE(in_one.ref().words[1] == in_two.ref().words[1]);
  CHECK(code_of(two->hold(in_one.ref())) == Errc::heavy_lost);
}

TEST_CASE("over the quota the answer is no_space with what was needed and what is free [F40]", "[arena]") {
  auto arena = Arena::create({.bytes_max = 8 * mebibyte}).value();
  const auto held = published(*arena, 6 * mebibyte);
  const auto refused = arena->lend(3 * mebibyte);
  REQUIRE(code_of(refused) == Errc::no_space);
  CHECK(refused.error().field("needed")->as_int() == 3 * mebibyte);
  CHECK(refused.error().field("free")->as_int() == 2 * mebibyte);
  CHECK(arena->lend(2 * mebibyte));
  CHECK(code_of(arena->lend(~std::uint64_t{0})) == Errc::no_space);
  CHECK(code_of(arena->lend(0)) == Errc::bad_argument);
  CHECK(arena->statistics().refused == 2);
}

TEST_CASE("the whole quota can be one buffer, again and again", "[arena]") {
  auto arena = Arena::create({.bytes_max = 32 * mebibyte}).value();
  for (int i = 0; i < 3; ++i) {
    CHECK(arena->lend(32 * mebibyte));
    std::vector<Loan> small;
    for (int n = 0; n < 32; ++n)
      small.push_back(arena->lend(mebibyte).value());
  }
}

TEST_CASE("one owner's quota does not bind another", "[arena]") {
  auto arena = Arena::create({.bytes_max = 8 * mebibyte, .owner_bytes_max = 2 * mebibyte}).value();
  const OwnerId camera = arena->owner("camera").value();
  const OwnerId lidar = arena->owner("lidar").value();
  CHECK(arena->owner("camera").value() == camera);
  const auto held = published(*arena, 2 * mebibyte, 1, camera);
  const auto refused = arena->lend(1, camera);
  REQUIRE(code_of(refused) == Errc::no_space);
  CHECK(refused.error().field("owner")->as_string() == "camera");
  CHECK(arena->lend(mebibyte, lidar));
}

TEST_CASE("a loan that is dropped leaves nothing behind and was never visible", "[arena]") {
  auto arena = Arena::create().value();
  { const auto loan = arena->lend(5 * mebibyte).value(); }
  { const auto loan = arena->lend(100).value(); }
  CHECK(arena->statistics().bytes_used == 0);
  CHECK(arena->statistics().blocks == 0);
}

TEST_CASE("a shape larger than its loan is refused", "[arena]") {
  auto arena = Arena::create().value();
  CHECK(code_of(arena->publish(arena->lend(100).value(), HeavyType::f64, {13})) == Errc::bad_argument);
  CHECK(code_of(arena->publish(arena->lend(100).value(), HeavyType::f64, {})) == Errc::bad_argument);
  CHECK(arena->statistics().blocks == 0);
}

TEST_CASE("a block whose generations are used up is never used again", "[arena]") {
  auto arena = Arena::create({.blocks_max = 1, .first_generation = generation_max}).value();
  HeavyRef last;
  {
    const auto hold = published(*arena, 2 * mebibyte);
    last = hold.ref();
    CHECK(generation_of(last.words[1]) == generation_max);
  }
  CHECK(code_of(arena->lend(2 * mebibyte)) == Errc::no_space);
  CHECK(code_of(arena->hold(last)) == Errc::expired_handle);
  CHECK(arena->statistics().bytes_used == 0);
}

TEST_CASE("with policy evict the oldest unused buffers of the same owner make room", "[arena]") {
  auto arena = Arena::create({.bytes_max = 8 * mebibyte, .policy = FullPolicy::evict}).value();
  const OwnerId camera = arena->owner("camera").value();
  const HeavyRef of_other = published(*arena, 2 * mebibyte, 9).ref();
  const HeavyRef oldest = published(*arena, 2 * mebibyte, 1, camera).ref();
  const auto held = published(*arena, 2 * mebibyte, 2, camera);
  const HeavyRef newest = published(*arena, 2 * mebibyte, 3, camera).ref();
  CHECK(arena->hold(oldest));
  const auto next = published(*arena, 2 * mebibyte, 4, camera);
  CHECK(code_of(arena->hold(oldest)) == Errc::expired_handle);
  CHECK(arena->hold(newest));
  CHECK(code_of(arena->lend(4 * mebibyte, camera)) == Errc::no_space);  // one is held, one belongs to another
  CHECK(arena->hold(of_other));
  CHECK(arena->hold(held.ref()));
}

TEST_CASE("with policy block a lender waits until somebody lets go", "[arena]") {
  auto arena =
      Arena::create({.bytes_max = 4 * mebibyte, .policy = FullPolicy::block, .wait_max = std::chrono::seconds{20}})
          .value();
  auto held = published(*arena, 4 * mebibyte);
  std::thread other{[&] { held = {}; }};
  CHECK(arena->lend(4 * mebibyte));
  other.join();
  auto impatient =
      Arena::create({.bytes_max = mebibyte, .policy = FullPolicy::block, .wait_max = std::chrono::milliseconds{1}})
          .value();
  const auto all = published(*impatient, mebibyte);
  CHECK(code_of(impatient->lend(1)) == Errc::no_space);
  CHECK(code_of(impatient->lend(2 * mebibyte)) == Errc::no_space);
}

TEST_CASE("a buffer that another process sealed is taken over without a copy", "[arena]") {
  auto arena = Arena::create().value();
  auto buffer = SealedBuffer::create(8000).value();
  std::ranges::fill(buffer.bytes(), std::byte{5});
  auto hold = arena->adopt(std::move(buffer).seal().value(), HeavyType::f64, {10, 100}).value();
  CHECK(hold.bytes().size() == 8000);
  CHECK(hold.bytes()[7999] == std::byte{5});
  CHECK(arena->statistics().segments == 1);
  const HeavyRef ref = hold.ref();
  hold = {};
  CHECK(arena->statistics().segments == 0);
  CHECK(arena->statistics().bytes_reserved == 0);
  CHECK(code_of(arena->hold(ref)) == Errc::expired_handle);
}

TEST_CASE("what is not sealed, too small for its shape or over the quota is not taken over", "[arena]") {
  auto arena = Arena::create({.bytes_max = mebibyte}).value();
  const auto sealed_of = [](std::uint64_t bytes) {
    return std::move(SealedBuffer::create(bytes).value()).seal().value();
  };
  CHECK(code_of(arena->adopt(sealed_of(799), HeavyType::f64, {100})) == Errc::bad_handle);
  CHECK(code_of(arena->adopt(sealed_of(800), HeavyType::f64, {})) == Errc::bad_handle);
  CHECK(code_of(arena->adopt(sealed_of(2 * mebibyte), HeavyType::u8, {1})) == Errc::no_space);
  CHECK(code_of(arena->adopt(Descriptor{}, HeavyType::u8, {1})) == Errc::internal);
  CHECK(arena->statistics().blocks == 0);
  CHECK(arena->statistics().segments == 0);
}

TEST_CASE("a block written in place is dirty when its writer fails, and clean after the next one [F50]", "[arena]") {
  auto arena = Arena::create().value();
  const auto hold = arena->publish(arena->lend(64).value(), HeavyType::u8, {64}, true).value();
  const std::uint64_t before = arena->epoch(hold);
  CHECK(before % 2 == 0);
  REQUIRE(arena->begin_write(hold));
  CHECK(arena->epoch(hold) == before + 1);
  CHECK_FALSE(arena->begin_write(hold));
  arena->writable(hold)[0] = std::byte{1};
  arena->end_write(hold, false);
  CHECK(code_of(arena->hold(hold.ref())) == Errc::heavy_dirty);
  REQUIRE(arena->begin_write(hold));
  arena->end_write(hold, true);
  CHECK(arena->hold(hold.ref()));
  CHECK(arena->epoch(hold) == before + 4);
}

TEST_CASE("after any order of lending, publishing and letting go, the books and the allocators are right", "[arena]") {
  testing::holds(60, [] {
    auto arena = Arena::create({.bytes_max = 24 * mebibyte, .blocks_max = 4096}).value();
    struct Kept {
      Hold hold;
      std::uint8_t content;
    };
    std::vector<Kept> kept;
    const auto steps = *rc::gen::inRange(1, 200);
    for (int i = 0; i < steps; ++i) {
      const auto bytes = std::uint64_t{1} << *rc::gen::inRange(0, 23);
      if (*rc::gen::inRange(0, 3) > 0) {
        auto loan = arena->lend(bytes);
        if (!loan) {
          RC_ASSERT(loan.error().code() == Errc::no_space);
          continue;
        }
        const auto content = static_cast<std::uint8_t>(i);
        std::ranges::fill(loan->bytes(), std::byte{content});
        kept.push_back({arena->publish(*std::move(loan), HeavyType::u8, {bytes}).value(), content});
      } else if (!kept.empty()) {
        kept.erase(kept.begin() + *rc::gen::inRange<long>(0, static_cast<long>(kept.size())));
      }
    }
    for (const Kept& each : kept) {
      RC_ASSERT(each.hold.bytes().front() == std::byte{each.content});
      RC_ASSERT(each.hold.bytes().back() == std::byte{each.content});
    }
    RC_ASSERT(arena->statistics().blocks == kept.size());
    RC_ASSERT(arena->is_sane());
    kept.clear();
    RC_ASSERT(arena->statistics().bytes_used == 0U);
    RC_ASSERT(arena->lend(24 * mebibyte).ok());
  });
}

TEST_CASE("threads lend, publish, share and let go at once, and nothing is lost", "[arena][stress]") {
  auto arena = Arena::create({.bytes_max = 16 * mebibyte}).value();
  const auto work = [&](std::uint8_t content) {
    for (int i = 0; i < 20'000; ++i) {
      auto loan = arena->lend(512).value();
      std::memset(loan.bytes().data(), content, 512);
      const auto hold = arena->publish(std::move(loan), HeavyType::u8, {512}).value();
      const auto again = arena->hold(hold.ref()).value();
      if (again.bytes()[511] != std::byte{content})
        return false;
    }
    return true;
  };
  std::atomic<int> right{0};
  std::vector<std::thread> threads;
  for (std::uint8_t id = 1; id <= 4; ++id)
    threads.emplace_back([&, id] { right += static_cast<int>(work(id)); });
  for (std::thread& each : threads)
    each.join();
  CHECK(right == 4);
  CHECK(arena->statistics().blocks == 0);
  CHECK(arena->statistics().lent == 80'000);
  CHECK(arena->is_sane());
}

}  // namespace theus::shm

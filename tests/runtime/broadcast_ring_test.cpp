#include "runtime/broadcast_ring.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <random>
#include <thread>
#include <vector>

namespace theus {
namespace {

// Memory for a ring, aligned and zeroed.
class Memory {
public:
  explicit Memory(std::size_t bytes) : blocks_((bytes + sizeof(Block) - 1) / sizeof(Block)) {}
  std::span<std::byte> bytes() { return std::as_writable_bytes(std::span{blocks_}); }

private:
  struct alignas(128) Block {
    std::byte content[128] = {};
  };
  std::vector<Block> blocks_;
};

template <std::size_t slot_bytes>
class Fixture {
public:
  using Ring = BroadcastRing<slot_bytes>;
  explicit Fixture(std::uint64_t capacity)
      : memory_(Ring::bytes(capacity)), ring(Ring::create(memory_.bytes(), capacity)) {}

  std::span<std::byte> bytes() { return memory_.bytes(); }

private:
  Memory memory_;

public:
  const Ring ring;
};

// Fills a record so that any mixture of two records is recognised.
template <class Ring>
void write(const Ring& ring, std::uint64_t place, std::uint64_t number) {
  ring.write(place, [&](auto& words) {
    for (std::size_t i = 0; i < words.size(); ++i)
      words[i].store(number * (i + 1), std::memory_order_relaxed);
  });
}

template <class Ring>
Poll read(const Ring& ring, std::uint64_t place, std::uint64_t& number, bool& torn) {
  std::array<std::uint64_t, Ring::record_words> copy{};
  const Poll poll = ring.read(place, [&](const auto& words) {
    for (std::size_t i = 0; i < copy.size(); ++i)
      copy[i] = words[i].load(std::memory_order_relaxed);
  });
  number = copy[0];
  torn = false;
  for (std::size_t i = 0; i < copy.size(); ++i)
    torn = torn || copy[i] != number * (i + 1);
  return poll;
}

struct Heard {
  std::uint64_t received = 0;
  std::uint64_t lagged = 0;
  std::uint64_t torn = 0;
  std::uint64_t disordered = 0;
  std::vector<std::uint64_t> order;
};

// Reads to the end. A reader of `pace` n gives its time away after every n-th record.
template <class Ring>
Heard listen(const Ring& ring, std::uint64_t producers, unsigned pace) {
  Heard heard;
  std::vector<std::uint64_t> last(producers, 0);
  std::uint64_t place = 0;
  while (true) {
    std::uint64_t number = 0;
    bool torn = false;
    switch (read(ring, place, number, torn)) {
      case Poll::ready: {
        ++heard.received;
        ++place;
        heard.torn += torn;
        const std::uint64_t producer = number >> 32;
        const std::uint64_t count = number & 0xffffffff;
        heard.disordered += producer >= producers || count <= last[producer];
        last[std::min(producer, producers - 1)] = count;
        heard.order.push_back(number);
        if (pace != 0 && heard.received % pace == 0)
          std::this_thread::yield();
        break;
      }
      case Poll::overrun: {
        const std::uint64_t next = ring.resume_after_overrun(place);
        heard.lagged += next - place;
        place = next;
        break;
      }
      case Poll::empty:
        if (ring.closed_at() <= place)
          return heard;
        std::this_thread::yield();
        break;
    }
  }
}

// Whether both heard what they have in common in the same order: the places of what both heard grow together.
bool agree(const Heard& a, const Heard& b, std::uint64_t producers, std::uint64_t each) {
  std::vector<std::uint64_t> place(producers * (each + 1), 0);
  for (std::size_t i = 0; i < a.order.size(); ++i)
    place[(a.order[i] >> 32) * (each + 1) + (a.order[i] & 0xffffffff)] = i + 1;
  std::uint64_t latest = 0;
  for (const std::uint64_t number : b.order) {
    const std::uint64_t at = place[(number >> 32) * (each + 1) + (number & 0xffffffff)];
    if (at != 0 && at < latest)
      return false;
    latest = std::max(latest, at);
  }
  return true;
}

template <std::size_t slot_bytes>
void check_invariants(std::uint64_t capacity, std::uint64_t producers, unsigned readers, std::uint64_t each) {
  CAPTURE(capacity, producers, readers);
  Fixture<slot_bytes> fixture{capacity};
  const auto& ring = fixture.ring;
  std::vector<Heard> heard(readers);
  std::vector<std::thread> threads;
  for (unsigned r = 0; r < readers; ++r)
    threads.emplace_back([&, r] { heard[r] = listen(ring, producers, r % 3 == 0 ? 0 : 7 * r); });
  std::vector<std::thread> senders;
  for (std::uint64_t p = 0; p < producers; ++p)
    senders.emplace_back([&, p] {
      std::uint64_t sent = 0;
      const bool alone = producers == 1;
      while (sent < each) {
        const std::uint64_t batch = std::min<std::uint64_t>(each - sent, 1 + sent % 5);
        const std::uint64_t first = *(alone ? ring.claim_alone(batch) : ring.claim_shared(batch));
        for (std::uint64_t i = 0; i < batch; ++i) {
          if (!alone)
            ring.await_former(first + i);
          write(ring, first + i, p << 32 | ++sent);
        }
        if (sent % 1024 < batch)
          std::this_thread::yield();
      }
    });
  for (auto& sender : senders)
    sender.join();
  ring.close();
  for (auto& thread : threads)
    thread.join();
  for (const Heard& each_heard : heard) {
    CHECK(each_heard.received + each_heard.lagged == producers * each);
    CHECK(each_heard.torn == 0);
    CHECK(each_heard.disordered == 0);
    CHECK(agree(heard[0], each_heard, producers, each));
  }
}

TEST_CASE("the remainder by multiplication is exact", "[broadcast_ring]") {
  const auto seed = GENERATE(1U, 2U);
  CAPTURE(seed);
  std::mt19937_64 random{seed};
  std::vector<std::uint64_t> divisors{1, 2, 3, 5, 7, 64, 100, 1000, 65536, 0x7fffffff, 0x80000000};
  for (int i = 0; i < 200; ++i)
    divisors.push_back(1 + random() % 0x80000000);
  for (const std::uint64_t divisor : divisors) {
    const Reciprocal modulo{divisor};
    const std::uint64_t top = (std::uint64_t{1} << 62) - 1;
    bool exact = true;
    for (const std::uint64_t dividend :
         {std::uint64_t{0}, divisor - 1, divisor, divisor + 1, top, top - 1, top - top % divisor,
          top - top % divisor - 1, random() & top, random() & top, random() & top})
      exact = exact && modulo.remainder(dividend) == dividend % divisor;
    CAPTURE(divisor);
    CHECK(exact);
  }
}

TEST_CASE("no record is torn, lost without count or out of order, whatever the loss", "[broadcast_ring]") {
  const auto capacity = GENERATE(2, 3, 8, 100, 1000, 65536);
  const std::uint64_t each = thread_sanitizer ? 3000 : 50000;
  check_invariants<64>(static_cast<std::uint64_t>(capacity), 1, 2, each);
  check_invariants<128>(static_cast<std::uint64_t>(capacity), 1, 3, each);
  check_invariants<128>(static_cast<std::uint64_t>(capacity), 4, 4, each / 4);
  check_invariants<64>(static_cast<std::uint64_t>(capacity), 8, 1, each / 8);
  check_invariants<128>(static_cast<std::uint64_t>(capacity), 2, 8, each / 4);
}

TEST_CASE("a ring of one keeps the newest record", "[broadcast_ring]") {
  Fixture<64> fixture{1};
  std::uint64_t number = 0;
  bool torn = false;
  CHECK(read(fixture.ring, 0, number, torn) == Poll::empty);
  for (std::uint64_t n = 0; n < 3; ++n)
    write(fixture.ring, *fixture.ring.claim_alone(1), n + 1);
  CHECK(read(fixture.ring, 0, number, torn) == Poll::overrun);
  CHECK(fixture.ring.resume_after_overrun(0) == 2);
  CHECK(read(fixture.ring, 2, number, torn) == Poll::ready);
  CHECK(number == 3);
}

TEST_CASE("a reader does not see a record that is being written", "[broadcast_ring]") {
  Fixture<128> fixture{4};
  const auto& ring = fixture.ring;
  std::uint64_t number = 0;
  bool torn = false;
  for (std::uint64_t n = 0; n < 4; ++n)
    write(ring, *ring.claim_alone(1), n + 1);
  ring.write(*ring.claim_alone(1), [&](auto& words) {
    words[0].store(99, std::memory_order_relaxed);
    CHECK(read(ring, 0, number, torn) == Poll::overrun);
    CHECK(read(ring, 4, number, torn) == Poll::empty);
  });
  CHECK(read(ring, 4, number, torn) == Poll::ready);
}

TEST_CASE("a closed ring gives out no place and tells where it ends", "[broadcast_ring]") {
  Fixture<64> fixture{4};
  REQUIRE(fixture.ring.claim_shared(3));
  fixture.ring.close();
  fixture.ring.close();
  CHECK_FALSE(fixture.ring.claim_shared(2));
  CHECK_FALSE(fixture.ring.claim_alone(1));
  CHECK(fixture.ring.closed_at() == 3);
  CHECK(fixture.ring.tail() == 3);
}

TEST_CASE("a ring is opened by its layout, and memory that holds none of this kind is refused", "[broadcast_ring]") {
  Fixture<64> fixture{5};
  write(fixture.ring, *fixture.ring.claim_alone(1), 7);
  const auto bytes = fixture.bytes();
  const auto opened = BroadcastRing<64>::open(bytes);
  REQUIRE(opened);
  std::uint64_t number = 0;
  bool torn = false;
  CHECK(opened->capacity() == 5);
  CHECK(read(*opened, 0, number, torn) == Poll::ready);
  CHECK(number == 7);

  CHECK_FALSE(BroadcastRing<128>::open(bytes));
  CHECK_FALSE(BroadcastRing<64>::open(bytes.first(BroadcastRing<64>::bytes(5) - 64)));
  CHECK_FALSE(BroadcastRing<64>::open(bytes.first(10)));
  CHECK_FALSE(BroadcastRing<64>::open(bytes.subspan(64)));
  for (const std::size_t broken : {0, 8, 12, 19}) {
    const std::byte kept = bytes[broken];
    bytes[broken] ^= std::byte{0xff};
    CHECK_FALSE(BroadcastRing<64>::open(bytes));
    bytes[broken] = kept;
  }
}

}  // namespace
}  // namespace theus

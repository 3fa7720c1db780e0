// Heavy buffers of an engine on another host, which come as copies.

#include "shm/handle.hpp"
#include "tests/support/remote_stage.hpp"

#include <catch2/catch.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <future>
#include <random>

namespace theus {
namespace {

using namespace std::chrono_literals;
using testing::turns_true;
using Bytes = HeavyView<std::uint8_t>;
using Clock = std::chrono::steady_clock;

constexpr std::uint64_t megabyte = 1 << 20;

Errc code_of(const auto& result) { return result ? Errc{} : result.error().code(); }

struct BufferStage : testing::RemoteStage {
  using RemoteStage::RemoteStage;

  static std::uint8_t byte_at(std::uint8_t seed, std::uint64_t place) {
    return static_cast<std::uint8_t>(seed + place * 131 + place / 4096);
  }
  Value buffer(std::uint8_t seed, std::uint64_t bytes) {
    auto made = owner->heavy().alloc<std::uint8_t>({bytes}).value();
    for (std::uint64_t i = 0; i < bytes; ++i)
      made.span()[i] = byte_at(seed, i);
    return made.publish().value();
  }
  /// Of whatever stands there, in no time.
  Value large_buffer() { return owner->heavy().alloc<std::uint8_t>({255 * megabyte}).value().publish().value(); }
  /// The state names this buffer, and nothing else does.
  void show(const Value& handle) {
    owner->compare_and_swap(owner->version(), {Write::set("domain.heavy_x", handle)}).value();
    (void)owner->state_statistics();  // lets go of old versions
  }
  void show(std::uint8_t seed, std::uint64_t bytes) { show(buffer(seed, bytes)); }
  Value shown_to(Engine& joined) const {
    REQUIRE(turns_true([&] { return joined.version() == owner->version(); }));
    return joined.state().find("domain.heavy_x").value();
  }
  std::uint64_t buffers() {
    (void)owner->state_statistics();
    return owner->heavy().statistics().buffers;
  }
};

bool is_right(const Bytes& view, std::uint8_t seed) {
  for (std::uint64_t i = 0; i < view.size(); ++i)
    if (view[i] != BufferStage::byte_at(seed, i))
      return false;
  return true;
}

}  // namespace

TEST_CASE("heavy buffers of an engine on another host are read as copies of their own [F45][F47]", "[remote][heavy]") {
  BufferStage stage;
  Engine joined = stage.join().value();
  const std::uint64_t bytes = GENERATE(1, 256 << 10, 3 * megabyte + 17);
  stage.show(7, bytes);
  const Value handle = stage.shown_to(joined);
  std::optional<Bytes> view = joined.heavy().view<std::uint8_t>(handle).value();
  CHECK(view->shape() == HeavyShape{bytes});
  CHECK(is_right(*view, 7));
  CHECK(joined.heavy().statistics().bytes_fetched == bytes);
  CHECK(joined.heavy().statistics().bytes_used == bytes);
  CHECK(joined.heavy().view<std::uint8_t>(handle).value().span().data() == view->span().data());
  CHECK(joined.heavy().statistics().bytes_fetched == bytes);

  // The owner keeps it for the transfer only, and the copy for as long as it is looked at.
  stage.show(8, bytes);
  CHECK(turns_true([&] { return stage.buffers() == 1; }));
  CHECK(is_right(*view, 7));
  CHECK(code_of(joined.heavy().view<std::uint8_t>(handle)) == Errc::expired_handle);
  CHECK(is_right(joined.heavy().view<std::uint8_t>(stage.shown_to(joined)).value(), 8));
  view.reset();
  CHECK(joined.heavy().statistics().bytes_used == 0);
  CHECK(stage.owner->heavy().statistics().bytes_copied == 0);
}

TEST_CASE("a matrix of another type keeps its shape, in a body that runs on the other host", "[remote][heavy]") {
  BufferStage stage;
  auto made = stage.owner->heavy().alloc<double>({3, 5}).value();
  std::ranges::fill(made.span(), 0.5);
  stage.show(made.publish().value());
  Engine joined = stage.join().value();
  joined
      .register_process({.name = "sum",
                         .inputs = {"domain.heavy_x"},
                         .outputs = {"domain.sum"},
                         .body =
                             [&](Context& context) {
                               const auto matrix =
                                   joined.heavy().view<double>(context.find("domain.heavy_x").value()).value();
                               auto sum = static_cast<double>(matrix.shape()[0]);
                               for (const double each : matrix.span())
                                 sum += each;
                               return sum;
                             }})
      .value();
  CHECK(joined.execute("sum").value().value == Value{10.5});
  CHECK(code_of(joined.heavy().view<float>(stage.shown_to(joined))) == Errc::bad_argument);
}

TEST_CASE("expired, forged and foreign handles are answered as on the owner's host [F46][F47]", "[remote][heavy]") {
  BufferStage stage;
  BufferStage foreign;
  stage.show(1, 1000);
  Engine there = stage.join().value();
  Engine here = Engine::from_handle(stage.owner->context_handle().value(), {.threads = 1}).value();
  const auto same = [&](const Value& handle) {
    return code_of(there.heavy().view<std::uint8_t>(handle)) == code_of(here.heavy().view<std::uint8_t>(handle));
  };
  const Value expired = stage.shown_to(there);
  CHECK(same(expired));
  stage.show(2, 1000);
  CHECK(stage.buffers() == 1);
  CHECK(code_of(there.heavy().view<std::uint8_t>(expired)) == Errc::expired_handle);
  CHECK(same(expired));
  const Value strange = foreign.buffer(1, 1000);
  CHECK(code_of(there.heavy().view<std::uint8_t>(strange)) == Errc::heavy_lost);
  CHECK(same(strange));
  CHECK(same(Value{1}));

  const HeavyRef good = stage.shown_to(there).as_heavy();
  const unsigned seed = 4711;
  INFO("seed " << seed);
  std::mt19937_64 random{seed};
  int wrong = 0;
  for (int i = 0; i < 500; ++i) {
    HeavyRef forged = good;
    for (std::uint64_t changes = 1 + random() % 3; changes > 0; --changes) {
      std::uint64_t& word = forged.words[random() % 8];
      word = random() % 2 == 0 ? random() : word ^ std::uint64_t{1} << random() % 64;
    }
    wrong += same(Value::heavy(forged)) ? 0 : 1;
  }
  CHECK(wrong == 0);
  CHECK(is_right(there.heavy().view<std::uint8_t>(stage.shown_to(there)).value(), 2));
  CHECK(there.heavy().statistics().buffers == 0);
}

TEST_CASE("what cannot be done with buffers of another host is refused as unsupported", "[remote][heavy]") {
  BufferStage stage;
  auto made = stage.owner->heavy().alloc<std::uint8_t>({16}).value();
  stage.show(made.publish_in_place().value());
  Engine joined = stage.join().value();
  const Value handle = stage.shown_to(joined);
  CHECK(code_of(joined.heavy().view<std::uint8_t>(handle)) == Errc::unsupported);
  CHECK(code_of(joined.heavy().write_in_place<std::uint8_t>(handle)) == Errc::unsupported);
  CHECK(code_of(joined.heavy().alloc<std::uint8_t>({16})) == Errc::unsupported);
  CHECK(joined.compare_and_swap(joined.version(), {Write::set("domain.x", 1)}));
}

TEST_CASE("the caps of what is fetched are the caller's, and the owner's quota holds as well [F48]",
          "[remote][heavy]") {
  BufferStage stage{testing::certificate(), {.listen = "127.0.0.1:0"}, {.consumer_bytes_max = 3 * megabyte}};
  Engine joined =
      stage.join(testing::certificate(), {.buffer_bytes_max = 4 * megabyte, .bytes_max = 3 * megabyte}).value();
  const auto view_of = [&](const Value& handle) { return joined.heavy().view<std::uint8_t>(handle); };
  const Value two = stage.buffer(1, 2 * megabyte);
  const Value one = stage.buffer(2, megabyte);
  const Value more = stage.buffer(3, 1);
  const auto held = view_of(two).value();
  const auto also = view_of(one).value();
  const auto refused = view_of(more);
  REQUIRE(code_of(refused) == Errc::no_space);
  CHECK(*refused.error().field("needed") == Value{1});
  CHECK(*refused.error().field("free") == Value{0});
  const auto unlent = view_of(stage.buffer(4, 3 * megabyte + 1));
  REQUIRE(code_of(unlent) == Errc::no_space);
  CHECK(*unlent.error().field("free") == Value{3 * megabyte});

  Engine small = stage.join(testing::certificate(), {.buffer_bytes_max = megabyte}).value();
  const auto large = small.heavy().view<std::uint8_t>(two);
  REQUIRE(code_of(large) == Errc::too_large);
  CHECK(*large.error().field("limit") == Value{megabyte});
  CHECK(small.heavy().view<std::uint8_t>(one).ok());
}

TEST_CASE("commits and signals go on while a large buffer is fetched", "[remote][heavy]") {
  BufferStage stage;
  stage.show(3, 96 * megabyte);
  Engine joined = stage.join().value();
  const Value handle = stage.shown_to(joined);
  auto heard = joined.signals().subscribe({.filter = "news"});
  auto fetching = std::async(std::launch::async, [&] { return joined.heavy().view<std::uint8_t>(handle); });
  REQUIRE(turns_true([&] { return joined.heavy().statistics().bytes_fetched > 0; }));
  int during = 0;
  std::chrono::nanoseconds longest{0};
  for (bool is_over = false; !is_over; during += is_over ? 0 : 1) {
    const auto begun = Clock::now();
    joined.compare_and_swap(joined.version(), {Write::increment("domain.count", 1)}).value();
    stage.owner->signals().send("news", during);
    CHECK(heard.recv(30s)->payload.value() == Value{during});
    longest = std::max(longest, std::chrono::nanoseconds{Clock::now() - begun});
    is_over = fetching.wait_for(0s) == std::future_status::ready;
  }
  WARN(during << " commits and signals while 96 MiB came, the slowest pair in "
              << std::chrono::duration_cast<std::chrono::microseconds>(longest).count() << " us");
  CHECK(during >= 10);
  const auto view = fetching.get();
  REQUIRE(view.ok());
  CHECK(is_right(*view, 3));
}

TEST_CASE("a fetch ends at once when the owner goes away, and what was fetched before stays [F08][F116]",
          "[remote][heavy]") {
  std::optional<Engine> joined;
  std::optional<Bytes> small;
  std::future<Result<Bytes>> fetching;
  Value large;
  {
    BufferStage stage;
    joined.emplace(stage.join(testing::certificate(), {.timeout = 600s}).value());
    small = joined->heavy().view<std::uint8_t>(stage.buffer(1, 1000)).value();
    stage.show(stage.large_buffer());
    large = stage.shown_to(*joined);
    fetching = std::async(std::launch::async, [&] { return joined->heavy().view<std::uint8_t>(large); });
    REQUIRE(turns_true([&] { return joined->heavy().statistics().bytes_fetched > 1000; }));
  }
  REQUIRE(fetching.wait_for(10s) == std::future_status::ready);
  CHECK(code_of(fetching.get()) == Errc::owner_down);
  CHECK(is_right(*small, 1));
  CHECK(joined->heavy().statistics().bytes_used == 1000);
  CHECK(code_of(joined->heavy().view<std::uint8_t>(large)) == Errc::owner_down);
}

TEST_CASE("a fetch ends when its own engine is shut down", "[remote][heavy]") {
  BufferStage stage;
  stage.show(stage.large_buffer());
  std::optional<Engine> joined{stage.join(testing::certificate(), {.timeout = 600s}).value()};
  const Value handle = stage.shown_to(*joined);
  const HeavyZone zone = joined->heavy();
  auto fetching = std::async(std::launch::async, [&] { return code_of(zone.view<std::uint8_t>(handle)); });
  REQUIRE(turns_true([&] { return zone.statistics().bytes_fetched > 0; }));
  joined.reset();
  CHECK(fetching.get() == Errc::owner_down);
}

TEST_CASE("after the owner was started again old handles are lost, and new ones are fetched [F08]", "[remote][heavy]") {
  std::optional<BufferStage> stage{std::in_place};
  const std::string listen = stage->handle().substr(6);
  Engine joined = stage->join().value();
  const Value old = stage->buffer(1, 1000);
  CHECK(joined.heavy().view<std::uint8_t>(old).ok());
  stage.reset();
  CHECK(code_of(joined.heavy().view<std::uint8_t>(old)) == Errc::owner_down);
  stage.emplace(testing::certificate(), RemoteOptions{.listen = listen});
  REQUIRE(stage->owner->remote_handle().ok());
  CHECK(code_of(joined.heavy().view<std::uint8_t>(old)) == Errc::heavy_lost);
  CHECK(is_right(joined.heavy().view<std::uint8_t>(stage->buffer(2, 1000)).value(), 2));
}

TEST_CASE("a forked child of who reads buffers of another host is told so, and ends [F13]", "[remote][heavy]") {
  BufferStage stage;
  stage.show(1, 1000);
  Engine joined = stage.join().value();
  const Value handle = stage.shown_to(joined);
  CHECK(joined.heavy().view<std::uint8_t>(handle).ok());
  const pid_t child = ::fork();
  if (child == 0)
    ::_exit(code_of(joined.heavy().view<std::uint8_t>(handle)) == Errc::forked ? 0 : 1);
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(joined.heavy().view<std::uint8_t>(handle).ok());
}

}  // namespace theus

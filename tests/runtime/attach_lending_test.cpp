// Heavy buffers that a session sends as bytes.

#include "tests/runtime/attach_session_stage.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using namespace std::chrono_literals;

/// An engine with one buffer.
class LendingTarget final : public testing::TurnTarget {
public:
  explicit LendingTarget(std::size_t size) : bytes(std::make_shared<std::vector<std::byte>>(size)) {
    for (std::size_t i = 0; i < size; ++i)
      (*bytes)[i] = static_cast<std::byte>(i * 7);
  }
  Result<LentBuffer> lend(const HeavyRef& ref) override {
    if (ref.words[1] != 1)
      return Error{Errc::expired_handle, "heavy zone", "the buffer was recycled"};
    return LentBuffer{*bytes, bytes};
  }
  std::shared_ptr<std::vector<std::byte>> bytes;
};

HeavyRef numbered(std::uint64_t number) {
  HeavyRef ref;
  ref.words[1] = number;
  return ref;
}

struct Stage : testing::SessionStage<LendingTarget> {
  explicit Stage(std::size_t size) : SessionStage{{}, size} {}
};

Digest digest_of(std::span<const std::byte> bytes) {
  Sha256 hash;
  hash.add(bytes);
  return hash.finish();
}

}  // namespace

TEST_CASE("a buffer is lent, fetched chunk by chunk and given back with its digest", "[attach][session]") {
  const std::size_t size = GENERATE(1, chunk_bytes_max, 2 * chunk_bytes_max + 5);
  Stage stage{size};
  stage.join();
  CHECK(stage.ok("lend", {{"handle", Value::heavy(numbered(1))}}) == Value{{"bytes", size}});
  CHECK(stage.target.bytes.use_count() == 2);
  std::vector<std::byte> got;
  while (got.size() < size) {
    const Value chunk = stage.ok("fetch", {{"from", got.size()}});
    CHECK(chunk["from"] == Value{got.size()});
    const auto bytes = chunk["bytes"].as_bytes();
    REQUIRE(bytes.size() == std::min(chunk_bytes_max, size - got.size()));
    got.insert(got.end(), bytes.begin(), bytes.end());
  }
  CHECK(got == *stage.target.bytes);
  CHECK(stage.ok("give_back") == Value{{"digest", Value::bytes(digest_of(got).bytes)}});
  CHECK(stage.target.bytes.use_count() == 1);
}

TEST_CASE("requests for a buffer in the wrong order, place or form are refused, and lend nothing [F46][F110]",
          "[attach][session]") {
  Stage stage{2 * chunk_bytes_max};
  stage.join();
  const Value good = Value::heavy(numbered(1));
  CHECK(stage.error("fetch", {{"from", 0}}).code() == Errc::bad_argument);
  CHECK(stage.error("give_back").code() == Errc::bad_argument);
  CHECK(stage.error("lend").code() == Errc::bad_argument);
  CHECK(stage.error("lend", {{"handle", 1}}).code() == Errc::bad_argument);
  CHECK(stage.error("lend", {{"handle", Value::heavy(numbered(2))}}).code() == Errc::expired_handle);
  CHECK(stage.target.bytes.use_count() == 1);

  (void)stage.ok("lend", {{"handle", good}});
  CHECK(stage.error("lend", {{"handle", good}}).code() == Errc::bad_argument);
  for (const Value& from :
       {Value{1}, Value{-1}, Value{chunk_bytes_max}, Value{std::int64_t{1} << 62}, Value{"0"}, Value{}, Value{0.0}})
    CHECK(stage.error("fetch", {{"from", from}}).code() == Errc::bad_argument);
  CHECK(stage.error("fetch", {{"from", 0}, {"bytes", 1 << 30}}).code() == Errc::bad_argument);
  (void)stage.ok("fetch", {{"from", 0}});
  CHECK(stage.error("fetch", {{"from", 0}}).code() == Errc::bad_argument);
  (void)stage.ok("fetch", {{"from", chunk_bytes_max}});
  CHECK(stage.error("fetch", {{"from", 2 * chunk_bytes_max}}).code() == Errc::bad_argument);
  CHECK(stage.ok("give_back").contains("digest"));
  (void)stage.ok("lend", {{"handle", good}});
  CHECK(stage.ok("give_back") == Value::map());
  CHECK(stage.target.bytes.use_count() == 1);
}

TEST_CASE("who is lent a buffer and does not fetch it is let go of, whatever else he asks [F04][F111]",
          "[attach][session]") {
  Stage stage{chunk_bytes_max};
  stage.join();
  (void)stage.ok("lend", {{"handle", Value::heavy(numbered(1))}});
  const auto end = stage.now + stall_timeout;
  CHECK(stage.sut.look_at() == end);
  for (stage.now += 1s; stage.now < end; stage.now += 1s) {
    (void)stage.ok("info");
    stage.sut.look(stage.now);
    REQUIRE_FALSE(stage.sut.is_over());
  }
  stage.sut.look(stage.now = end);
  CHECK(stage.sut.is_over());
  CHECK(stage.sut.fault()->code() == Errc::deadline);
}

TEST_CASE("who fetches, however slowly, keeps his buffer, and it goes with his session", "[attach][session]") {
  auto stage = std::make_unique<Stage>(3 * chunk_bytes_max);
  stage->join();
  (void)stage->ok("lend", {{"handle", Value::heavy(numbered(1))}});
  for (std::size_t from = 0; from < 3 * chunk_bytes_max; from += chunk_bytes_max) {
    stage->sut.look(stage->now += stall_timeout - 1ms);
    REQUIRE_FALSE(stage->sut.is_over());
    (void)stage->ok("fetch", {{"from", from}});
  }
  const auto bytes = stage->target.bytes;
  CHECK(bytes.use_count() == 3);
  stage.reset();
  CHECK(bytes.use_count() == 1);
}

}  // namespace theus

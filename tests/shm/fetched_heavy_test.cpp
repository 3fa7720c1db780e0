#include "shm/fetched_heavy.hpp"

#include "shm/handle.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <fstream>
#include <future>

namespace theus::shm {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t buffer_bytes = 10'000;
constexpr std::size_t chunk = 4096;

/// An owner in this process, of as many buffers as there are handles; counts what is asked.
class FakeSource final : public BufferSource {
public:
  struct Script {
    std::mutex mutex;
    std::condition_variable changed;
    std::uint64_t lends = 0;  // guarded by mutex, as all of it
    std::uint64_t fetches = 0;
    std::uint64_t given_back = 0;
    std::uint64_t longer = 0;  // what is lent has more bytes than its handle says
    bool is_cut = false;       // after the first chunk
    bool is_stuck = false;     // the same, but silently, until it is interrupted
    bool is_deaf = false;      // with that, it waits beyond its deadline
    bool is_garbled = false;
  };
  explicit FakeSource(std::shared_ptr<Script> script) : script_(std::move(script)) {}

  static std::byte byte_at(const HeavyRef& ref, std::uint64_t place) {
    return static_cast<std::byte>(ref.words[1] * 31 + place);
  }
  Result<std::uint64_t> lend(const HeavyRef& ref, Time) override {
    const std::lock_guard lock{script_->mutex};
    CHECK_FALSE(lent_.has_value());
    ++script_->lends;
    lent_ = ref;
    return parts_of(ref).bytes + script_->longer;
  }
  Result<std::size_t> fetch(std::uint64_t from, std::span<std::byte> into, Time deadline) override {
    std::unique_lock lock{script_->mutex};
    ++script_->fetches;
    script_->changed.notify_all();
    if (from > 0 && script_->is_cut)
      return Error{Errc::owner_down, "heavy zone", "cut"};
    if (from > 0 && script_->is_stuck) {
      script_->changed.wait_until(lock, script_->is_deaf ? deadline + 60s : deadline, [&] { return is_interrupted_; });
      return Error{is_interrupted_ ? Errc::owner_down : Errc::timeout, "heavy zone", "stuck"};
    }
    const std::size_t count = std::min(into.size(), chunk);
    for (std::size_t i = 0; i < count; ++i)
      into[i] = byte_at(*lent_, from + i);
    hash_.add(into.first(count));
    if (script_->is_garbled)
      into[0] ^= std::byte{1};
    return count;
  }
  Result<std::optional<Digest>> give_back(Time) override {
    const std::lock_guard lock{script_->mutex};
    ++script_->given_back;
    lent_.reset();
    return std::optional{hash_.finish()};
  }
  void interrupt() noexcept override {
    const std::lock_guard lock{script_->mutex};
    is_interrupted_ = true;
    script_->changed.notify_all();
  }

private:
  const std::shared_ptr<Script> script_;
  std::optional<HeavyRef> lent_;
  Sha256 hash_;
  bool is_interrupted_ = false;
};

HeavyRef handle(std::uint32_t block, std::uint64_t bytes = buffer_bytes) {
  return encode({.type = HeavyType::u8, .lease = lease_word(block, 1), .bytes = bytes, .shape = {bytes}, .zone = 5});
}

struct Stage {
  std::shared_ptr<FakeSource::Script> owner = std::make_shared<FakeSource::Script>();
  FetchedHeavy sut;
  explicit Stage(const FetchOptions& options = {}) : sut{options, std::make_unique<FakeSource>(owner)} {}

  Result<FetchedHeavy::Seen> look(const HeavyRef& ref, HeavyType type = HeavyType::u8) { return sut.look(ref, type); }
};

bool is_right(const FetchedHeavy::Seen& seen, const HeavyRef& ref) {
  for (std::size_t i = 0; i < seen.bytes.size(); ++i)
    if (seen.bytes[i] != FakeSource::byte_at(ref, i))
      return false;
  return seen.bytes.size() == parts_of(ref).bytes;
}

Errc code_of(const auto& result) { return result ? Errc{} : result.error().code(); }

}  // namespace

TEST_CASE("a buffer on another host is copied once for all who look at it, and asked about each time", "[heavy]") {
  Stage stage;
  std::optional first = stage.look(handle(1)).value();
  CHECK(is_right(*first, handle(1)));
  CHECK(first->shape == HeavyShape{buffer_bytes});
  CHECK(first->epoch->load() == 0);
  std::optional second = stage.look(handle(1)).value();
  CHECK(second->bytes.data() == first->bytes.data());
  CHECK(stage.owner->lends == 2);
  CHECK(stage.owner->given_back == 2);
  CHECK(stage.owner->fetches == 3);
  CHECK(stage.sut.bytes_fetched() == buffer_bytes);
  CHECK(stage.sut.bytes_held() == buffer_bytes);
  first.reset();
  CHECK(is_right(*second, handle(1)));
  second.reset();
  CHECK(stage.sut.bytes_held() == 0);
  CHECK(stage.sut.copies() == 0);
  CHECK(is_right(stage.look(handle(1)).value(), handle(1)));
  CHECK(stage.owner->fetches == 6);
}

TEST_CASE("a copy outlives the zone that fetched it, and nobody can write to it [F45]", "[heavy]") {
  std::optional<FetchedHeavy::Seen> seen;
  {
    Stage stage;
    seen = stage.look(handle(2)).value();
  }
  CHECK(is_right(*seen, handle(2)));
  std::ifstream maps{"/proc/self/maps"};
  std::string line;
  bool is_found = false;
  while (std::getline(maps, line)) {
    std::uintptr_t from = 0;
    std::uintptr_t to = 0;
    std::array<char, 5> rights{};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, rights.data()) != 3)
      continue;
    const auto at = reinterpret_cast<std::uintptr_t>(seen->bytes.data());
    if (at < from || at >= to)
      continue;
    is_found = true;
    CHECK(std::string{rights.data()}.substr(0, 3) == "r--");
  }
  CHECK(is_found);
}

TEST_CASE("what is larger than allowed, alone or with what is held, is refused and given back at once [F48]",
          "[heavy]") {
  Stage stage{{.buffer_bytes_max = 20'000, .bytes_max = 25'000}};
  const auto large = stage.look(handle(1, 20'001));
  REQUIRE(code_of(large) == Errc::too_large);
  CHECK(*large.error().field("limit") == Value{20'000});
  CHECK(*large.error().field("asked") == Value{20'001});
  std::optional held = stage.look(handle(2, 20'000)).value();
  const auto more = stage.look(handle(3));
  REQUIRE(code_of(more) == Errc::no_space);
  CHECK(*more.error().field("needed") == Value{buffer_bytes});
  CHECK(*more.error().field("free") == Value{5'000});
  CHECK(stage.owner->lends == stage.owner->given_back);
  CHECK(stage.owner->fetches == 5);
  CHECK(stage.look(handle(2, 20'000)).ok());
  held.reset();
  CHECK(stage.look(handle(3)).ok());
  CHECK(stage.sut.bytes_held() == 0);
}

TEST_CASE("other elements and forged handles are refused before anything is fetched [F46]", "[heavy]") {
  Stage stage;
  CHECK(code_of(stage.look(handle(1), HeavyType::f32)) == Errc::bad_argument);
  HeavyRef forged = handle(1);
  forged.words[2] = ~std::uint64_t{0};
  CHECK(code_of(stage.look(forged)) == Errc::bad_handle);
  stage.owner->longer = 1;
  CHECK(code_of(stage.look(handle(1))) == Errc::peer_down);
  CHECK(stage.owner->fetches == 0);
  CHECK(stage.owner->lends == stage.owner->given_back);
  CHECK(stage.sut.bytes_held() == 0);
}

TEST_CASE("a copy that is not what the owner has, or not whole, is not shown [F45][F117]", "[heavy]") {
  Stage stage;
  stage.owner->is_garbled = true;
  CHECK(code_of(stage.look(handle(1))) == Errc::peer_down);
  stage.owner->is_garbled = false;
  stage.owner->is_cut = true;
  CHECK(code_of(stage.look(handle(1))) == Errc::owner_down);
  CHECK(stage.sut.bytes_held() == 0);
  stage.owner->is_cut = false;
  CHECK(is_right(stage.look(handle(1)).value(), handle(1)));
}

TEST_CASE("who waits for a buffer waits for a bounded time, also behind others, and can be interrupted [F116]",
          "[heavy]") {
  Stage stage{{.timeout = 100ms}};
  stage.owner->is_stuck = true;
  CHECK(code_of(stage.look(handle(1))) == Errc::timeout);

  Stage patient{{.timeout = 60s}};
  patient.owner->is_stuck = true;
  auto waiting = std::async(std::launch::async, [&] { return code_of(patient.look(handle(1))); });
  {
    std::unique_lock lock{patient.owner->mutex};
    REQUIRE(patient.owner->changed.wait_for(lock, 30s, [&] { return patient.owner->fetches == 2; }));
  }
  patient.sut.interrupt();
  CHECK(waiting.get() == Errc::owner_down);

  Stage busy{{.timeout = 50ms}};
  busy.owner->is_stuck = busy.owner->is_deaf = true;
  auto first = std::async(std::launch::async, [&] { return code_of(busy.look(handle(1))); });
  {
    std::unique_lock lock{busy.owner->mutex};
    REQUIRE(busy.owner->changed.wait_for(lock, 30s, [&] { return busy.owner->fetches > 0; }));
  }
  CHECK(code_of(busy.look(handle(2))) == Errc::timeout);
  CHECK(busy.owner->lends == 1);
  busy.sut.interrupt();
  CHECK(first.get() == Errc::owner_down);
}

}  // namespace theus::shm

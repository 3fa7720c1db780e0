#include "runtime/commit_feed.hpp"
#include "runtime/cbor_stream.hpp"
#include "runtime/commit_record.hpp"
#include "runtime/commit_turn.hpp"
#include "runtime/snapshot_access.hpp"
#include "runtime/state_difference.hpp"
#include "runtime/store/checkpoint_writer.hpp"
#include "tests/support/property.hpp"
#include "tests/support/random_writes.hpp"

#include <catch2/catch.hpp>

#include <poll.h>
#include <sys/eventfd.h>

namespace theus {
namespace {

/// A turn that somebody follows.
struct FedTurn {
  explicit FedTurn(std::size_t bytes_max = std::size_t{1} << 20) : feed(bytes_max) {}

  CommitFeed feed;
  CommitTurn turn{nullptr, system_clock(), {.feed = &feed}};

  void commit(std::vector<Write> writes) { (void)turn.commit({.base = turn.version(), .writes = writes}); }
};

/// Applies a block; commits that are there already are passed over.
void follow(CommitTurn& turn, const CommitFeed::Block& block, PathCache& paths) {
  CborCursor in{*block.bytes};
  Version version = in.number();
  for (std::uint64_t left = in.number(); left > 0; --left, ++version) {
    const std::vector<Write> writes = read_writes(in, paths);
    REQUIRE(in.failure() == nullptr);
    if (version > turn.version())
      turn.follow(version, writes).value();
  }
  CHECK(in.is_at_end());
}

void catch_up(FedTurn& owner, CommitTurn& follower, PathCache& paths) {
  while (follower.version() < owner.turn.version()) {
    const auto blocks = owner.feed.after(follower.version(), 1);
    REQUIRE(blocks);
    REQUIRE_FALSE(blocks->empty());
    for (const CommitFeed::Block& block : *blocks)
      follow(follower, block, paths);
  }
}

Value whole(const CommitTurn& turn) { return SnapshotAccess::find(turn.snapshot(), Path{}).value_or(Value::map()); }

/// A random state, made by single writes.
void fill(CommitTurn& turn, const std::vector<Write>& writes) {
  for (const Write& write : writes)
    (void)turn.commit({.base = turn.version(), .writes = std::span{&write, 1}});
}

TEST_CASE("whoever follows a feed has the owner's state at each of its versions", "[join]") {
  testing::holds(200, [] {
    FedTurn owner;
    CommitTurn follower;
    PathCache paths;
    (void)owner.turn.join_feed();
    const auto commits = *rc::gen::container<std::vector<std::vector<Write>>>(
        rc::gen::container<std::vector<Write>>(testing::meeting_write()));
    for (const auto& writes : commits) {
      owner.commit(writes);
      catch_up(owner, follower, paths);
      RC_ASSERT(follower.version() == owner.turn.version());
      RC_ASSERT(store::state_digest(follower.snapshot()) == store::state_digest(owner.turn.snapshot()));
    }
  });
}

TEST_CASE("a follower that takes commits in runs of any length ends with the same state", "[join]") {
  FedTurn owner;
  CommitTurn follower;
  PathCache paths;
  (void)owner.turn.join_feed();
  for (int i = 0; i < 3000; ++i) {
    owner.commit({Write::increment("domain.count", 1), Write::set(Path{"domain.last"}.key(std::to_string(i % 7)), i)});
    if (i % 97 == 0)
      catch_up(owner, follower, paths);
  }
  catch_up(owner, follower, paths);
  CHECK(whole(follower) == whole(owner.turn));
  CHECK(follower.snapshot().last_change("domain.last.3") == owner.turn.snapshot().last_change("domain.last.3"));
}

TEST_CASE("what a feed does not keep any more is told as gone, and the newest is kept", "[join]") {
  FedTurn owner{100'000};
  (void)owner.turn.join_feed();
  owner.commit({Write::set("domain.x", 0)});
  const Version early = owner.turn.version();
  for (int i = 0; i < 100; ++i)
    owner.commit({Write::set("domain.x", std::string(10'000, static_cast<char>('a' + i % 26)))});
  CHECK_FALSE(owner.feed.after(early, 1));
  const auto last = owner.feed.after(owner.turn.version() - 1, 1);
  REQUIRE(last);
  CHECK(last->back().last == owner.turn.version());
  CHECK(owner.feed.after(owner.turn.version(), 1)->empty());
}

TEST_CASE("a feed that nobody follows keeps nothing, and a later follower is told so", "[join]") {
  FedTurn owner;
  owner.commit({Write::set("domain.x", 1)});
  CHECK_FALSE(owner.feed.is_followed());
  const Snapshot first = owner.turn.join_feed();
  CHECK(owner.feed.after(first.version(), 1)->empty());
  owner.commit({Write::set("domain.x", 2)});
  CHECK(owner.feed.after(first.version(), 1)->size() == 1);
  owner.feed.leave();
  owner.commit({Write::set("domain.x", 3)});
  (void)owner.turn.join_feed();
  CHECK_FALSE(owner.feed.after(first.version(), 1));
}

TEST_CASE("a commit rings once for who has armed the feed", "[join]") {
  FedTurn owner;
  (void)owner.turn.join_feed();
  const Descriptor bell{::eventfd(0, EFD_NONBLOCK)};
  const auto rings = [&] {
    eventfd_t count = 0;
    return ::eventfd_read(bell.number(), &count) == 0 ? count : 0;
  };
  owner.feed.arm(bell.number());
  owner.commit({Write::set("domain.x", 1)});
  owner.commit({Write::set("domain.x", 2)});
  CHECK(rings() == 1);
  owner.commit({Write::set("domain.x", 3)});
  CHECK(rings() == 0);
}

TEST_CASE("a watch in a state that follows is told of what was decided elsewhere", "[join]") {
  FedTurn owner;
  CommitTurn follower;
  PathCache paths;
  (void)owner.turn.join_feed();
  const auto point = std::make_shared<WatchPoint>(std::vector<Path>{"domain.x"});
  follower.add_watch(point).value();
  point->arm();
  owner.commit({Write::set("domain.x", 1)});
  catch_up(owner, follower, paths);
  point->wait_until(std::chrono::steady_clock::now() + std::chrono::seconds{20});
  CHECK(follower.snapshot().last_change("domain.x") == owner.turn.version());
}

TEST_CASE("the difference of two states makes the one the other", "[join]") {
  testing::holds(200, [] {
    CommitTurn one;
    CommitTurn other;
    const auto writes = rc::gen::container<std::vector<Write>>(testing::meeting_write());
    fill(one, *writes);
    fill(other, *writes);
    const auto difference = writes_between(one.snapshot(), other.snapshot());
    one.follow(one.version() + 1, difference).value();
    RC_ASSERT(whole(one) == whole(other));
  });
}

TEST_CASE("the difference of equal states changes nothing that a watch would notice", "[join]") {
  CommitTurn one;
  CommitTurn other;
  for (CommitTurn* turn : {&one, &other}) {
    fill(*turn, {Write::set("domain.a.b", 1), Write::set("domain.c", {{"d", Value::list({1, 2})}}),
                 Write::set("domain.c.e", 3), Write::set("meta.x", 5)});
  }
  const Version before = one.version();
  fill(other, {Write::set("domain.c.e", 4)});
  one.follow(before + 1, writes_between(one.snapshot(), other.snapshot())).value();
  CHECK(one.snapshot().last_change("domain.a") <= before);
  CHECK(one.snapshot().last_change("domain.c.d") <= before);
  CHECK(one.snapshot().last_change("domain.c.e") == before + 1);
  CHECK(one.snapshot().find("meta.x") == Value{5});
}

}  // namespace
}  // namespace theus

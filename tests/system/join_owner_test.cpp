// Owners in processes of their own that die, stand still and come back.

#include "tests/support/folder.hpp"
#include "tests/support/subprocess.hpp"

#include <theus/engine.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <future>
#include <optional>
#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;
using testing::Subprocess;
using Clock = std::chrono::steady_clock;

Errc code_of(const auto& result) { return result ? Errc{} : result.error().code(); }

bool comes_true(const auto& condition) {
  const auto deadline = Clock::now() + 30s;
  while (!condition() && Clock::now() < deadline)
    std::this_thread::yield();
  return condition();
}

/// An owner in a process of its own, with a journal.
struct OwnerProcess {
  testing::Folder folder;
  std::optional<Subprocess> process;

  OwnerProcess() { start(); }
  void start() {
    process.emplace(std::vector<std::string>{THEUS_BINARY_DIR "/bin/test_join_owner", folder.path().string()});
    process->wait_for_out("\n");
  }
  Engine join(std::chrono::milliseconds patience = 60s) const {
    std::string handle;
    for (const auto& entry : std::filesystem::directory_iterator{folder.path() / ".theus"})
      if (entry.path().extension() != ".token")
        handle = "unix:" + entry.path().string();
    return Engine::from_handle(handle, {.threads = 1, .join = {.patience = patience}}).value();
  }
};

}  // namespace

TEST_CASE("when the owner is killed its end is noticed, and the one that follows is joined [F08]", "[join]") {
  OwnerProcess owner;
  Engine joined = owner.join();
  std::atomic<int> counted{0};
  std::jthread client{[&](const std::stop_token& end) {
    // Each number is asked for once, under an id, and answered once, however often the owner is killed.
    for (int number = 1; !end.stop_requested(); ++number) {
      joined
          .compare_and_swap(joined.version(), {Write::increment("domain.count", 1)},
                            {.request_id = "n" + std::to_string(number)})
          .value();
      counted = number;
    }
  }};
  for (int life = 1; life <= 3; ++life) {
    const int before = counted;
    REQUIRE(comes_true([&] { return counted > before + 20; }));
    owner.process->signal(SIGKILL);
    const auto killed = Clock::now();
    REQUIRE(comes_true([&] { return !joined.owner()->is_up; }));
    CHECK(Clock::now() - killed < 2s);
    const auto refused = joined.compare_and_swap(joined.version(), {Write::set("domain.x", 1)});
    CHECK(code_of(refused) == Errc::owner_down);
    CHECK(joined.state().contains("domain.count"));
    (void)owner.process->finish();
    owner.start();
    REQUIRE(comes_true([&] { return joined.owner()->is_up; }));
    CHECK(joined.owner()->joins == 1 + static_cast<std::uint64_t>(life));
  }
  client.request_stop();
  client.join();
  CHECK(joined.state().get<int>("domain.count").value() == counted);
}

TEST_CASE("what has a request id waits for an owner that is down, and holds up nobody who has none [F08]", "[join]") {
  OwnerProcess owner;
  Engine joined = owner.join();
  joined
      .register_process({.name = "count",
                         .inputs = {"domain.count"},
                         .outputs = {"domain.count"},
                         .body = [](Context& ctx) { return ctx.get<std::int64_t>("domain.count") + 1; }})
      .value();
  owner.process->signal(SIGKILL);
  (void)owner.process->finish();
  REQUIRE(comes_true([&] { return !joined.owner()->is_up; }));

  const std::vector<Write> one_more{Write::increment("domain.count", 1)};
  const Version base = joined.version();
  const auto swap = [&] { return joined.compare_and_swap(base, one_more, {.request_id = "swap"}); };
  const auto transact = [&] {
    return joined.transaction(
        [](Transaction& transaction) -> Status {
          return transaction.set("domain.count", transaction.get<std::int64_t>("domain.count").value() + 1);
        },
        {.request_id = "transaction"});
  };
  auto swapped = std::async(std::launch::async, swap);
  auto transacted = std::async(std::launch::async, transact);
  auto executed = joined.execute_async("count", Value::map(), {.request_id = "execution"});
  CHECK(code_of(joined.execute("count")) == Errc::owner_down);
  CHECK(code_of(joined.compare_and_swap(joined.version(), one_more)) == Errc::owner_down);
  CHECK(swapped.wait_for(0s) == std::future_status::timeout);
  CHECK(transacted.wait_for(0s) == std::future_status::timeout);

  owner.start();
  const Version version = swapped.get().value();
  CHECK(transacted.get());
  CHECK(executed.get());
  CHECK(joined.state().get<int>("domain.count").value() == 3);
  CHECK(swap().value() == version);
  CHECK(transact());
  CHECK(joined.state().get<int>("domain.count").value() == 3);
}

TEST_CASE("what has a request id waits for its owner no longer than it has patience [F08]", "[join]") {
  OwnerProcess owner;
  Engine joined = owner.join(100ms);
  owner.process->signal(SIGKILL);
  (void)owner.process->finish();
  REQUIRE(comes_true([&] { return !joined.owner()->is_up; }));
  const auto refused =
      joined.compare_and_swap(joined.version(), {Write::increment("domain.count", 1)}, {.request_id = "one"});
  CHECK(code_of(refused) == Errc::owner_down);
  CHECK(refused.error().field("unknown") == nullptr);
}

TEST_CASE("nobody waits for ever for an owner that stands still, and it is joined again when it goes on [F94]",
          "[join]") {
  OwnerProcess owner;
  Engine joined = owner.join();
  joined.compare_and_swap(joined.version(), {Write::increment("domain.count", 1)}).value();
  owner.process->signal(SIGSTOP);
  const auto refused = joined.compare_and_swap(joined.version(), {Write::increment("domain.count", 1)});
  REQUIRE(code_of(refused) == Errc::owner_down);
  REQUIRE(refused.error().field("unknown") != nullptr);
  CHECK(*refused.error().field("unknown") == Value{true});
  CHECK_FALSE(joined.owner()->is_up);
  CHECK(joined.state().get<int>("domain.count").value() == 1);
  owner.process->signal(SIGCONT);
  REQUIRE(comes_true([&] { return joined.owner()->is_up; }));
  CHECK(joined.compare_and_swap(joined.version(), {Write::set("domain.x", 1)}));
}

}  // namespace theus

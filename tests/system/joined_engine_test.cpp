// Joined engines that look at the owner's heavy buffers. Most tests join from the same process, which the owner cannot
// tell.

#include <theus/engine.hpp>
#include <theus/errors.hpp>

#include "tests/support/folder.hpp"
#include "tests/support/subprocess.hpp"

#include <sys/wait.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>

#include <catch2/catch.hpp>

namespace theus {
namespace {

using namespace std::chrono_literals;
using Bytes = HeavyView<std::uint8_t>;

struct JoinStage {
  testing::Folder folder;
  std::mutex mutex;
  std::condition_variable logged;
  std::vector<LogEntry> log;
  std::optional<Engine> engine;

  explicit JoinStage(HeavyOptions heavy = {}) {
    EngineOptions options;
    options.threads = 1;
    options.heavy = heavy;
    options.attach.folder = folder.path() / ".theus";
    options.log = [this](const LogEntry& entry) {
      const std::lock_guard lock{mutex};
      log.push_back(entry);
      logged.notify_all();
    };
    engine.emplace(options);
  }

  Value buffer(std::uint8_t content, std::uint64_t bytes = 1000) {
    auto made = engine->heavy().alloc<std::uint8_t>({bytes}).value();
    std::ranges::fill(made.span(), content);
    return made.publish().value();
  }
  /// The state names this buffer, and nothing else does.
  void show(std::uint8_t content, std::uint64_t bytes = 1000) {
    engine->compare_and_swap(engine->version(), {Write::set("domain.heavy_x", buffer(content, bytes))}).value();
    (void)engine->state_statistics();  // lets go of old versions
  }
  Engine join() const { return Engine::from_handle(engine->context_handle().value()).value(); }

  std::uint64_t leases() {
    std::uint64_t all = 0;
    for (const HeavyHolder& holder : engine->heavy().holders(0ns))
      all += holder.leases;
    return all;
  }
  /// Until the engine has noticed by itself what others did.
  bool comes_true(const auto& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 20s;
    while (!condition() && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    return condition();
  }
};

/// Of the owner's newest state, once it has come here.
Value handle_at(Engine& joined, const JoinStage& stage) {
  const auto deadline = std::chrono::steady_clock::now() + 20s;
  while (joined.version() < stage.engine->version() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  return joined.state().find("domain.heavy_x").value();
}

Errc code_of(const auto& result) { return result ? Errc{} : result.error().code(); }

std::size_t open_descriptors() {
  const auto all = std::filesystem::directory_iterator{"/proc/self/fd"};
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

}  // namespace

TEST_CASE("a joined process reads what the engine shows, where it was built, until it lets go", "[join]") {
  JoinStage stage;
  stage.show(7);
  auto joined = stage.join();
  std::optional<Bytes> view = joined.heavy().view<std::uint8_t>(handle_at(joined, stage)).value();
  CHECK(view->size() == 1000);
  CHECK(view->shape() == HeavyShape{1000});
  CHECK((*view)[999] == 7);
  CHECK(stage.leases() == 1);

  stage.show(8);
  CHECK((*view)[999] == 7);
  CHECK(stage.engine->heavy().statistics().lent_only == 1);
  const Value old = handle_at(joined, stage);
  CHECK(joined.heavy().view<std::uint8_t>(old).value()[0] == 8);
  view.reset();
  CHECK(stage.leases() == 0);
  CHECK(stage.engine->heavy().statistics().buffers == 1);

  stage.show(9);
  CHECK(stage.engine->heavy().statistics().buffers == 1);
  CHECK(code_of(joined.heavy().view<std::uint8_t>(old)) == Errc::expired_handle);
  CHECK(stage.engine->heavy().statistics().bytes_copied == 0);
}

TEST_CASE("handles that came as signals are viewed as well, in memory that is new to the reader", "[join]") {
  JoinStage stage;
  auto joined = stage.join();
  auto heard = joined.signals().subscribe({.filter = "frame"});
  std::vector<Value> kept;
  constexpr std::uint64_t megabytes = 5 << 20;
  for (int i = 0; i < 6; ++i) {
    kept.push_back(stage.buffer(static_cast<std::uint8_t>(i), megabytes));
    stage.engine->signals().send("frame", {{"number", i}, {"image", kept.back()}});
  }
  std::vector<Bytes> views;
  while (views.size() < kept.size())
    views.push_back(joined.heavy().view<std::uint8_t>(heard.recv(20s)->payload["image"]).value());
  for (std::size_t i = 0; i < views.size(); ++i)
    CHECK(std::ranges::all_of(views[i].span(), [&](std::uint8_t byte) { return byte == i; }));
}

TEST_CASE("a reader refuses forged handles, other types and too many at once, and builds nothing [F46]", "[join]") {
  JoinStage stage;
  stage.show(1);
  auto joined = stage.join();
  HeavyZone& heavy = joined.heavy();
  const Value good = handle_at(joined, stage);
  HeavyRef forged = good.as_heavy();
  forged.words[0] ^= 1;
  CHECK(code_of(heavy.view<std::uint8_t>(Value::heavy(forged))) == Errc::bad_handle);
  forged = good.as_heavy();
  forged.words[7] ^= 1;
  CHECK(code_of(heavy.view<std::uint8_t>(Value::heavy(forged))) == Errc::heavy_lost);
  CHECK(code_of(heavy.view<float>(good)) == Errc::bad_argument);
  CHECK(code_of(heavy.view<std::uint8_t>(Value{5})) == Errc::bad_argument);
  CHECK(code_of(heavy.alloc<int>({3})) == Errc::unsupported);
  CHECK(code_of(heavy.write_in_place<std::uint8_t>(good)) == Errc::unsupported);
  std::vector<Bytes> views;
  for (auto view = heavy.view<std::uint8_t>(good); view; view = heavy.view<std::uint8_t>(good))
    views.push_back(*std::move(view));
  CHECK(views.size() == 64);
  CHECK(code_of(heavy.view<std::uint8_t>(good)) == Errc::overloaded);
  views.clear();
  CHECK(heavy.view<std::uint8_t>(good));
}

TEST_CASE("threads of a joined process read at once", "[join]") {
  JoinStage stage;
  stage.show(3);
  auto joined = stage.join();
  const Value handle = handle_at(joined, stage);
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&, heavy = joined.heavy()] {
        for (int turn = 0; turn < 500; ++turn) {
          const auto view = heavy.view<std::uint8_t>(handle);
          wrong += view && (*view)[500] == 3 ? 0 : 1;
        }
      });
  }
  CHECK(wrong == 0);
  CHECK(stage.leases() == 0);
}

TEST_CASE("when the engine ends its readers keep what they hold and get nothing new [F08]", "[join]") {
  JoinStage stage;
  stage.show(5);
  auto joined = stage.join();
  const Value handle = handle_at(joined, stage);
  const Bytes view = joined.heavy().view<std::uint8_t>(handle).value();
  stage.engine.reset();
  CHECK(view[999] == 5);
  const Errc refused = code_of(joined.heavy().view<std::uint8_t>(handle));
  CHECK((refused == Errc::peer_down || refused == Errc::expired_handle));
}

TEST_CASE("a reader that leaves gives its place back, with its last view", "[join]") {
  JoinStage stage;
  stage.show(5);
  const std::size_t before = open_descriptors();
  {
    std::optional<Bytes> view;
    {
      auto joined = stage.join();
      view = joined.heavy().view<std::uint8_t>(handle_at(joined, stage)).value();
    }
    CHECK((*view)[0] == 5);
    CHECK(stage.leases() == 1);
  }
  CHECK(stage.comes_true([&] { return stage.engine->heavy().statistics().consumers == 0; }));
  CHECK(stage.comes_true([&] { return open_descriptors() == before; }));
}

TEST_CASE("the leases of a killed reader come back by themselves, and the log names it [F04][F03]", "[join]") {
  JoinStage stage;
  stage.show(6);
  testing::Subprocess reader{
      {THEUS_BINARY_DIR "/bin/test_heavy_reader", stage.engine->context_handle().value(), "domain.heavy_x"}};
  reader.wait_for_out("holds 6\n");
  CHECK(stage.leases() == 1);
  stage.show(7);
  reader.signal(SIGKILL);
  // Nobody asks the zone for anything: the engine notices by itself.
  std::unique_lock lock{stage.mutex};
  const auto tells = [&](const LogEntry& entry) {
    return entry.fields["event"] == Value{"lease_lost"} && entry.fields["pid"] == Value{reader.pid()} &&
           entry.fields["leases"] == Value{1} && entry.fields["bytes"] == Value{1000};
  };
  CHECK(stage.logged.wait_for(lock, 20s, [&] { return std::ranges::any_of(stage.log, tells); }));
  lock.unlock();
  CHECK(stage.engine->heavy().statistics().buffers == 1);
  CHECK(stage.engine->heavy().statistics().lost_leases == 1);
}

TEST_CASE("a forked child of a reader is refused, and its parent keeps what it reads [F13]", "[join]") {
  JoinStage stage;
  stage.show(4);
  auto joined = stage.join();
  const Value handle = handle_at(joined, stage);
  std::optional<Bytes> view = joined.heavy().view<std::uint8_t>(handle).value();
  const pid_t child = ::fork();
  if (child == 0) {
    const bool is_refused = code_of(joined.heavy().view<std::uint8_t>(handle)) == Errc::forked;
    view.reset();
    ::_exit(is_refused ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(stage.leases() == 1);
  stage.show(5);
  CHECK((*view)[0] == 4);
}

TEST_CASE("a reader that stands still keeps what it reads [F10][F48]", "[join]") {
  JoinStage stage;
  stage.show(6);
  testing::Subprocess reader{
      {THEUS_BINARY_DIR "/bin/test_heavy_reader", stage.engine->context_handle().value(), "domain.heavy_x"}};
  reader.wait_for_out("holds 6\n");
  reader.signal(SIGSTOP);
  for (std::uint8_t content = 10; content < 60; ++content)
    stage.show(content);
  CHECK(stage.leases() == 1);
  CHECK(stage.engine->heavy().statistics().lent_only == 1);
  const auto holders = stage.engine->heavy().holders(0ns);
  REQUIRE(holders.size() == 1);
  CHECK(holders[0].pid == reader.pid());
  CHECK(holders[0].is_over);
  CHECK(stage.engine->heavy().kill_holder(reader.pid()));
  CHECK(stage.comes_true([&] { return stage.leases() == 0; }));
}

}  // namespace theus

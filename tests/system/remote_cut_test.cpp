// Two network namespaces with a cable between them, which is cut.

#include <theus/engine.hpp>

#include "tests/support/certificates.hpp"

#include <catch2/catch.hpp>

#include <sched.h>

#include <atomic>
#include <future>
#include <mutex>
#include <optional>
#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

bool happens(const auto& condition, std::chrono::seconds patience) {
  const auto deadline = Steady::now() + patience;
  while (!condition() && Steady::now() < deadline)
    std::this_thread::yield();
  return condition();
}

/// A thread in a network namespace of its own, which its sockets, threads and programs share.
class Island {
public:
  Island() : thread_([this] { run(); }) {}
  ~Island() {
    done_.set_value();
    thread_.join();
  }
  Island(const Island&) = delete;
  Island& operator=(const Island&) = delete;

  /// The thread's id, or nothing where a namespace is not to be had.
  std::optional<pid_t> made() { return made_.get_future().get(); }
  template <class Work>
  void call(Work work) {
    std::packaged_task<void()> task{std::move(work)};
    auto end = task.get_future();
    const std::lock_guard lock{mutex_};
    next_ = std::move(task);
    has_work_.test_and_set();
    has_work_.notify_one();
    end.get();
  }

private:
  void run() {
    const bool own = ::unshare(CLONE_NEWNET) == 0;
    made_.set_value(own ? std::optional{::gettid()} : std::nullopt);
    auto done = done_.get_future();
    while (done.wait_for(0s) != std::future_status::ready)
      if (has_work_.test()) {
        has_work_.clear();
        next_();
      } else {
        std::this_thread::yield();
      }
  }

  std::promise<std::optional<pid_t>> made_;
  std::promise<void> done_;
  std::mutex mutex_;
  std::atomic_flag has_work_{};
  std::packaged_task<void()> next_;
  std::thread thread_;  // last: it uses all of the above
};

bool ip(std::vector<std::string> words) {
  words.insert(words.begin(), "/usr/sbin/ip");
  return testing::run(words).exit == 0;
}

}  // namespace

TEST_CASE("a cut cable is noticed within seconds, and a mended one is joined over again [F116][F117]", "[remote]") {
  Island there;
  Island here;
  const auto other = here.made();
  if (!there.made() || !other || !std::filesystem::exists("/usr/sbin/ip")) {
    WARN("skipped: network namespaces need root and the ip command");
    return;
  }
  bool cabled = false;
  there.call([&] {
    cabled = ip({"link", "add", "cable0", "type", "veth", "peer", "name", "cable1", "netns", std::to_string(*other)}) &&
             ip({"addr", "add", "10.77.0.1/24", "dev", "cable0"}) && ip({"link", "set", "cable0", "up"});
  });
  here.call([&] {
    cabled = cabled && ip({"addr", "add", "10.77.0.2/24", "dev", "cable1"}) && ip({"link", "set", "cable1", "up"});
  });
  if (!cabled) {
    WARN("skipped: this kernel gives no veth pair");
    return;
  }
  const testing::Authority authority;
  const testing::Folder folder;
  std::optional<Engine> owner;
  std::optional<Engine> joined;
  there.call([&] {
    owner.emplace(EngineOptions{.threads = 1,
                                .initial = {Write::set("domain.count", 0)},
                                .attach = {.folder = folder.path() / ".theus"},
                                .remote = {.listen = "10.77.0.1:4711", .tls = authority.issue("a", "IP:10.77.0.1")}});
  });
  REQUIRE(owner->remote_handle().value() == "tls://10.77.0.1:4711");
  here.call([&] {
    joined.emplace(Engine::from_handle("tls://10.77.0.1:4711",
                                       {.threads = 1, .join = {.tls = authority.issue("b", "IP:10.77.0.2")}})
                       .value());
  });
  joined->compare_and_swap(joined->version(), {Write::set("domain.count", 1)}).value();
  CHECK(owner->state().get<int>("domain.count").value() == 1);

  // A large buffer is on its way when the cable is cut.
  const auto buffer = [&](std::uint64_t bytes) {
    return owner->heavy().alloc<std::uint8_t>({bytes}).value().publish().value();
  };
  const Value small = buffer(1000);
  const Value large = buffer(std::uint64_t{250} << 20);
  std::optional<HeavyView<std::uint8_t>> seen;
  here.call([&] { seen = joined->heavy().view<std::uint8_t>(small).value(); });
  auto fetching = std::async(std::launch::async, [&] { return joined->heavy().view<std::uint8_t>(large); });
  REQUIRE(happens([&] { return joined->heavy().statistics().bytes_fetched > 1000; }, 20s));

  there.call([&] { CHECK(ip({"link", "set", "cable0", "down"})); });
  const auto cut = Steady::now();
  REQUIRE(happens([&] { return !joined->owner()->is_up; }, 20s));
  const auto noticed = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - cut);
  INFO("noticed after " << noticed.count() << " ms");
  CHECK(noticed < 5s);
  REQUIRE(fetching.wait_for(5s) == std::future_status::ready);
  const auto fetched = fetching.get();
  REQUIRE_FALSE(fetched);
  CHECK(fetched.error().code() == Errc::owner_down);
  CHECK(seen->size() == 1000);
  CHECK(joined->compare_and_swap(joined->version(), {Write::set("domain.count", 2)}).error().code() ==
        Errc::owner_down);
  owner->compare_and_swap(owner->version(), {Write::set("domain.count", 3)}).value();

  there.call([&] { CHECK(ip({"link", "set", "cable0", "up"})); });
  REQUIRE(happens([&] { return joined->owner()->is_up && joined->owner()->joins == 2; }, 30s));
  CHECK(happens([&] { return joined->state().get<int>("domain.count").value() == 3; }, 30s));
  joined->compare_and_swap(joined->version(), {Write::set("domain.count", 4)}).value();
  CHECK(owner->state().get<int>("domain.count").value() == 4);
  here.call([&] { CHECK(joined->heavy().view<std::uint8_t>(small).ok()); });
  here.call([&] { joined.reset(); });
  there.call([&] { owner.reset(); });
}

}  // namespace theus

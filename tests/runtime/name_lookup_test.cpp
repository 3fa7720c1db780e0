#include "runtime/attach/name_lookup.hpp"

#include <theus/value.hpp>

#include <catch2/catch.hpp>

#include <atomic>
#include <condition_variable>
#include <future>
#include <mutex>

namespace theus {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

/// Name servers that do not answer until they are told to.
struct SilentServers {
  std::mutex mutex;
  std::condition_variable changed;
  bool do_answer = false;
  int asked = 0;
  int answered = 0;

  Resolver resolver() {
    return [this](const std::string&, const std::string&, Addresses&) {
      std::unique_lock lock{mutex};
      ++asked;
      changed.notify_all();
      changed.wait(lock, [&] { return do_answer; });
      ++answered;
      changed.notify_all();
      return EAI_AGAIN;
    };
  }
  /// Waits for all threads that use this.
  ~SilentServers() {
    std::unique_lock lock{mutex};
    do_answer = true;
    changed.notify_all();
    changed.wait(lock, [&] { return answered == asked; });
  }
};

}  // namespace

TEST_CASE("numeric addresses are found without asking, and names by the system", "[remote]") {
  CHECK(look_up_number("127.0.0.1", "80").ok());
  CHECK(look_up("::1", "80", Steady::time_point::min()).ok());
  CHECK(look_up_number("localhost", "80").error().code() == Errc::bad_argument);
  const auto found = look_up("localhost", "80", Steady::now() + 30s);
  REQUIRE(found.ok());
  CHECK((*found)->ai_socktype == SOCK_STREAM);
  const Resolver nowhere = [](const std::string&, const std::string&, Addresses&) { return EAI_NONAME; };
  CHECK(look_up("no.such.host", "80", Steady::now() + 30s, nowhere).error().code() == Errc::owner_down);
}

TEST_CASE("a name that the system does not find out is given up at the deadline, and named [F111]", "[remote]") {
  SilentServers servers;
  const auto begun = Steady::now();
  const auto found = look_up("shop.example", "1", begun + 50ms, servers.resolver());
  REQUIRE_FALSE(found);
  CHECK(found.error().code() == Errc::timeout);
  CHECK(*found.error().field("host") == Value{"shop.example"});
  CHECK(Steady::now() - begun < 20s);

  // Who asks again waits for the same lookup, and there are only so many.
  for (int again = 0; again < 20; ++again)
    CHECK(look_up("shop.example", "1", Steady::now(), servers.resolver()).error().code() == Errc::timeout);
  for (std::size_t i = 1; i < lookups_max; ++i)
    CHECK(look_up("shop" + std::to_string(i), "1", Steady::now(), servers.resolver()).error().code() == Errc::timeout);
  CHECK(look_up("one.too.many", "1", Steady::now() + 20s, servers.resolver()).error().code() == Errc::overloaded);
  {
    std::unique_lock lock{servers.mutex};
    REQUIRE(servers.changed.wait_for(lock, 20s, [&] { return servers.asked == static_cast<int>(lookups_max); }));
    CHECK(servers.asked == static_cast<int>(lookups_max));
  }
}

TEST_CASE("all who wait for one name get its address together", "[remote]") {
  std::promise<void> go;
  const auto released = go.get_future().share();
  std::atomic<int> asked{0};
  const Resolver resolver = [&asked, released](const std::string&, const std::string&, Addresses& found) {
    ++asked;
    released.wait();
    addrinfo* list = nullptr;
    const int failed = ::getaddrinfo("127.0.0.1", "7", nullptr, &list);
    found.reset(list);
    return failed;
  };
  CHECK(look_up("shared.example", "7", Steady::now(), resolver).error().code() == Errc::timeout);
  std::vector<std::future<bool>> waiting;
  for (int i = 0; i < 4; ++i)
    waiting.push_back(std::async(std::launch::async,
                                 [&] { return look_up("shared.example", "7", Steady::now() + 30s, resolver).ok(); }));
  go.set_value();
  // Whoever comes after it has ended looks it up anew.
  for (auto& each : waiting)
    CHECK(each.get());
  CHECK(asked >= 1);
}

}  // namespace theus

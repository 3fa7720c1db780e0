#include <theus/errors.hpp>
#include <theus/signal_hub.hpp>

#include <poll.h>

#include <atomic>
#include <optional>
#include <thread>

#include <catch2/catch.hpp>

namespace theus {
namespace {

using namespace std::chrono_literals;

// Runs jobs when told to.
struct Jobs {
  std::vector<std::function<void()>> waiting;

  SignalExecutor executor() {
    return [this](std::function<void()> job) { waiting.push_back(std::move(job)); };
  }
  void run() {
    for (auto& job : std::exchange(waiting, {}))
      job();
  }
};

// A coroutine that nobody waits for.
struct Detached {
  struct promise_type {
    Detached get_return_object() { return {}; }
    std::suspend_never initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

Detached sum_until_closed(SignalReceiver receiver, std::promise<std::int64_t> total) {
  std::int64_t sum = 0;
  while (const Received received = co_await receiver.recv_async())
    sum += received->payload.value().as_int();
  total.set_value(sum);
}

bool is_readable(int file) {
  pollfd asked{file, POLLIN, 0};
  return ::poll(&asked, 1, 0) == 1;
}

TEST_CASE("a future receives what is there and what comes", "[signal_hub]") {
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe();
  hub.send("n", 1);
  CHECK(receiver.recv_async().future().get().event().payload == Value{1});

  std::future<Received> later = receiver.recv_async().future();
  hub.send("n", 2);
  CHECK(later.get().event().payload == Value{2});

  std::future<Received> end = receiver.recv_async().future();
  hub.close();
  CHECK(end.get().is_closed());
}

TEST_CASE("a callback is called once, by its executor", "[signal_hub]") {
  Jobs jobs;
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe({.filter = "wanted"});
  std::vector<std::string> heard;
  const auto hear = [&](const Received& received) {
    heard.push_back(received->payload.value().get<std::string>().value());
  };

  receiver.recv_async(jobs.executor()).then(hear);
  CHECK_THROWS_AS(receiver.recv_async(jobs.executor()).then(hear), LogicError);
  jobs.run();
  hub.send("unwanted", "no");
  CHECK(jobs.waiting.empty());
  hub.send("wanted", "yes");
  hub.send("wanted", "later");
  CHECK(heard.empty());
  jobs.run();
  jobs.run();

  CHECK(heard == std::vector<std::string>{"yes"});
  CHECK(receiver.recv().event().payload == Value{"later"});
}

TEST_CASE("an executor that runs at once may receive again from its callback", "[signal_hub]") {
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe();
  const SignalExecutor at_once = [](const std::function<void()>& job) { job(); };
  std::int64_t sum = 0;
  std::function<void(Received)> hear = [&](const Received& received) {
    if (received.is_closed())
      return;
    sum += received->payload.value().as_int();
    receiver.recv_async(at_once).then(hear);
  };
  receiver.recv_async(at_once).then(hear);
  for (int i = 1; i <= 100; ++i)
    hub.send("n", i);
  hub.close();
  CHECK(sum == 5050);
}

TEST_CASE("a coroutine awaits one event after the other", "[signal_hub]") {
  SignalHub hub;
  std::promise<std::int64_t> total;
  auto sum = total.get_future();
  sum_until_closed(hub.subscribe(), std::move(total));
  for (int i = 1; i <= 500; ++i)
    hub.send("n", i);
  hub.close();
  CHECK(sum.get() == 500 * 501 / 2);
}

TEST_CASE("a receive whose receiver goes ends with closed [F97]", "[signal_hub][F97]") {
  SignalHub hub;
  auto receiver = std::make_unique<SignalReceiver>(hub.subscribe());
  std::future<Received> abandoned = receiver->recv_async().future();
  receiver.reset();
  CHECK(abandoned.get().is_closed());
  hub.send("n");
  CHECK(hub.statistics().subscribers.empty());
}

TEST_CASE("a coroutine that owns the last of its hub ends both [F97]", "[signal_hub][F97]") {
  std::promise<std::int64_t> total;
  auto sum = total.get_future();
  {
    SignalHub hub;
    sum_until_closed(hub.subscribe(), std::move(total));
    hub.send("n", 7);
  }
  CHECK(sum.get() == 7);
}

TEST_CASE("an eventfd is readable exactly while there is something to receive", "[signal_hub]") {
  SignalHub hub;
  SignalReceiver receiver = hub.subscribe({.filter = "wanted"});
  const int file = receiver.event_fd();
  CHECK(receiver.event_fd() == file);
  CHECK_FALSE(is_readable(file));
  hub.send("unwanted");
  CHECK_FALSE(is_readable(file));
  hub.send("wanted");
  hub.send("wanted");
  CHECK(is_readable(file));
  CHECK(receiver.try_recv().is_event());
  CHECK(is_readable(file));
  CHECK(receiver.try_recv().is_event());
  CHECK(receiver.try_recv().is_empty());
  CHECK_FALSE(is_readable(file));
  hub.send("wanted");
  SignalReceiver late = hub.subscribe({.from = SignalStart::last(1)});
  CHECK(is_readable(late.event_fd()));
  CHECK(receiver.recv(1ms).is_event());
  CHECK(receiver.recv(1ms).is_timeout());
  CHECK_FALSE(is_readable(file));
  hub.close();
  CHECK(is_readable(file));
  CHECK_THROWS_AS(receiver.recv_async().future(), LogicError);
}

TEST_CASE("no event is missed when senders race with those who are told", "[signal_hub]") {
  constexpr int count = 3000;
  SignalHub hub{count};
  SignalReceiver by_file = hub.subscribe();
  std::promise<std::int64_t> total;
  auto sum = total.get_future();
  sum_until_closed(hub.subscribe(), std::move(total));
  const int file = by_file.event_fd();
  std::thread sender{[&] {
    for (int i = 1; i <= count; ++i)
      hub.send("n", i);
    hub.close();
  }};
  std::int64_t seen = 0;
  for (bool is_open = true; is_open;) {
    pollfd asked{file, POLLIN, 0};
    ::poll(&asked, 1, -1);
    while (true) {
      const Received received = by_file.try_recv();
      is_open = !received.is_closed();
      if (!received)
        break;
      seen += received->payload.value().as_int();
    }
  }
  sender.join();
  CHECK(seen == std::int64_t{count} * (count + 1) / 2);
  CHECK(sum.get() == seen);
}

}  // namespace
}  // namespace theus

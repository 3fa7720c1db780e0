#include "benchmarks/hub_load.hpp"

#include <cstdio>
#include <stdexcept>
#include <string>

#include <fmt/core.h>
#include <zmq.h>
#include <boost/signals2.hpp>

namespace theus::bench {
namespace {

// ZeroMQ over inproc: one publisher socket per producer, no high-water mark, so that nothing is lost; paced, so that
// its queues stay as short as the others'.
class ZmqContext {
public:
  ZmqContext() : context_(zmq_ctx_new()) {}
  ~ZmqContext() { zmq_ctx_term(context_); }
  ZmqContext(const ZmqContext&) = delete;
  ZmqContext& operator=(const ZmqContext&) = delete;

  void* socket(int type) const {
    void* made = zmq_socket(context_, type);
    const int unlimited = 0;
    zmq_setsockopt(made, ZMQ_SNDHWM, &unlimited, sizeof unlimited);
    zmq_setsockopt(made, ZMQ_RCVHWM, &unlimited, sizeof unlimited);
    return made;
  }

private:
  void* context_;
};

std::string address_of(unsigned producer) { return fmt::format("inproc://producer{}", producer); }

double zeromq(const HubLoad& load) {
  const ZmqContext context;
  Pace pace{load.capacity, load.receivers};
  std::vector<void*> publishers, subscribers;
  for (unsigned id = 0; id < load.producers; ++id) {
    publishers.push_back(context.socket(ZMQ_PUB));
    zmq_bind(publishers.back(), address_of(id).c_str());
  }
  for (unsigned id = 0; id < load.receivers; ++id) {
    subscribers.push_back(context.socket(ZMQ_SUB));
    zmq_setsockopt(subscribers.back(), ZMQ_SUBSCRIBE, "", 0);
    for (unsigned producer = 0; producer < load.producers; ++producer)
      zmq_connect(subscribers.back(), address_of(producer).c_str());
  }
  const std::uint64_t all = load.events * load.producers;
  const double rate = deliveries_per_second(
      load,
      [&](unsigned id) {
        for (std::uint64_t number = 0; number < load.events; ++number) {
          if (number % Pace::chunk == 0)
            pace.before_chunk();
          const Words words = Words::of(number);
          zmq_send(publishers[id], &words, sizeof words, 0);
        }
      },
      [&](unsigned id) {
        for (std::uint64_t received = 0; received < all;) {
          Words words;
          if (zmq_recv(subscribers[id], &words, sizeof words, 0) != sizeof words)
            throw std::runtime_error("zeromq has lost a message");
          keep(words);
          pace.received(id, ++received);
        }
        return all;
      },
      [] {});
  for (void* socket : publishers)
    zmq_close(socket);
  for (void* socket : subscribers)
    zmq_close(socket);
  return rate;
}

// Half of the round trip between two threads that look all the time.
double zeromq_hot_ns(std::uint64_t events) {
  const ZmqContext context;
  void* here = context.socket(ZMQ_PAIR);
  void* there = context.socket(ZMQ_PAIR);
  zmq_bind(here, "inproc://hot");
  zmq_connect(there, "inproc://hot");
  const auto receive = [](void* socket, Words& words) {
    while (zmq_recv(socket, &words, sizeof words, ZMQ_DONTWAIT) < 0) {
    }
  };
  std::thread echo{[&] {
    for (std::uint64_t i = 0; i < events; ++i) {
      Words words;
      receive(there, words);
      zmq_send(there, &words, sizeof words, 0);
    }
  }};
  std::vector<double> times;
  for (std::uint64_t number = 0; number < events; ++number) {
    Words words = Words::of(number);
    const auto begin = std::chrono::steady_clock::now();
    zmq_send(here, &words, sizeof words, 0);
    receive(here, words);
    times.push_back(std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - begin).count() / 2);
  }
  echo.join();
  zmq_close(here);
  zmq_close(there);
  std::ranges::nth_element(times, times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2));
  return times[times.size() / 2];
}

// Signals2 calls its slots on the sender's thread: no hand-over at all, and no receiver's own time.
double signals2(const HubLoad& load) {
  boost::signals2::signal<void(const Words&)> signal;
  std::vector<std::uint64_t> received(load.receivers), sums(load.receivers);
  for (unsigned id = 0; id < load.receivers; ++id)
    signal.connect([&, id](const Words& words) {
      std::atomic_ref{received[id]}.fetch_add(1, std::memory_order_relaxed);
      keep(words);
    });
  HubLoad senders = load;
  senders.receivers = 0;
  const auto begin = std::chrono::steady_clock::now();
  deliveries_per_second(
      senders,
      [&](unsigned) {
        for (std::uint64_t number = 0; number < load.events; ++number)
          signal(Words::of(number));
      },
      [](unsigned) { return std::uint64_t{0}; }, [] {});
  std::uint64_t sum = 0;
  for (const std::uint64_t count : received)
    sum += count;
  return static_cast<double>(sum) / std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The figure that peers/tokio_broadcast prints for the same work.
double tokio(const HubLoad& load, const std::string& which, const char* mode) {
  const std::string line = fmt::format("{} {} {} {} {} {} {}", TOKIO_BROADCAST, which, mode, load.producers,
                                       load.receivers, load.events, load.capacity);
  FILE* output = ::popen(line.c_str(), "r");
  double figure = 0;
  const int read = output != nullptr ? std::fscanf(output, "%lf", &figure) : 0;
  if (output == nullptr || ::pclose(output) != 0 || read != 1)
    throw std::runtime_error("failed: " + line);
  return figure;
}

}  // namespace

void add_packaged_hub_peers(Case& subject, const HubLoad& load, const char* tokio_case) {
  const std::string which = tokio_case;
  if (which == "inline") {
    subject.optional_peer("tokio inline threads", [=] { return tokio(load, which, "threads"); });
    subject.optional_peer("tokio inline tasks", [=] { return tokio(load, which, "tasks"); });
    return;
  }
  subject.optional_peer("tokio threads", [=] { return tokio(load, which, "threads"); });
  if (which != "hot")
    subject.optional_peer("tokio tasks", [=] { return tokio(load, which, "tasks"); });
  if (which == "words") {
    subject.optional_peer("signals2", [=] { return signals2(shorter(load, 6)); });
    subject.optional_peer("zeromq", [=] { return zeromq(shorter(load, 6)); });
  }
  if (which == "hot")
    subject.optional_peer("zeromq", [=] { return zeromq_hot_ns(load.events / 4); });
  if (which == "heap") {
    subject.optional_peer("tokio inline threads", [=] { return tokio(load, "inline", "threads"); });
    subject.optional_peer("tokio inline tasks", [=] { return tokio(load, "inline", "tasks"); });
  }
}

}  // namespace theus::bench

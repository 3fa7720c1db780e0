#include "producer.hpp"

#include <theus/engine.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <deque>
#include <memory>
#include <thread>

#include "child.hpp"
#include "picture.hpp"

namespace {

using namespace std::chrono_literals;
using theus::Value;
using Clock = std::chrono::steady_clock;

constexpr std::size_t in_flight_max = 4;
constexpr auto patience = 20s;

/// A kind of work, the process that does it, and what came of it.
struct Consumer {
  std::string work;
  std::uint64_t (*expected)(std::uint64_t frame);
  std::unique_ptr<Child> process{};
  std::uint64_t seen = 0;
  std::uint64_t wrong = 0;
};

/// A frame that somebody has not looked at yet. As long as the handle is kept here the picture stays.
struct Frame {
  std::uint64_t number;
  Value handle;
  std::vector<std::string> waits_for;
};

class Producer {
public:
  Producer(const Production& production, theus::Engine& engine)
      : production_(production), engine_(engine), heard_(engine.signals().subscribe({.filter = "*"})) {}

  void run() {
    for (Consumer& consumer : consumers_)
      start(consumer);
    for (std::uint64_t number = 1; number <= production_.frames; ++number) {
      send(build(number));
      if (production_.kill_at == number)
        consumers_.front().process->kill();
      while (frames_.size() >= in_flight_max)
        listen();
    }
    while (!frames_.empty())
      listen();
    engine_.signals().send("frame");
    const auto deadline = Clock::now() + patience;
    while (!std::ranges::all_of(consumers_, [](Consumer& each) { return each.process->has_ended(); }) &&
           Clock::now() < deadline)
      std::this_thread::sleep_for(1ms);
  }

  const std::vector<Consumer>& consumers() const { return consumers_; }
  int restarts() const { return restarts_; }

private:
  // In place: what is drawn here is what the consumers see.
  Frame build(std::uint64_t number) {
    auto picture = engine_.heavy().alloc<std::uint8_t>({height, width}, "camera").value();
    draw(picture.span(), number);
    Frame frame{number, picture.publish().value(), {}};
    for (const Consumer& consumer : consumers_)
      frame.waits_for.push_back(consumer.work);
    return frame;
  }

  void send(Frame frame) {
    tell(frame);
    frames_.push_back(std::move(frame));
  }
  /// Names the picture without keeping it: the hub remembers its last thousand signals.
  void tell(const Frame& frame) {
    engine_.signals().send("frame", {{"number", frame.number}, {"image", Value::heavy(frame.handle.as_heavy())}});
  }

  /// Starts the consumer and waits until it listens.
  void start(Consumer& consumer) {
    consumer.process = std::make_unique<Child>(
        std::vector<std::string>{production_.program, "--consume", consumer.work, engine_.context_handle().value()});
    const auto deadline = Clock::now() + patience;
    for (bool is_ready = false; !is_ready;) {
      if (consumer.process->has_ended() || Clock::now() > deadline)
        throw std::runtime_error("the consumer for " + consumer.work + " did not begin");
      const theus::Received signal = heard_.recv(10ms);
      is_ready = signal.is_event() && signal->name == "ready" && signal->payload == Value{consumer.work};
      if (signal.is_event() && signal->name == "seen")
        take(signal->payload.value());
    }
  }

  /// Takes what consumers have found. One that has died is started again, and shown what it has not looked at.
  void listen() {
    const theus::Received signal = heard_.recv(10ms);
    if (signal.is_event() && signal->name == "seen")
      return take(signal->payload.value());
    if (!signal.is_timeout())
      return;
    for (Consumer& consumer : consumers_)
      if (consumer.process->has_ended()) {
        ++restarts_;
        start(consumer);
        for (const Frame& frame : frames_)
          tell(frame);
      }
  }

  void take(const Value& found) {
    const auto number = found["number"].get<std::uint64_t>().value();
    const auto frame = std::ranges::find(frames_, number, &Frame::number);
    const auto consumer = std::ranges::find(consumers_, found["by"].get<std::string>().value(), &Consumer::work);
    if (frame == frames_.end() || consumer == consumers_.end() ||
        std::erase(frame->waits_for, consumer->work) == 0)  // looked at twice, after another one's death
      return;
    ++consumer->seen;
    consumer->wrong += found["points"].get<std::uint64_t>().value() == consumer->expected(number) ? 0 : 1;
    std::erase_if(frames_, [](const Frame& each) { return each.waits_for.empty(); });
  }

  const Production& production_;
  theus::Engine& engine_;
  theus::SignalReceiver heard_;
  std::vector<Consumer> consumers_ = consumers_to_be();
  std::deque<Frame> frames_;
  int restarts_ = 0;

  static std::vector<Consumer> consumers_to_be() {
    std::vector<Consumer> all;
    all.push_back({"histogram", expected_white_points});
    all.push_back({"edges", expected_edge_points});
    return all;
  }
};

/// Leases that are left once the consumers have ended and that was noticed.
std::size_t leases_left(theus::Engine& engine) {
  const auto deadline = Clock::now() + patience;
  for (;;) {
    std::size_t leases = 0;
    for (const theus::HeavyHolder& holder : engine.heavy().holders(0ns))
      leases += holder.leases;
    if (leases == 0 || Clock::now() > deadline)
      return leases;
    std::this_thread::sleep_for(1ms);
  }
}

}  // namespace

int produce(const Production& production) {
  theus::EngineOptions options;
  options.attach.folder = production.folder;
  theus::Engine engine{options};
  Producer producer{production, engine};
  const auto begin = Clock::now();
  producer.run();
  const std::chrono::duration<double> passed = Clock::now() - begin;

  bool is_right = true;
  std::printf("%llu frames of %llu x %llu, %.0f frames/s\n", static_cast<unsigned long long>(production.frames),
              static_cast<unsigned long long>(width), static_cast<unsigned long long>(height),
              static_cast<double>(production.frames) / passed.count());
  for (const Consumer& consumer : producer.consumers()) {
    std::printf("%-9s looked at %llu, %llu wrong\n", consumer.work.c_str(),
                static_cast<unsigned long long>(consumer.seen), static_cast<unsigned long long>(consumer.wrong));
    is_right = is_right && consumer.seen == production.frames && consumer.wrong == 0;
  }
  const std::size_t leases = leases_left(engine);
  const theus::HeavyStatistics heavy = engine.heavy().statistics();
  std::printf("consumers started again: %d\nbytes copied: %llu\nleases left: %zu\nbuffers left: %llu\n",
              producer.restarts(), static_cast<unsigned long long>(heavy.bytes_copied), leases,
              static_cast<unsigned long long>(heavy.buffers));
  return is_right && leases == 0 && heavy.bytes_copied == 0 ? 0 : 1;
}

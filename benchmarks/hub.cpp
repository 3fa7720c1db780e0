#include "benchmarks/hub/actors.hpp"
#include "benchmarks/hub_load.hpp"

#include <theus/signal_hub.hpp>

#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>

namespace {

using namespace theus;
using namespace theus::bench;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int rounds = 9;
constexpr std::size_t batch_of_receives = 64;

// Ours ---------------------------------------------------------------------------------------------------------------

std::uint64_t number_in(std::span<const std::byte> bytes) {
  Words words;
  std::memcpy(&words, bytes.data(), sizeof words);
  return words.word[7];
}

std::uint64_t number_of(const EventView& event) { return number_in(event.payload().bytes()); }

// Reads what a program that hears of a temperature reads: the place and the value.
std::uint64_t reading_of(const EventView& event) {
  const PayloadView reading = event.payload();
  return event.name().size() + static_cast<std::uint64_t>(reading["id"].as_int()) +
         static_cast<std::uint64_t>(reading["celsius"].as_double());
}

// As the peer does that keeps name and bytes in place.
std::uint64_t packet_of(const EventView& event) {
  Packet packet;
  std::memcpy(&packet, event.payload().bytes().data(), sizeof packet);
  return packet.word[1] + (event.name().front() == 0 ? 1 : 0);
}

template <class Read>
std::uint64_t receive_all(SignalReceiver& receiver, std::uint64_t& lagged, const Read& read) {
  EventBatch batch{batch_of_receives};
  std::uint64_t received = 0, sum = 0;
  while (true) {
    if (receiver.recv_batch(batch, 1h)) {
      for (const EventView event : batch)
        sum += read(event);
      received += batch.size();
    } else if (batch.is_lagged()) {
      lagged += batch.lagged();
    } else {
      break;
    }
  }
  keep(sum);
  return received;
}

void send_words(SignalHub& hub, const SignalTopic& topic, const HubLoad& load, std::size_t batch) {
  if (batch == 1) {
    for (std::uint64_t number = 0; number < load.events; ++number) {
      const Words words = Words::of(number);
      hub.send(topic, std::as_bytes(std::span{&words, 1}));
    }
    return;
  }
  std::vector<Words> words(batch);
  for (std::uint64_t number = 0; number < load.events; number += batch) {
    for (std::size_t i = 0; i < batch; ++i)
      words[i] = Words::of(number + i);
    hub.send_batch(topic, std::as_bytes(std::span{words}), sizeof(Words));
  }
}

void send_readings(SignalHub& hub, const SignalTopic& topic, const HubLoad& load) {
  for (std::uint64_t number = 0; number < load.events; ++number)
    hub.send(topic, {{"id", number & 0xffffff}, {"ok", true}, {"unit", "C"}, {"celsius", 21.5}});
}

void send_packets(SignalHub& hub, const SignalTopic& topic, const HubLoad& load) {
  for (std::uint64_t number = 0; number < load.events; ++number) {
    const Packet packet = Packet::of(number);
    hub.send(topic, std::as_bytes(std::span{&packet, 1}));
  }
}

void send_all(SignalHub& hub, const SignalTopic& topic, const HubLoad& load, std::size_t batch) {
  if (load.structured)
    send_readings(hub, topic, load);
  else if (load.packet)
    send_packets(hub, topic, load);
  else
    send_words(hub, topic, load, batch);
}

double ours(const HubLoad& load, SignalOverflow overflow, std::size_t batch, double* lost = nullptr) {
  SignalHub hub{load.capacity};
  const SignalTopic topic = hub.topic(load.structured || load.packet ? "sensor.temperature" : "words");
  std::vector<SignalReceiver> receivers;
  for (unsigned i = 0; i < load.receivers; ++i)
    receivers.push_back(hub.subscribe({.overflow = overflow}));
  std::vector<std::uint64_t> lagged(load.receivers);
  const double rate = deliveries_per_second(
      load, [&](unsigned) { send_all(hub, topic, load, batch); },
      [&](unsigned id) {
        if (load.structured)
          return receive_all(receivers[id], lagged[id], reading_of);
        return load.packet ? receive_all(receivers[id], lagged[id], packet_of)
                           : receive_all(receivers[id], lagged[id], number_of);
      },
      [&] { hub.close(); });
  const auto published = static_cast<double>(load.events * load.producers);
  if (lost != nullptr)
    *lost = static_cast<double>(lagged[0]) / published;
  else if (lagged[0] != 0)
    throw std::runtime_error("a lossless case has lost events");
  return rate;
}

// A mutex and a condition variable around the same ring ---------------------------------------------------------------

class LockedRing {
public:
  LockedRing(std::size_t capacity, unsigned receivers) : slots_(capacity), cursors_(receivers) {}

  void send(const Words& words) {
    std::unique_lock lock{change_};
    room_.wait(lock, [&] { return tail_ - *std::ranges::min_element(cursors_) < slots_.size(); });
    slots_[tail_++ % slots_.size()] = words;
    lock.unlock();
    news_.notify_all();
  }
  bool receive(unsigned id, Words& words) {
    std::unique_lock lock{change_};
    news_.wait(lock, [&] { return cursors_[id] < tail_ || is_closed_; });
    if (cursors_[id] == tail_)
      return false;
    words = slots_[cursors_[id]++ % slots_.size()];
    if (tail_ - cursors_[id] == slots_.size() - 1)
      room_.notify_all();
    return true;
  }
  void close() {
    const std::lock_guard lock{change_};
    is_closed_ = true;
    news_.notify_all();
  }

private:
  std::mutex change_;
  std::condition_variable news_, room_;
  std::vector<Words> slots_;
  std::vector<std::uint64_t> cursors_;
  std::uint64_t tail_ = 0;
  bool is_closed_ = false;
};

double mutex_and_condition(const HubLoad& load) {
  LockedRing ring{load.capacity, load.receivers};
  return deliveries_per_second(
      load,
      [&](unsigned) {
        for (std::uint64_t number = 0; number < load.events; ++number)
          ring.send(Words::of(number));
      },
      [&](unsigned id) {
        std::uint64_t received = 0;
        for (Words words; ring.receive(id, words); ++received)
          keep(words);
        return received;
      },
      [&] { ring.close(); });
}

// Cases ---------------------------------------------------------------------------------------------------------------

void add_throughput(Program& program, const std::string& name, HubLoad load, std::size_t batch,
                    const char* tokio_case) {
  program.add(name, "deliveries/s", [=](Case& subject) {
    subject.rounds(rounds);
    subject.ours([=] { return ours(load, SignalOverflow::block(10s), batch); });
    if (!load.structured && !load.packet)
      subject.peer("mutex+cv", [=] { return mutex_and_condition(shorter(load, 4)); });
    add_packaged_hub_peers(subject, load, tokio_case);
  });
}

void actors_case(Case& subject, const HubLoad& load) {
  subject.rounds(rounds);
  subject.ours([=] { return actors_that_drain(load); });
  subject.peer("caf hub", [=] { return actors_with_a_message_each(shorter(load, 2)); });
  add_packaged_hub_peers(subject, load, "words");
}

void lossy(Case& subject) {
  const HubLoad load{.events = 4'000'000, .capacity = 1000};
  subject.rounds(rounds);
  subject.ours([=] {
    double lost = 0;
    return ours(load, SignalOverflow::drop_oldest(), 1, &lost);
  });
  add_packaged_hub_peers(subject, load, "lossy");
}

void loss(Case& subject) {
  subject.rounds(rounds);
  subject.ours([] {
    double lost = 0;
    ours({.events = 4'000'000, .capacity = 1000}, SignalOverflow::drop_oldest(), 1, &lost);
    return 100 * lost + 1e-9;
  });
}

double median(std::vector<double> values) {
  std::ranges::nth_element(values, values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2));
  return values[values.size() / 2];
}

// Half of the round trip between two threads that look all the time.
double hot_ns(std::uint64_t events) {
  SignalHub there{64U}, back{64U};
  const SignalTopic question = there.topic("question"), answer = back.topic("answer");
  SignalReceiver there_end = there.subscribe({.spin = 1h});
  SignalReceiver back_end = back.subscribe({.spin = 1h});
  std::thread echo{[&] {
    while (const Received received = there_end.recv())
      back.send(answer, received->payload.bytes());
  }};
  std::vector<double> times;
  for (std::uint64_t number = 0; number < events; ++number) {
    const Words words = Words::of(number);
    const auto begin = Clock::now();
    there.send(question, std::as_bytes(std::span{&words, 1}));
    if (!back_end.recv().is_event())
      throw std::runtime_error("an answer is missing");
    times.push_back(std::chrono::duration<double, std::nano>(Clock::now() - begin).count() / 2);
  }
  there.close();
  echo.join();
  return median(std::move(times));
}

// From the send to a receiver that sleeps.
double parked_ns(std::uint64_t events) {
  SignalHub hub{64U};
  const SignalTopic topic = hub.topic("words");
  SignalReceiver receiver = hub.subscribe({.spin = 0ns});
  const auto since = [](Clock::time_point epoch) { return static_cast<std::uint64_t>((Clock::now() - epoch) / 1ns); };
  const auto epoch = Clock::now();
  std::vector<double> times;
  std::thread listener{[&] {
    while (const Received received = receiver.recv())
      times.push_back(static_cast<double>(since(epoch) - number_in(received->payload.bytes())));
  }};
  for (std::uint64_t number = 0; number < events; ++number) {
    std::this_thread::sleep_for(300us);
    const Words words = Words::of(since(epoch));
    hub.send(topic, std::as_bytes(std::span{&words, 1}));
  }
  hub.close();
  listener.join();
  return median(std::move(times));
}

void latency_hot(Case& subject) {
  subject.rounds(rounds);
  subject.ours([] { return hot_ns(100'000); });
  add_packaged_hub_peers(subject, {.events = 100'000}, "hot");
}

void latency_parked(Case& subject) {
  subject.rounds(rounds);
  subject.ours([] { return parked_ns(400); });
  add_packaged_hub_peers(subject, {.events = 400}, "parked");
}

}  // namespace

#ifndef THEUS_BENCHMARK_PEERS
void theus::bench::add_packaged_hub_peers(Case&, const HubLoad&, const char*) {}
#endif

int main(int argc, char** argv) {
  Program program{"hub"};
  add_throughput(program, "64B 1->1", {.events = 4'194'304}, 1, "words");
  add_throughput(program, "64B 1->4", {.receivers = 4, .events = 2'097'152}, 1, "words");
  add_throughput(program, "64B 4->4", {.producers = 4, .receivers = 4, .events = 524'288}, 64, "words");
  add_throughput(program, "64B 1->16", {.receivers = 16, .events = 524'288}, 1, "words");
  add_throughput(program, "event 1->1", {.events = 2'097'152, .structured = true}, 1, "heap");
  add_throughput(program, "event 1->4", {.receivers = 4, .events = 1'048'576, .structured = true}, 1, "heap");
  add_throughput(program, "event 4->4", {.producers = 4, .receivers = 4, .events = 262'144, .structured = true}, 1,
                 "heap");
  add_throughput(program, "packet 1->1", {.events = 2'097'152, .packet = true}, 1, "inline");
  add_throughput(program, "packet 1->4", {.receivers = 4, .events = 1'048'576, .packet = true}, 1, "inline");
  add_throughput(program, "packet 4->4", {.producers = 4, .receivers = 4, .events = 262'144, .packet = true}, 1,
                 "inline");
  program.add("lossy 1->1", "deliveries/s", lossy);
  program.add("lossy 1->1 loss", "percent", loss);
  program.add("actors 1->1", "deliveries/s", [](Case& subject) { actors_case(subject, {.events = 2'097'152}); });
  program.add("actors 1->4", "deliveries/s",
              [](Case& subject) { actors_case(subject, {.receivers = 4, .events = 1'048'576}); });
  program.add("latency hot", "ns", latency_hot);
  program.add("latency parked", "ns", latency_parked);
  return program.run(argc, argv);
}

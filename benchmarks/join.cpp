#include "benchmarks/harness.hpp"

#include "runtime/child_process.hpp"
#include "shm/futex.hpp"

#include <theus/engine.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iostream>
#include <string_view>
#include <thread>

namespace {

using namespace theus;
using namespace theus::bench;
using Clock = std::chrono::steady_clock;

constexpr const char* owning = "--own";
constexpr const char* echoing = "--echo";
constexpr int calls = 2000;
constexpr std::size_t under_way_max = 256;
constexpr std::size_t pipelined_calls = 20'000;
constexpr std::uint64_t signals_sent = 4'000'000;
constexpr std::uint64_t signals_ahead_max = 32'768;
constexpr int keys = 1000;

double seconds_since(Clock::time_point begun) { return std::chrono::duration<double>(Clock::now() - begun).count(); }

Path key(int number) { return Path{"domain"}.key("key" + std::to_string(number)); }

EngineOptions with_long_hub() { return {.signal_capacity = 65'536}; }

void fill(Engine& engine) {
  std::vector<Write> writes;
  for (int i = 0; i < keys; ++i)
    writes.push_back(Write::set(key(i), i));
  engine.compare_and_swap(0, writes).value();
}

void register_count(Engine& engine) {
  engine
      .register_process({.name = "count",
                         .inputs = {"domain.count"},
                         .outputs = {"domain.count"},
                         .body = [](Context& ctx) { ctx.increment("domain.count", 1); }})
      .value();
}

/// A word in memory that two processes see.
template <class Words>
class SharedWords {
public:
  SharedWords() : file_(::memfd_create("theus-bench", MFD_CLOEXEC)) {
    if (::ftruncate(file_.number(), sizeof(Words)) != 0)
      std::abort();
    words_ = map(file_.number());
  }
  explicit SharedWords(int file) : words_(map(file)) {}
  ~SharedWords() { ::munmap(words_, sizeof(Words)); }
  SharedWords(const SharedWords&) = delete;
  SharedWords& operator=(const SharedWords&) = delete;

  Words* operator->() const noexcept { return words_; }
  Words& operator*() const noexcept { return *words_; }
  int file() const noexcept { return file_.number(); }

private:
  static Words* map(int memory) {
    void* at = ::mmap(nullptr, sizeof(Words), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    return at == MAP_FAILED ? (std::abort(), nullptr) : static_cast<Words*>(at);
  }

  Descriptor file_;
  Words* words_;
};

/// How many were heard, so that the sender stays that little ahead that none is lost.
struct Progress {
  alignas(64) std::atomic<std::uint64_t> heard;
};

/// 64 bytes each, and then one that tells the end. What is refused is sent again.
void send_signals(SignalHub& hub, const Progress& progress) {
  const SignalTopic topic = hub.topic("tick");
  const std::array<std::byte, 64> bytes{};
  std::uint64_t limit = signals_ahead_max;
  for (std::uint64_t i = 0; i < signals_sent; ++i) {
    while (i == limit) {
      limit = progress.heard.load(std::memory_order_relaxed) + signals_ahead_max;
      if (i == limit)
        std::this_thread::yield();
    }
    while (hub.send(topic, bytes) == 0)
      std::this_thread::yield();
  }
  while (hub.send("end") == 0)
    std::this_thread::yield();
}

/// Those that arrive before the end.
std::uint64_t hear_signals(SignalReceiver& receiver, Progress& progress) {
  EventBatch batch{EventBatch::capacity_max};
  for (std::uint64_t heard = 0;;) {
    receiver.recv_batch(batch, std::chrono::seconds{30});
    if (batch.is_lagged())
      continue;
    for (const EventView event : batch) {
      if (event.name() == "end")
        return heard;
      ++heard;
    }
    progress.heard.store(heard, std::memory_order_relaxed);
  }
}

constexpr int ticks_sent = 20'000;
constexpr std::chrono::microseconds tick_interval{10};

std::int64_t now_ns() { return std::chrono::nanoseconds{Clock::now().time_since_epoch()}.count(); }

/// Apart from each other, so that the receiver has looked in vain before each, each with the time when it was sent.
void send_ticks(SignalHub& hub) {
  const SignalTopic topic = hub.topic("tick");
  auto due = Clock::now();
  for (int i = 0; i < ticks_sent; ++i, due += tick_interval) {
    while (Clock::now() < due)
      ;
    const std::int64_t time = now_ns();
    hub.send(topic, std::as_bytes(std::span{&time, 1}));
  }
  hub.send("end");
}

/// How long they took, in nanoseconds, of two the one in the middle. The clock is the machine's.
double median_latency(SignalReceiver& receiver) {
  std::vector<double> took;
  while (true) {
    const Received received = receiver.recv(std::chrono::seconds{30});
    if (!received)
      continue;
    if (received->name == "end")
      break;
    std::int64_t sent = 0;
    std::memcpy(&sent, received->payload.bytes().data(), sizeof sent);
    took.push_back(static_cast<double>(now_ns() - sent));
  }
  std::ranges::nth_element(took, took.begin() + static_cast<std::ptrdiff_t>(took.size() / 2));
  return took[took.size() / 2];
}

/// The owner: tells its handle, and sends signals whenever `domain.sendings` or `domain.ticks` changes, until whoever
/// started it is gone.
int own(const std::filesystem::path& folder) {
  const SharedWords<Progress> progress{3};
  const pid_t starter = ::getppid();
  EngineOptions options = with_long_hub();
  options.attach.folder = folder;
  Engine engine{std::move(options)};
  fill(engine);
  std::cout << engine.context_handle().value() << std::endl;
  std::int64_t ticks = 0;
  for (Version since = engine.version(); ::getppid() == starter;)
    if (const auto changed =
            engine.wait_for_change({"domain.sendings", "domain.ticks"}, since, std::chrono::seconds{1})) {
      since = *changed;
      const std::int64_t ticks_now = engine.state().get<std::int64_t>("domain.ticks").value_or(0);
      const bool wants_ticks = std::exchange(ticks, ticks_now) != ticks_now;
      wants_ticks ? send_ticks(engine.signals()) : send_signals(engine.signals(), *progress);
    }
  return 0;
}

std::string first_line(int from) {
  std::string line;
  for (char letter = 0; ::read(from, &letter, 1) == 1 && letter != '\n';)
    line += letter;
  return line;
}

/// An owner in a process of its own, and an engine here that has joined it.
class Pair {
public:
  Pair() {
    std::string folder = (std::filesystem::temp_directory_path() / "theus-bench-XXXXXX").string();
    if (::mkdtemp(folder.data()) == nullptr)
      std::abort();
    folder_ = folder;
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0)
      std::abort();
    const Descriptor from{ends[0]};
    const Descriptor to{ends[1]};
    owner_.emplace(
        ChildProcess::start(
            {.command = {"/proc/self/exe", owning, folder}, .descriptors = {progress_.file()}, .output = to.number()})
            .value());
    joined_.emplace(Engine::from_handle(first_line(from.number()), with_long_hub()).value());
    register_count(*joined_);
  }
  ~Pair() {
    joined_.reset();
    owner_.reset();
    std::filesystem::remove_all(folder_);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  Engine& joined() { return *joined_; }
  Progress& progress() { return *progress_; }

private:
  SharedWords<Progress> progress_;
  std::filesystem::path folder_;
  std::optional<ChildProcess> owner_;
  std::optional<Engine> joined_;
};

std::shared_ptr<Engine> engine_here() {
  auto engine = std::make_shared<Engine>(with_long_hub());
  fill(*engine);
  register_count(*engine);
  return engine;
}

void swap_once(Engine& engine) {
  static std::int64_t number = 0;
  engine.compare_and_swap(engine.version(), {Write::set(key(7), ++number)}).value();
}

/// Two words that two processes see, each woken by the other: the least that an answer from a sleeping process takes.
class FutexEcho {
public:
  FutexEcho() {
    child_.emplace(
        ChildProcess::start({.command = {"/proc/self/exe", echoing}, .descriptors = {words_.file()}}).value());
  }

  void round_trip() {
    const std::uint32_t number = words_->asked.fetch_add(1) + 1;
    shm::wake_all(words_->asked);
    for (std::uint32_t seen = 0; (seen = words_->answered.load()) != number;)
      shm::wait_on(words_->answered, seen, std::chrono::seconds{1});
  }

  static int echo(int memory) {
    const SharedWords<Words> shared{memory};
    Words& words = *shared;
    const pid_t starter = ::getppid();
    for (std::uint32_t done = 0; ::getppid() == starter;) {
      shm::wait_on(words.asked, done, std::chrono::seconds{1});
      if (const std::uint32_t asked = words.asked.load(); asked != done) {
        words.answered.store(done = asked);
        shm::wake_all(words.answered);
      }
    }
    return 0;
  }

private:
  struct Words {
    alignas(64) std::atomic<std::uint32_t> asked;
    alignas(64) std::atomic<std::uint32_t> answered;
  };

  SharedWords<Words> words_;
  std::optional<ChildProcess> child_;
};

// One swap after the other, each of which finds both processes asleep.
void parked_commit(Case& subject) {
  subject.ours(
      [pair = std::make_shared<Pair>()] { return median_microseconds(calls, [&] { swap_once(pair->joined()); }); });
  subject.peer("futex there and back", [echo = std::make_shared<FutexEcho>()] {
    return median_microseconds(calls, [&] { echo->round_trip(); });
  });
  subject.peer("in process",
               [engine = engine_here()] { return median_microseconds(calls, [&] { swap_once(*engine); }); });
}

double commits_per_second(Engine& engine) {
  std::deque<PendingExecution> under_way;
  const auto begun = Clock::now();
  for (std::size_t i = 0; i < pipelined_calls; ++i) {
    if (under_way.size() == under_way_max) {
      under_way.front().get().value();
      under_way.pop_front();
    }
    under_way.push_back(engine.execute_async("count"));
  }
  for (PendingExecution& each : under_way)
    each.get().value();
  return static_cast<double>(pipelined_calls) / seconds_since(begun);
}

// Executions with a commit each, 256 at a time.
void pipelined_commits(Case& subject) {
  subject.ours([pair = std::make_shared<Pair>()] { return commits_per_second(pair->joined()); });
  subject.peer("in process", [engine = engine_here()] { return commits_per_second(*engine); });
}

double reads_per_second(const Engine& engine) {
  const Path path = key(7);
  return per_second([&] { keep(engine.state().get<std::int64_t>(path).value()); });
}

// The newest state and one key of it.
void reads(Case& subject) {
  subject.ours([pair = std::make_shared<Pair>()] { return reads_per_second(pair->joined()); });
  subject.peer("in the owner", [engine = engine_here()] { return reads_per_second(*engine); });
}

/// What arrives in a second of what `send` has sent.
double heard_per_second(Engine& engine, Progress& progress, const std::function<void()>& send) {
  progress.heard = 0;
  SignalReceiver receiver = engine.signals().subscribe();
  const auto begun = Clock::now();
  std::thread sender{send};
  const std::uint64_t heard = hear_signals(receiver, progress);
  sender.join();
  return static_cast<double>(heard) / seconds_since(begun);
}

void add_hub_peer(Case& subject) {
  subject.peer("in process", [engine = engine_here(), progress = std::make_shared<Progress>()] {
    return heard_per_second(*engine, *progress, [&] { send_signals(engine->signals(), *progress); });
  });
}

// 64 bytes each, from the owner to a process that joined it; none is lost.
void signals_from_the_owner(Case& subject) {
  subject.ours([pair = std::make_shared<Pair>()] {
    Engine& engine = pair->joined();
    return heard_per_second(engine, pair->progress(), [&] {
      engine.compare_and_swap(engine.version(), {Write::increment("domain.sendings", 1)}).value();
    });
  });
  add_hub_peer(subject);
}

// The same sent here, which arrives here by way of the owner's hub.
void signals_there_and_back(Case& subject) {
  subject.ours([pair = std::make_shared<Pair>()] {
    Engine& engine = pair->joined();
    return heard_per_second(engine, pair->progress(), [&] { send_signals(engine.signals(), pair->progress()); });
  });
  add_hub_peer(subject);
}

double latency(Engine& engine, const std::function<void()>& send) {
  SignalReceiver receiver = engine.signals().subscribe();
  std::thread sender{send};
  const double took = median_latency(receiver);
  sender.join();
  return took;
}

// From the send in the owner until a receiver here has it, which looks for it all the time.
void hot_latency(Case& subject) {
  subject.ours([pair = std::make_shared<Pair>()] {
    Engine& engine = pair->joined();
    return latency(engine,
                   [&] { engine.compare_and_swap(engine.version(), {Write::increment("domain.ticks", 1)}).value(); });
  });
  subject.peer("in process",
               [engine = engine_here()] { return latency(*engine, [&] { send_ticks(engine->signals()); }); });
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 2 && std::string_view{argv[1]} == owning)
    return own(argv[2]);
  if (argc > 1 && std::string_view{argv[1]} == echoing)
    return FutexEcho::echo(3);
  Program program{"join"};
  program.add("parked commit", "us p50", parked_commit);
  program.add("pipelined commits", "commits/s", pipelined_commits);
  program.add("reads", "reads/s", reads);
  program.add("signals from the owner", "signals/s", signals_from_the_owner);
  program.add("signals there and back", "signals/s", signals_there_and_back);
  program.add("hot signal", "ns p50", hot_latency);
  return program.run(argc, argv);
}

// Commits that are on the disk before they are answered. Each client swaps a number of its own; the peer "raw
// fdatasync" is the least that a single writer can do for as many bytes: append them to a file and sync it. Figures of
// one disk differ by the hour: only the ratio of one run means something.

#include "benchmarks/journal.hpp"

#include "benchmarks/contention.hpp"
#include "benchmarks/peers/temporary_folder.hpp"

#include <theus/engine.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <deque>
#include <future>
#include <memory>
#include <system_error>

namespace theus::bench {
namespace {

// Of one of the records below, link included.
constexpr std::size_t record_bytes = 116;
constexpr std::chrono::milliseconds round_span{1000};
constexpr int rounds = 7;
constexpr std::size_t in_flight = 4096;

void register_count(Engine& engine) {
  engine
      .register_process({.name = "count",
                         .outputs = {"domain.count"},
                         .body = [](Context& ctx) { ctx.increment("domain.count", 1); }})
      .value();
}

class JournalledEngine {
public:
  explicit JournalledEngine(Durability level = Durability::disk)
      : engine(std::make_unique<Engine>(EngineOptions{.journal = {.path = path(), .level = level}})) {
    register_count(*engine);
  }

  std::filesystem::path path() const { return folder_.path() / "state.journal"; }

private:
  TemporaryFolder folder_;

public:
  std::unique_ptr<Engine> engine;
};

class RawFile {
public:
  RawFile() : file_(::open((folder_.path() / "raw").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600)) {}
  ~RawFile() { ::close(file_); }
  RawFile(const RawFile&) = delete;
  RawFile& operator=(const RawFile&) = delete;

  void append() {
    const std::array<char, record_bytes> record{};
    if (::write(file_, record.data(), record.size()) != static_cast<ssize_t>(record.size()) || ::fdatasync(file_) != 0)
      throw std::system_error(errno, std::generic_category(), "raw file");
  }

private:
  TemporaryFolder folder_;
  int file_;
};

Measure raw() {
  return [file = std::make_shared<RawFile>()] { return per_second([&] { file->append(); }, round_span); };
}

double swaps(Engine& engine, unsigned clients) {
  return contest(
             clients,
             [&](unsigned client) {
               const Path path{"domain.counters.client" + std::to_string(client)};
               return [&, known = engine.version(), write = Write::set(path, 0)]() mutable {
                 write.value = static_cast<std::int64_t>(known) + 1;
                 known = engine.compare_and_swap(known, {&write, 1}).value();
                 return true;
               };
             },
             round_span)
      .successes_per_second();
}

void clients(Case& subject, unsigned count) {
  subject.rounds(rounds);
  subject.ours([ours = std::make_shared<JournalledEngine>(), count] { return swaps(*ours->engine, count); });
  subject.peer("raw fdatasync", raw());
#ifdef THEUS_BENCHMARK_PEERS
  add_packaged_journal_peers(subject, count);
#endif
}

// One client that goes on while the disk is behind, by so many commits at most.
double pipelined_swaps(Engine& engine) {
  Write write = Write::set("domain.counters.client", 0);
  const Version first = engine.version();
  Version known = first;
  const auto begun = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() < begun + round_span) {
    for (std::size_t i = 0; i < in_flight / 2; ++i) {
      write.value = static_cast<std::int64_t>(known);
      known = engine.compare_and_swap(known, {&write, 1}).value();
    }
    engine.wait_durable(known > first + in_flight / 2 ? known - in_flight / 2 : first).value();
  }
  engine.wait_durable(known).value();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  return static_cast<double>(known - first) / took.count();
}

void pipelined(Case& subject) {
  subject.rounds(rounds);
  subject.ours(
      [ours = std::make_shared<JournalledEngine>(Durability::disk_async)] { return pipelined_swaps(*ours->engine); });
  subject.peer("raw fdatasync", raw());
}

double pipelined_calls(Engine& engine) {
  std::deque<std::future<Result<Executed>>> waiting;
  const double rate = per_second(
      [&] {
        if (waiting.size() == in_flight) {
          waiting.front().get().value();
          waiting.pop_front();
        }
        waiting.push_back(engine.execute_async("count").future());
      },
      round_span);
  for (auto& each : waiting)
    each.get().value();
  return rate;
}

// As many calls of a process under way at once, each answered once it is on the disk; and the same without a journal.
void pipelined_calls_with_and_without(Case& subject) {
  subject.rounds(rounds);
  subject.ours([ours = std::make_shared<JournalledEngine>()] { return pipelined_calls(*ours->engine); });
  auto bare = std::make_shared<Engine>();
  register_count(*bare);
  subject.peer("no journal", [bare] { return pipelined_calls(*bare); });
}

// How many commits per second a start gets through, from records alone. Of larger ones SQLite keeps the rest on pages
// of their own.
void recovery(Case& subject, std::int64_t commits, std::size_t text_bytes) {
  auto ours = std::make_shared<JournalledEngine>(Durability::disk_async);
  Write write = Write::set("domain.counters.client", 0);
  for (std::int64_t i = 0; i < commits; ++i) {
    write.value = text_bytes == 0 ? Value{i} : Value{std::to_string(i).append(text_bytes, '.')};
    ours->engine->compare_and_swap(static_cast<Version>(i), {&write, 1}).value();
  }
  ours->engine.reset();
  subject.ours([ours] {
    const Engine engine{{.journal = {.path = ours->path(), .checkpoint_interval = 1U << 30}}};
    const Recovery found = engine.recovery().value();
    return static_cast<double>(found.commits) / std::chrono::duration<double>(found.took).count();
  });
}

}  // namespace
}  // namespace theus::bench

int main(int argc, char** argv) {
  using namespace theus::bench;
  Program program{"journal"};
  program.add("1 client", "commits/s", [](Case& subject) { clients(subject, 1); });
  program.add("8 clients", "commits/s", [](Case& subject) { clients(subject, 8); });
  program.add("pipelined", "commits/s", pipelined);
  program.add("pipelined calls", "commits/s", pipelined_calls_with_and_without);
  program.add("recovery", "commits/s", [](Case& subject) { recovery(subject, 1'000'000, 0); });
  program.add("recovery of 2 KB records", "commits/s", [](Case& subject) { recovery(subject, 100'000, 2'000); });
  return program.run(argc, argv);
}

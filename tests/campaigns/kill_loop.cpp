// kill_loop FOLDER CYCLES SEED: a program that commits to a journal through all doors of an engine is killed again and
// again, at random moments, also while it starts, moves its log or makes a checkpoint. What it was told before is kept
// outside of it, and compared with what its next life finds.
//
// Goes on where it was ended: FOLDER/progress has what was acknowledged. Prints counts; ends with 1 at the first commit
// that is lost, there twice, or answered differently when it is repeated.

#include <theus/engine.hpp>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace theus;
using Number = std::uint64_t;
using Clock = std::chrono::steady_clock;

constexpr std::size_t clients = 4;  // each at a door of its own; they repeat what was not answered
constexpr std::size_t rounds = 4;   // the place of the agents' rounds among the doors
constexpr std::size_t doors = 5;
constexpr int commits_before_clean_end = 20;
constexpr int clean_end_one_in = 8;
constexpr std::chrono::seconds watchdog{60};
constexpr std::chrono::milliseconds look_interval{500};

/// What a door was told: its newest commit, and the version that this expected; and what it has asked for since.
struct Told {
  Number acknowledged = 0;
  Version version = 0;
  Version before = 0;
  Number asked = 0;
  Version expected = 0;
  bool is_heard = false;  ///< by this killer; what an earlier one was told last may be missing
};
using Memory = std::array<Told, doors>;

/// One life of the program. Says what it does on a pipe, a line each:
///   found DOOR LAST COUNT   opened VERSION COMMITS   asks DOOR NUMBER EXPECTED   told DOOR NUMBER VERSION
///   repeated DOOR NUMBER VERSION   failed TEXT
class Life {
public:
  Life(const std::filesystem::path& folder, int out, const Memory& memory, bool ends_cleanly)
      : out_(out),
        memory_(memory),
        ends_cleanly_(ends_cleanly),
        engine_{{.threads = 1,
                 .log = [](const LogEntry&) {},
                 .journal = {.path = folder / "state.journal", .checkpoint_interval = 40, .history_min = 60}}} {}

  void run() {
    tell_what_is_there();
    engine_
        .register_process({.name = "step",
                           .inputs = {"domain"},
                           .outputs = {"domain"},
                           .arguments = {"door", "number"},
                           .body =
                               [](Context& ctx) {
                                 const Path door = path_of(ctx.argument<std::size_t>("door"));
                                 ctx.set(door.key("last"), ctx.argument<std::int64_t>("number"));
                                 ctx.set(door.key("count"), ctx.get<std::int64_t>(door.key("count"), 0) + 1);
                               }})
        .value();
    for (const std::string name : {"last", "count"})
      engine_
          .spawn_agent({.name = name,
                        .reads = {"domain"},
                        .writes = {path_of(rounds).key(name).text()},
                        .body =
                            [name](Context& ctx) {
                              const Path own = path_of(rounds).key(name);
                              ctx.set(own, ctx.get<std::int64_t>(own, 0) + 1);
                            }})
          .value();
    std::vector<std::thread> threads;
    for (std::size_t door = 0; door < doors; ++door)
      threads.emplace_back([this, door] { use(door); });
    for (std::thread& thread : threads)
      thread.join();
    engine_.shutdown(watchdog).value();
  }

private:
  static Path path_of(std::size_t door) { return Path{"domain"}.key("door" + std::to_string(door)); }

  void say(const std::string& line) const {
    const std::string whole = line + "\n";
    if (::write(out_, whole.data(), whole.size()) != static_cast<ssize_t>(whole.size()))
      std::_Exit(3);
  }

  void tell_what_is_there() {
    const Snapshot state = engine_.state();
    Number commits = 0;
    for (std::size_t door = 0; door < doors; ++door) {
      const auto last = state.get<std::int64_t>(path_of(door).key("last"), 0).value();
      const auto count = state.get<std::int64_t>(path_of(door).key("count"), 0).value();
      commits += static_cast<Number>(count);
      last_[door] = static_cast<Number>(last);
      say("found " + std::to_string(door) + " " + std::to_string(last) + " " + std::to_string(count));
    }
    say("opened " + std::to_string(state.version()) + " " + std::to_string(commits));
  }

  Result<Version> commit(std::size_t door, Number number, Version expected) {
    const std::string id = std::to_string(door) + "." + std::to_string(number);
    const Path path = path_of(door);
    const auto value = static_cast<std::int64_t>(number);
    if (door == 0)
      return engine_.compare_and_swap(
          expected, {Write::set(path.key("last"), value), Write::increment(path.key("count"), 1)}, {.request_id = id});
    if (door == 1)
      return engine_.transaction(
          [&](Transaction& transaction) -> Status {
            const auto count = transaction.get<std::int64_t>(path.key("count"), 0);
            if (!count)
              return count.error();
            if (auto set = transaction.set(path.key("last"), value); !set)
              return set;
            return transaction.set(path.key("count"), *count + 1);
          },
          {.request_id = id});
    if (door == rounds) {
      const auto round = engine_.round();
      return round ? Result<Version>{round->version} : Result<Version>{round.error()};
    }
    const Value arguments{{"door", static_cast<std::int64_t>(door)}, {"number", value}};
    const auto executed = door == 2 ? engine_.execute("step", arguments, {.request_id = id})
                                    : engine_.execute_async("step", arguments, {.request_id = id}).future().get();
    return executed ? Result<Version>{executed->version} : Result<Version>{executed.error()};
  }

  void use(std::size_t door) {
    const Told& told = memory_[door];
    const bool remembers = told.is_heard && door < clients;
    Number number = remembers ? told.acknowledged : last_[door];
    Version expected = told.asked > told.acknowledged ? told.expected : told.version;
    if (remembers && number > 0)
      say("repeated", door, number, commit(door, number, told.before));
    for (int left = commits_before_clean_end; left > 0 || !ends_cleanly_; --left) {
      ++number;
      for (;;) {
        say("asks " + std::to_string(door) + " " + std::to_string(number) + " " + std::to_string(expected));
        const auto version = commit(door, number, expected);
        expected = version.value_or(engine_.version());
        // What a checkpoint brought back has the checkpoint's version, so an older one is refused.
        if (!version && version.error().code() == Errc::version_mismatch)
          continue;
        say("told", door, number, version);
        break;
      }
    }
  }

  void say(const std::string& what, std::size_t door, Number number, const Result<Version>& version) const {
    say(version ? what + " " + std::to_string(door) + " " + std::to_string(number) + " " + std::to_string(*version)
                : "failed " + version.error().text());
  }

  const int out_;
  const Memory& memory_;
  const bool ends_cleanly_;
  std::array<Number, doors> last_{};
  Engine engine_;
};

struct Counts {
  Number cycles = 0;
  Number acknowledged = 0;
  Number found_unanswered = 0;
  Number repeated = 0;
  Number killed_while_starting = 0;
  Number clean_ends = 0;
};

/// The one who kills, and remembers.
class Killer {
public:
  Killer(std::filesystem::path folder, unsigned seed) : folder_(std::move(folder)), random_(seed) {
    std::filesystem::create_directories(folder_);
    std::ifstream progress{folder_ / "progress"};
    progress >> counts_.cycles >> counts_.acknowledged >> counts_.found_unanswered >> counts_.repeated >>
        counts_.killed_while_starting >> counts_.clean_ends;
    for (Told& told : memory_)
      progress >> told.acknowledged >> told.version >> told.before >> told.asked >> told.expected;
    for (Told& told : memory_)
      told.is_heard = counts_.cycles == 0;
  }

  bool run(Number cycles) {
    while (counts_.cycles < cycles && fault_.empty()) {
      cycle();
      ++counts_.cycles;
      if (fault_.empty())
        save();
      if (counts_.cycles % 1000 == 0)
        print();
    }
    print();
    return fault_.empty();
  }

private:
  void cycle() {
    const bool ends_cleanly = random_() % clean_end_one_in == 0;
    int ends[2];
    if (::pipe(ends) != 0)
      std::abort();
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::close(ends[0]);
      if (::getppid() != parent)
        std::_Exit(2);
      live(ends[1], ends_cleanly);
    }
    ::close(ends[1]);
    is_open_ = false;
    patience_ = watchdog;
    auto begun = Clock::now();
    // One in four perhaps while it starts, the others at work.
    bool waits_for_start = random_() % 4 != 0;
    const std::chrono::microseconds wait{random_() % (random_() % 8 == 0 ? 120'000 : 30'000)};
    bool is_over = false;
    while (!is_over && fault_.empty()) {
      const bool is_timed = !ends_cleanly && !waits_for_start;
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(begun + wait - Clock::now());
      if (!(is_timed ? left.count() > 0 && says_more_within(left, ends[0]) : says_more(ends[0])))
        break;
      is_over = !read_more(ends[0]);
      if (is_open_ && std::exchange(waits_for_start, false))
        begun = Clock::now();
    }
    if ((ends_cleanly || waits_for_start) && !is_over && fault_.empty())
      fault_ = "it does not end";
    ::kill(child, SIGKILL);
    while (read_more(ends[0])) {
    }
    ::close(ends[0]);
    int status = 0;
    ::waitpid(child, &status, 0);
    text_.clear();
    counts_.clean_ends += ends_cleanly ? 1 : 0;
    counts_.killed_while_starting += is_open_ ? 0 : 1;
    if (ends_cleanly && fault_.empty() && (!WIFEXITED(status) || WEXITSTATUS(status) != 0))
      fault_ = "it ended with status " + std::to_string(status);
    if (!ends_cleanly && fault_.empty() && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
      fault_ = "it ended by itself with status " + std::to_string(status);
  }

  [[noreturn]] void live(int out, bool ends_cleanly) {
    try {
      Life life{folder_, out, memory_, ends_cleanly};
      life.run();
    } catch (const std::exception& error) {
      const std::string text = std::string{"failed "} + error.what() + "\n";
      (void)!::write(out, text.data(), text.size());
      std::_Exit(1);
    }
    std::_Exit(0);
  }

  static bool says_more_within(std::chrono::milliseconds time, int from) {
    pollfd waiting{from, POLLIN, 0};
    return ::poll(&waiting, 1, static_cast<int>(time.count())) > 0;
  }

  /// Waits as long as there is patience. Of the time between two looks only so much counts as they are apart: when the
  /// killer, too, had to stand still, as on a machine that was suspended, that says nothing about the one it waits for.
  bool says_more(int from) {
    while (patience_.count() > 0) {
      const auto begun = Clock::now();
      const bool is_more = says_more_within(look_interval, from);
      patience_ -= std::min<Clock::duration>(Clock::now() - begun, look_interval);
      if (is_more)
        return true;
    }
    return false;
  }

  bool read_more(int from) {
    std::array<char, 4096> bytes;
    const ssize_t got = ::read(from, bytes.data(), bytes.size());
    if (got <= 0)
      return false;
    text_.append(bytes.data(), static_cast<std::size_t>(got));
    std::size_t at = 0;
    for (std::size_t end = 0; (end = text_.find('\n', at)) != std::string::npos; at = end + 1)
      hear(text_.substr(at, end - at));
    text_.erase(0, at);
    return true;
  }

  void hear(const std::string& line) {
    std::istringstream words{line};
    std::string what;
    Number first = 0;
    Number second = 0;
    Number third = 0;
    words >> what >> first >> second >> third;
    const auto check = [&](bool holds, const char* rule) {
      if (!holds && fault_.empty())
        fault_ = std::string{rule} + ": " + line;
    };
    check(what != "failed", "a call failed");
    if (what == "opened") {
      is_open_ = true;
      return check(first == second, "versions and commits differ in number");
    }
    Told& told = memory_[first % doors];
    if (what == "found") {
      check(second == third, "a commit is there twice or by half");
      check(second >= told.acknowledged, ("acknowledged and lost, " + std::to_string(told.acknowledged)).c_str());
      check(second <= told.asked || !told.is_heard, "nobody asked for it");
      counts_.found_unanswered += second > told.acknowledged ? 1 : 0;
    } else if (what == "asks") {
      told.asked = second;
      told.expected = third;
    } else if (what == "repeated") {
      ++counts_.repeated;
      check(third == told.version, ("answered differently, before " + std::to_string(told.version)).c_str());
    } else if (what == "told") {
      check(third > told.version, "a version that was there before");
      told.acknowledged = second;
      told.version = third;
      told.before = told.expected;
      told.is_heard = true;
      ++counts_.acknowledged;
    }
  }

  void save() const {
    const auto next = folder_ / "progress.next";
    {
      std::ofstream file{next};
      file << counts_.cycles << ' ' << counts_.acknowledged << ' ' << counts_.found_unanswered << ' '
           << counts_.repeated << ' ' << counts_.killed_while_starting << ' ' << counts_.clean_ends << '\n';
      for (const Told& told : memory_)
        file << told.acknowledged << ' ' << told.version << ' ' << told.before << ' ' << told.asked << ' '
             << told.expected << '\n';
    }
    std::filesystem::rename(next, folder_ / "progress");
  }

  void print() const {
    std::cout << "cycles " << counts_.cycles << ", acknowledged " << counts_.acknowledged << ", repeated "
              << counts_.repeated << ", found though unanswered " << counts_.found_unanswered
              << ", killed while starting " << counts_.killed_while_starting << ", clean ends " << counts_.clean_ends
              << ", " << (fault_.empty() ? "lost 0, twice 0" : "FAULT " + fault_) << std::endl;
  }

  const std::filesystem::path folder_;
  std::mt19937 random_;
  Memory memory_{};
  Counts counts_;
  bool is_open_ = false;
  Clock::duration patience_{};  // left for the life that is to start or to end
  std::string text_;
  std::string fault_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::cerr << "kill_loop FOLDER CYCLES SEED\n";
    return 2;
  }
  Killer killer{arguments[1], static_cast<unsigned>(std::strtoul(arguments[3], nullptr, 10))};
  return killer.run(std::strtoull(arguments[2], nullptr, 10)) ? 0 : 1;
}

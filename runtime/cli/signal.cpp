#include <theus/escape.hpp>
#include <theus/json.hpp>

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include "runtime/cli/attachment.hpp"
#include "runtime/cli/command.hpp"
#include "runtime/cli/interrupts.hpp"
#include "runtime/cli/json_argument.hpp"

namespace theus::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::milliseconds;

struct SendCommand {
  std::string name;
  std::string payload = "null";
  std::string handle;
};

Result<Report> send(const SendCommand& options, const Session&) {
  auto engine = attach(options.handle);
  if (!engine)
    return engine.error();
  const auto sequence = engine->send_signal(options.name, json_or_word(options.payload).value());
  if (!sequence)
    return sequence.error();
  return Report{{{"name", options.name}, {"sequence", *sequence}}, std::to_string(*sequence) + "\n"};
}

/// What tail and hz have in common: they print until there is enough, the time is over or the engine goes away.
struct StreamCommand {
  std::string filter = "**";
  std::string handle;
  double seconds = 0;
  std::size_t count = 0;
};

struct TailCommand : StreamCommand {
  std::uint64_t last = 0;
};

struct RateCommand : StreamCommand {
  double every = 1;
};

Status print_lines(const std::string& text) {
  if (const auto failed = write_all(STDOUT_FILENO, text))
    return Error{Errc::cancelled, "standard output", failed.message() + "; what was printed is not whole"};
  return {};
}

/// Prints one signal per line, as many as are wanted.
class SignalPrinter {
public:
  SignalPrinter(Session& session, std::size_t lines_max) : session_(session), lines_max_(lines_max) {}

  bool is_full() const noexcept { return lines_max_ > 0 && lines_ == lines_max_; }
  Result<std::vector<HeardSignal>> next(AttachedEngine& engine, Milliseconds timeout) {
    return engine.next_signals(timeout);
  }
  Status print(const std::vector<HeardSignal>& signals) {
    std::string text;
    for (const HeardSignal& signal : signals) {
      if (is_full())
        break;
      if (signal.missed > 0 && !session_.json) {
        if (Status printed = print_lines(std::exchange(text, {})); !printed)
          return printed;
        session_.console.say(fmt::format("{} signals were overwritten before they could be told", signal.missed));
        continue;
      }
      text += line_of(signal) + "\n";
      lines_ += signal.missed == 0 ? 1 : 0;
    }
    return print_lines(text);
  }
  Status finish() { return {}; }

private:
  std::string line_of(const HeardSignal& signal) const {
    if (signal.missed > 0)
      return to_json({{"missed", signal.missed}});
    if (session_.json)
      return to_json({{"sequence", signal.sequence},
                      {"version", signal.version},
                      {"index", signal.index},
                      {"name", signal.name},
                      {"payload", signal.payload}});
    return fmt::format("{} {} {}", signal.sequence, escaped(signal.name), escaped(to_json(signal.payload)));
  }

  Session& session_;
  const std::size_t lines_max_;
  std::size_t lines_ = 0;
};

/// Prints, once per interval, how many signals of each name there were in a second.
class RatePrinter {
public:
  RatePrinter(Session& session, std::chrono::microseconds interval, std::size_t times_max)
      : session_(session), interval_(interval), times_max_(times_max) {}

  bool is_full() const noexcept { return times_max_ > 0 && times_ == times_max_; }
  Result<SignalCounts> next(AttachedEngine& engine, Milliseconds timeout) { return engine.next_counts(timeout); }
  Status print(const SignalCounts& counts) {
    sum_.elapsed += counts.elapsed;
    sum_.further += counts.further;
    sum_.missed += counts.missed;
    for (const auto& [name, count] : counts.counts)
      sum_.counts[name] += count;
    return sum_.elapsed >= interval_ ? finish() : Status{};
  }
  /// What came since the last full interval.
  Status finish() {
    if (sum_.elapsed.count() == 0 || is_full())
      return {};
    ++times_;
    const SignalCounts counts = std::exchange(sum_, {});
    return print_lines(session_.json ? json_of(counts) + "\n" : text_of(counts));
  }

private:
  static double rate(std::uint64_t count, const SignalCounts& counts) {
    return static_cast<double>(count) / std::chrono::duration<double>(counts.elapsed).count();
  }
  static std::uint64_t total(const SignalCounts& counts) {
    std::uint64_t sum = counts.further + counts.missed;
    for (const auto& [name, count] : counts.counts)
      sum += count;
    return sum;
  }
  static std::string json_of(const SignalCounts& counts) {
    Value rates = Value::list();
    for (const auto& [name, count] : counts.counts)
      rates.push_back({{"name", name}, {"count", count}, {"hz", rate(count, counts)}});
    return to_json({{"seconds", std::chrono::duration<double>(counts.elapsed).count()},
                    {"rates", rates},
                    {"further", counts.further},
                    {"missed", counts.missed},
                    {"total_hz", rate(total(counts), counts)}});
  }
  static std::string text_of(const SignalCounts& counts) {
    std::string text;
    const auto line = [&](std::uint64_t count, std::string_view name) {
      text += fmt::format("{:>14.1f} /s  {}\n", rate(count, counts), name);
    };
    for (const auto& [name, count] : counts.counts)
      line(count, escaped(name));
    if (counts.further > 0)
      line(counts.further, "(further names)");
    if (counts.missed > 0)
      line(counts.missed, "(overwritten before they could be counted)");
    line(total(counts), "(all)");
    return text + "\n";
  }

  Session& session_;
  const std::chrono::microseconds interval_;
  const std::size_t times_max_;
  std::size_t times_ = 0;
  SignalCounts sum_;
};

template <class Printer>
Status print_stream(AttachedEngine& engine, Printer& printer, Clock::time_point end) {
  constexpr Milliseconds longest = std::chrono::hours{1};
  while (!printer.is_full()) {
    const auto left = std::chrono::ceil<Milliseconds>(end - Clock::now());
    if (left.count() <= 0)
      return printer.finish();
    const auto news = printer.next(engine, std::min(left, longest));
    if (!news && news.error().code() == Errc::timeout)
      continue;
    if (!news) {
      const Status finished = printer.finish();
      return finished ? Status{news.error()} : finished;
    }
    if (Status printed = printer.print(*news); !printed)
      return printed;
  }
  return {};
}

/// `start` asks the engine for what the printer prints.
template <class Start, class Printer>
Result<Report> follow(const StreamCommand& options, Session& session, const Start& start, Printer printer) {
  auto engine = attach(options.handle);
  if (!engine)
    return engine.error();
  const HeldSignals held;
  const Interrupts interrupts{held, [&] { engine->interrupt(); }};
  if (Status started = start(*engine); !started)
    return started.error();
  if (!session.json)
    session.console.say("listening");
  const auto end = options.seconds > 0 ? Clock::now() + duration_of(options.seconds) : Clock::time_point::max();
  const Status printed = print_stream(*engine, printer, end);
  session.interrupted = interrupts.caught();
  if (!printed && !session.interrupted)
    return printed.error();
  return Report{.is_printed = true};
}

void add_stream_options(CLI::App& parser, StreamCommand& options, const std::string& what) {
  parser.add_option("--filter", options.filter, "Only names that match: * is any part of a segment, ** anything")
      ->type_name("PATTERN");
  add_seconds_option(parser, options.seconds, "End after so long");
  parser.add_option("--count", options.count, "End after so many " + what)->type_name("N")->check(CLI::PositiveNumber);
  add_attach_option(parser, options.handle);
}

}  // namespace

constinit const Command signal_tail_command{
    "signal", "tail", "Print the signals of a running engine as they come, one per line",
    "  theus signal tail\n"
    "  theus signal tail --filter 'sensor.**' --last 10\n"
    "  theus signal tail --filter order_done --count 1 --json | jq .payload\n"
    "A line has the sequence, the name and the payload as JSON. What was overwritten before it could be told is "
    "counted\n"
    "on the standard error stream, or as {\"missed\": n}. Ends with 130 on SIGINT and SIGTERM, and with 4 when the "
    "engine\ngoes away.",
    [](CLI::App& parser, const Session&) -> Action {
      auto options = std::make_shared<TailCommand>();
      add_stream_options(parser, *options, "signals");
      parser.add_option("--last", options->last, "Begin with so many earlier signals, as far as they are kept")
          ->type_name("N");
      return [options](Session& running) {
        return follow(
            *options, running,
            [&](AttachedEngine& engine) {
              return engine.listen({options->filter, options->last});
            },
            SignalPrinter{running, options->count});
      };
    }};

constinit const Command signal_send_command{
    "signal", "send", "Send a signal through a running engine; print its sequence",
    "  theus signal send cmd_stop\n"
    "  theus signal send sensor.temperature '{\"celsius\": 21.5}'\n"
    "What is no JSON and begins with none of { [ \" is sent as a text.",
    [](CLI::App& parser, const Session&) -> Action {
      auto options = std::make_shared<SendCommand>();
      parser.add_option("NAME", options->name, "Its name")->required();
      parser.add_option("PAYLOAD", options->payload, "JSON, or a bare word as a text; null when left out")
          ->check(wrong_with_json);
      add_attach_option(parser, options->handle);
      return [options](Session& running) { return send(*options, running); };
    }};

constinit const Command signal_hz_command{
    "signal", "hz", "Print how many signals of each name a running engine sends in a second",
    "  theus signal hz\n"
    "  theus signal hz --filter 'sensor.*' --every 0.5 --for 10\n"
    "  theus signal hz --count 1 --json | jq .total_hz\n"
    "The engine counts them itself. What is overwritten before it is counted stands on a line of its own.",
    [](CLI::App& parser, const Session&) -> Action {
      auto options = std::make_shared<RateCommand>();
      add_stream_options(parser, *options, "intervals");
      parser.add_option("--every", options->every, "Over so long each time")
          ->type_name("SECONDS")
          ->check(CLI::Range(0.1, 3600.0))
          ->capture_default_str();
      return [options](Session& running) {
        return follow(
            *options, running, [&](AttachedEngine& engine) { return engine.count_signals(options->filter); },
            RatePrinter{running, duration_of(options->every), options->count});
      };
    }};

}  // namespace theus::cli

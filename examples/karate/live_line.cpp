#include "live_line.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace karate {

using namespace std::chrono_literals;
using std::chrono::steady_clock;

LiveLine::LiveLine(theus::SignalHub& hub, std::size_t agents)
    : agents_(agents),
      terminal_(isatty(STDERR_FILENO) == 1),
      start_(steady_clock::now()),
      listener_([this, receiver = hub.subscribe({.filter = "round"})]() mutable { listen(std::move(receiver)); }) {}

LiveLine::~LiveLine() { listener_.join(); }

void LiveLine::listen(theus::SignalReceiver receiver) {
  const auto interval = terminal_ ? 50ms : 1000ms;
  auto next = start_ + interval;
  theus::Payload latest;
  for (auto received = receiver.recv(); !received.is_closed(); received = receiver.recv()) {
    if (!received.is_event())
      continue;  // some were missed; the next one tells as much
    latest = received->payload;
    if (const auto now = steady_clock::now(); now >= next) {
      show(latest);
      next = now + interval;
    }
  }
  if (latest.kind() == theus::Value::Kind::null)
    return;  // no round was finished
  show(latest);
  if (terminal_)
    fmt::print(stderr, "\n");
}

void LiveLine::show(const theus::Payload& round) const {
  const std::chrono::duration<double> passed = steady_clock::now() - start_;
  const auto rounds = round["round"].get<int>().value_or(0);
  std::string line = fmt::format("round {}", rounds);
  if (const auto move = round["largest_move"].get<double>())
    line += fmt::format(", largest move {:.1e}", *move);
  line += fmt::format(", {:.0f} agent commits/s", static_cast<double>(agents_) * rounds / passed.count());
  fmt::print(stderr, "{}{}{}", terminal_ ? "\r\x1b[K" : "", line, terminal_ ? "" : "\n");
}

}  // namespace karate

#include "runtime/cli/console.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace theus::cli {
namespace {

constexpr std::string_view clear_line = "\r\x1b[K";

bool is_terminal(int descriptor) noexcept {
  const char* terminal = std::getenv("TERM");
  return isatty(descriptor) == 1 && (terminal == nullptr || std::string_view{terminal} != "dumb");
}

bool wants_colours() noexcept {
  const char* refusal = std::getenv("NO_COLOR");
  return refusal == nullptr || *refusal == '\0';
}

std::size_t columns_of(int descriptor) noexcept {
  winsize size{};
  return ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/// At most `bytes_max` bytes, without a character cut in two.
std::string_view shortened(std::string_view text, std::size_t bytes_max) noexcept {
  if (text.size() <= bytes_max)
    return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xc0) == 0x80)
    --bytes_max;
  return text.substr(0, bytes_max);
}

}  // namespace

std::error_code write_all(int descriptor, std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const ssize_t written = write(descriptor, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd ready{descriptor, POLLOUT, 0};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return {errno, std::generic_category()};
    }
  }
  return {};
}

void occupy_closed_descriptors() noexcept {
  for (const int descriptor : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(descriptor, F_GETFD) != -1)
      continue;
    // The lowest free number is `descriptor`, since all below it are taken. Nobody may write to /dev/null opened so.
    if (open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY) != descriptor)
      return;
  }
}

Console::Console() : terminal_(is_terminal(STDERR_FILENO)), colours_(terminal_ && wants_colours()) {}

Console::~Console() {
  if (!status_.empty())
    write_all(STDERR_FILENO, clear_line);
}

void Console::say(std::string_view line) {
  const std::lock_guard lock{mutex_};
  std::string bytes{status_.empty() ? std::string_view{} : clear_line};
  bytes.append(line) += '\n';
  write_all(STDERR_FILENO, bytes += status_);
}

void Console::status(std::string_view text) {
  using namespace std::chrono_literals;
  const std::lock_guard lock{mutex_};
  const auto now = Clock::now();
  if (now < next_status_)
    return;
  next_status_ = now + (terminal_ ? 100ms : 1000ms);
  if (!terminal_) {
    write_all(STDERR_FILENO, std::string{text} + '\n');
    return;
  }
  status_ = shortened(text, columns_of(STDERR_FILENO) - 1);
  write_all(STDERR_FILENO, std::string{clear_line} + status_);
}

std::string Console::red(std::string_view text) const {
  return colours_ ? "\x1b[1;31m" + std::string{text} + "\x1b[0m" : std::string{text};
}

}  // namespace theus::cli

#include "runtime/cli/screen.hpp"

#include "runtime/cli/console.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

namespace theus::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::string_view other_page = "\x1b[?1049h";
constexpr std::string_view first_page = "\x1b[?1049l";
constexpr std::string_view to_top_left = "\x1b[H";
constexpr std::string_view clear_rest_of_line = "\x1b[K";
constexpr std::string_view clear_rest = "\x1b[J";
constexpr std::size_t rows_without_size = 24;

std::size_t rows() noexcept {
  winsize size{};
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : rows_without_size;
}

}  // namespace

bool Screen::is_possible() noexcept {
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) == 1 && (terminal == nullptr || std::string_view{terminal} != "dumb");
}

Screen::Screen() : ended_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  (void)write_all(STDOUT_FILENO, other_page);
  has_keys_ = ::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &before_) == 0;
  if (!has_keys_)
    return;
  termios quiet = before_;
  quiet.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  ::tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
}

Screen::~Screen() {
  if (has_keys_)
    ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
  (void)write_all(STDOUT_FILENO, first_page);
  ::close(ended_);
}

std::error_code Screen::show(std::string_view text) const {
  std::string whole{to_top_left};
  for (std::size_t left = rows() - 1; left > 0 && !text.empty(); --left) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    whole.append(text.substr(0, end)).append(clear_rest_of_line).append("\r\n");
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return write_all(STDOUT_FILENO, whole.append(clear_rest));
}

bool Screen::wait(std::chrono::milliseconds time) const {
  const auto until = Clock::now() + time;
  for (bool reads_keys = has_keys_;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
    if (left <= 0)
      return true;
    std::array<pollfd, 2> asked{{{ended_, POLLIN, 0}, {reads_keys ? STDIN_FILENO : -1, POLLIN, 0}}};
    if (::poll(asked.data(), asked.size(), static_cast<int>(left)) <= 0)
      continue;
    if (asked[0].revents != 0)
      return false;
    char key = 0;
    reads_keys = asked[1].revents == 0 || ::read(STDIN_FILENO, &key, 1) == 1;
    if (key == 'q')
      return false;
  }
}

void Screen::end() const noexcept { ::eventfd_write(ended_, 1); }

}  // namespace theus::cli

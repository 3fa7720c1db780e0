#pragma once

#include <chrono>
#include <mutex>
#include <string>
#include <string_view>
#include <system_error>

namespace theus::cli {

/// Writes everything, however slow the reader is. The error tells that only a part arrived, or nothing.
std::error_code write_all(int descriptor, std::string_view bytes) noexcept;

/// Opens the standard descriptors that are closed, in a way that writing to them fails: otherwise the next file that
/// is opened would take their place and receive our words.
void occupy_closed_descriptors() noexcept;

/// The words of a command, on the standard error stream. On a terminal one status line stands below them and is
/// rewritten in place; elsewhere a status is a line like any other, at most one a second. Thread-safe. Texts that came
/// from outside must be escaped by the caller.
class Console {
public:
  Console();
  /// Removes the status line.
  ~Console();
  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  void say(std::string_view line);
  void status(std::string_view text);

  /// The text in red where colours are welcome: on a terminal, and neither NO_COLOR nor TERM=dumb says otherwise.
  std::string red(std::string_view text) const;

private:
  using Clock = std::chrono::steady_clock;

  const bool terminal_;
  const bool colours_;
  std::mutex mutex_;
  std::string status_;  // guarded by mutex_, as all below
  Clock::time_point next_status_{};
};

}  // namespace theus::cli

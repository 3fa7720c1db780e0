#pragma once

#include <termios.h>

#include <chrono>
#include <string_view>
#include <system_error>

namespace theus::cli {

/// A text that fills the terminal of standard output and is rewritten in place; what stood there comes back with its
/// end. As long as there is one, keys that are pressed on a terminal of standard input are neither shown nor kept.
/// Belongs to one thread, but for end().
class Screen {
public:
  /// Whether there is a terminal to write it on.
  static bool is_possible() noexcept;

  Screen();
  ~Screen();
  Screen(const Screen&) = delete;
  Screen& operator=(const Screen&) = delete;

  /// As many of its lines as fit. The error of the terminal, when it is gone.
  std::error_code show(std::string_view text) const;
  /// Waits that long. Returns false when the user presses q, or end() was called.
  bool wait(std::chrono::milliseconds time) const;
  /// Ends wait(), from another thread.
  void end() const noexcept;

private:
  const int ended_;  // an eventfd
  bool has_keys_ = false;
  termios before_{};
};

}  // namespace theus::cli

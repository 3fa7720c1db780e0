#include "runtime/attach/warning_throttle.hpp"

#include <theus/value.hpp>

#include <algorithm>
#include <utility>

namespace theus {

std::optional<Error> WarningThrottle::add(Error warning, Time now) {
  left_out_ += waiting_ ? 1 : 0;
  waiting_ = std::move(warning);
  return look(now);
}

std::optional<Error> WarningThrottle::look(Time now) {
  const auto intervals = (now - counted_) / interval;
  counted_ += intervals * interval;
  allowed_ = static_cast<int>(std::min<std::int64_t>(allowed_ + intervals, at_once_max));
  if (!waiting_ || allowed_ == 0)
    return std::nullopt;
  --allowed_;
  return last();
}

std::optional<Error> WarningThrottle::last() {
  auto warning = std::exchange(waiting_, std::nullopt);
  const std::uint64_t left_out = std::exchange(left_out_, 0);
  if (!warning || left_out == 0)
    return warning;
  return Error{warning->code(), warning->where(),
               warning->cause() + " (" + std::to_string(left_out) + " more warnings before it were left out)",
               warning->remedy()}
      .with("left_out", left_out);
}

}  // namespace theus

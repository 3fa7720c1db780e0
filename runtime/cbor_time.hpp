#pragma once

// Times in messages and records: nanoseconds since 1970, UTC.

#include "runtime/cbor_stream.hpp"

#include <chrono>

namespace theus {

inline void append_cbor_time(std::vector<std::byte>& out, std::chrono::system_clock::time_point time) {
  const auto since = std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch());
  append_cbor(out, Value{static_cast<std::int64_t>(since.count())});
}

inline std::chrono::system_clock::time_point read_cbor_time(CborCursor& in) {
  const Value time = in.value();
  if (!time.is_int()) {
    in.fail("a time is no number");
    return {};
  }
  const std::chrono::nanoseconds since{time.as_int()};
  return std::chrono::system_clock::time_point{std::chrono::duration_cast<std::chrono::system_clock::duration>(since)};
}

}  // namespace theus

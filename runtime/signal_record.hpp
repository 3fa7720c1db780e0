#pragma once

// One event in a slot of the hub's ring, in words:
//   0    topic id (24 bits, 0 = not interned) | index in commit (24) | form (8) | payload bytes (8)
//   1    version of the commit, or 0
//   2..  the payload: packed (packed_value.hpp), plain bytes, or the address of a LargeEvent

#include "runtime/broadcast_ring.hpp"
#include "runtime/large_events.hpp"
#include "runtime/packed_value.hpp"
#include "runtime/topic_table.hpp"

namespace theus {

using SignalRing = BroadcastRing<128>;

enum class PayloadForm : std::uint8_t { packed, bytes, large };

inline constexpr std::size_t payload_words_max = SignalRing::record_words - 2;
inline constexpr std::size_t payload_bytes_inline_max = 8 * payload_words_max;

/// Word 0.
struct SignalHead {
  std::uint32_t topic = 0;
  std::uint32_t index = 0;
  PayloadForm form = PayloadForm::packed;
  std::uint8_t bytes = 0;

  std::uint64_t word() const noexcept {
    return std::uint64_t{topic} << 40 | std::uint64_t{index & 0xffffff} << 16 |
           std::uint64_t{static_cast<std::uint8_t>(form)} << 8 | bytes;
  }
  static SignalHead of(std::uint64_t word) noexcept {
    return {static_cast<std::uint32_t>(word >> 40), static_cast<std::uint32_t>(word >> 16) & 0xffffff,
            static_cast<PayloadForm>(static_cast<std::uint8_t>(word >> 8)), static_cast<std::uint8_t>(word)};
  }
};

/// An event on its way into the ring.
struct SignalRecord {
  SignalHead head;
  std::array<std::uint64_t, payload_words_max> payload;

  std::size_t words() const noexcept { return (head.bytes + std::size_t{7}) / 8; }
  LargeEvent* large() const noexcept { return std::bit_cast<LargeEvent*>(payload[0]); }
};

}  // namespace theus

#pragma once

// One event in the hub's ring: a slot of one cache line, and for payloads beyond 48 bytes a second line, which stands
// in an array of its own, so that small events touch one line and the array none of them needs costs no memory.
//   word 0   topic id (24 bits, 0 = not interned) | index in commit (24) | has a version (1) | form (7) | bytes (8)
//   word 1   the version of the commit, if it has one
//   then     the payload: packed (packed_value.hpp), plain bytes, or the address of a LargeEvent
// Words 0 to 6 are the slot's, the others the second line's. The slot's turn guards both.

#include "runtime/broadcast_ring.hpp"
#include "runtime/large_events.hpp"
#include "runtime/packed_value.hpp"
#include "runtime/topic_table.hpp"

#include <cstring>

namespace theus {

using SignalRing = BroadcastRing<64>;

struct alignas(64) SecondLine {
  std::array<std::atomic<std::uint64_t>, 8> words;
};

/// `gap`: no event, but word of how many were lost before they came here; its payload is their number.
enum class PayloadForm : std::uint8_t { packed, bytes, large, gap };

inline constexpr std::size_t payload_words_max = 13;
inline constexpr std::size_t payload_bytes_inline_max = 8 * payload_words_max;
inline constexpr std::size_t payload_bytes_in_slot = 8 * (SignalRing::record_words - 1);  // without a version
static_assert(1 + 1 + payload_words_max == SignalRing::record_words + std::tuple_size_v<decltype(SecondLine::words)>);

/// Word 0.
struct SignalHead {
  std::uint32_t topic = 0;
  std::uint32_t index = 0;
  bool has_version = false;
  PayloadForm form = PayloadForm::packed;
  std::uint8_t bytes = 0;

  std::size_t payload_words() const noexcept {
    return std::min<std::size_t>((bytes + std::size_t{7}) / 8, payload_words_max);
  }
  std::uint64_t word() const noexcept {
    return std::uint64_t{topic} << 40 | std::uint64_t{index & 0xffffff} << 16 | std::uint64_t{has_version} << 15 |
           std::uint64_t{static_cast<std::uint8_t>(form)} << 8 | bytes;
  }
  static SignalHead of(std::uint64_t word) noexcept {
    return {static_cast<std::uint32_t>(word >> 40), static_cast<std::uint32_t>(word >> 16) & 0xffffff,
            (word >> 15 & 1) != 0, static_cast<PayloadForm>(word >> 8 & 0x7f), static_cast<std::uint8_t>(word)};
  }
};

/// Where the words of a record stand.
template <class Slot, class Line>
class RecordWords {
public:
  RecordWords(Slot& slot, Line& second) noexcept : slot_(slot), second_(second) {}

  auto& at(std::size_t word) const noexcept {
    return word < SignalRing::record_words ? slot_[word] : second_.words[word - SignalRing::record_words];
  }
  /// Calls `each(atomic, i)` for `count` words from `first` on.
  template <class Each>
  [[gnu::always_inline]] void for_each(std::size_t first, std::size_t count, const Each& each) const noexcept {
    const std::size_t in_slot = std::min(count, SignalRing::record_words - first);
#pragma GCC unroll 8
    for (std::size_t i = 0; i < in_slot; ++i)
      each(slot_[first + i], i);
#pragma GCC unroll 8
    for (std::size_t i = in_slot; i < count; ++i)
      each(second_.words[first + i - SignalRing::record_words], i);
  }
  /// The payload, and what stands behind it in its lines: a fixed number of words is copied sooner than some of them.
  /// REQUIRES: room for payload_words_max.
  [[gnu::always_inline]] void copy_payload(SignalHead head, std::uint64_t* to) const noexcept {
    if (head.has_version) [[unlikely]] {
      for_each(2, head.payload_words(),
               [&](const auto& word, std::size_t i) { to[i] = word.load(std::memory_order_relaxed); });
      return;
    }
    constexpr std::size_t in_slot = payload_bytes_in_slot / 8;
#pragma GCC unroll 8
    for (std::size_t i = 0; i < in_slot; ++i)
      to[i] = slot_[1 + i].load(std::memory_order_relaxed);
    if (head.bytes > payload_bytes_in_slot)
#pragma GCC unroll 8
      for (std::size_t i = in_slot; i < payload_words_max; ++i)
        to[i] = second_.words[i - in_slot].load(std::memory_order_relaxed);
  }

private:
  Slot& slot_;
  Line& second_;
};
using WritableWords = RecordWords<SignalRing::Words, SecondLine>;
using ReadableWords = RecordWords<const SignalRing::Words, const SecondLine>;

/// An event on its way into the ring.
struct SignalRecord {
  SignalHead head;
  std::array<std::uint64_t, payload_words_max> payload;

  LargeEvent* large() const noexcept { return std::bit_cast<LargeEvent*>(payload[0]); }
};

/// Records to be written at consecutive places, with the version of their commit, or 0.
struct RecordRun {
  const RecordRun& all() const noexcept { return *this; }
  std::span<const SignalRecord> records;
  std::uint64_t version = 0;

  std::size_t size() const noexcept { return records.size(); }
  RecordRun part(std::size_t from, std::size_t count) const noexcept { return {records.subspan(from, count), version}; }
  std::uint32_t topic(std::size_t i) const noexcept { return records[i].head.topic; }
  bool uses_second_line(std::size_t i) const noexcept { return records[i].head.bytes > payload_bytes_in_slot; }

  void write(std::size_t i, const WritableWords& words) const noexcept {
    const SignalRecord& record = records[i];
    SignalHead head = record.head;
    head.has_version = version != 0;
    words.at(0).store(head.word(), std::memory_order_relaxed);
    if (head.has_version)
      words.at(1).store(version, std::memory_order_relaxed);
    words.for_each(head.has_version ? 2 : 1, head.payload_words(),
                   [&](auto& word, std::size_t at) { word.store(record.payload[at], std::memory_order_relaxed); });
  }
};

/// One record without a version.
struct SingleRecord {
  const SignalRecord& record;

  RecordRun all() const noexcept { return {{&record, 1}}; }
  static constexpr std::size_t size() noexcept { return 1; }
  bool uses_second_line(std::size_t) const noexcept { return record.head.bytes > payload_bytes_in_slot; }
  void write(std::size_t, const WritableWords& words) const noexcept { all().write(0, words); }
};

[[gnu::always_inline]] inline void write_bytes(std::uint32_t topic, std::span<const std::byte> bytes,
                                               const WritableWords& words) noexcept {
  SignalHead head;
  head.topic = topic;
  head.form = PayloadForm::bytes;
  head.bytes = static_cast<std::uint8_t>(bytes.size());
  words.at(0).store(head.word(), std::memory_order_relaxed);
  words.for_each(1, bytes.size() / 8, [&](auto& word, std::size_t at) {
    std::uint64_t content;
    std::memcpy(&content, bytes.data() + 8 * at, sizeof content);
    word.store(content, std::memory_order_relaxed);
  });
  if (const std::size_t rest = bytes.size() % 8; rest != 0) {
    std::uint64_t content = 0;
    std::memcpy(&content, bytes.data() + bytes.size() - rest, rest);
    words.at(1 + bytes.size() / 8).store(content, std::memory_order_relaxed);
  }
}

/// Plain bytes of one topic, cut into records of `record_bytes`; the last may be shorter.
/// REQUIRES: record_bytes is 1 to payload_bytes_inline_max, unless there are no bytes, which are one empty record.
struct ByteRun {
  std::uint32_t topic_id;
  std::span<const std::byte> bytes;
  std::size_t record_bytes;

  const ByteRun& all() const noexcept { return *this; }

  std::size_t size() const noexcept {
    return bytes.size() <= record_bytes ? 1 : (bytes.size() + record_bytes - 1) / record_bytes;
  }
  ByteRun part(std::size_t from, std::size_t count) const noexcept {
    const auto rest = bytes.subspan(from * record_bytes);
    return {topic_id, rest.first(std::min(rest.size(), count * record_bytes)), record_bytes};
  }
  std::uint32_t topic(std::size_t) const noexcept { return topic_id; }
  bool uses_second_line(std::size_t) const noexcept {
    return std::min(bytes.size(), record_bytes) > payload_bytes_in_slot;
  }

  void write(std::size_t i, const WritableWords& words) const noexcept {
    write_bytes(topic_id, bytes.subspan(i * record_bytes, std::min(record_bytes, bytes.size() - i * record_bytes)),
                words);
  }
};

/// The bytes of one record. REQUIRES: at most payload_bytes_inline_max.
struct SingleBytes {
  std::uint32_t topic_id;
  std::span<const std::byte> bytes;

  ByteRun all() const noexcept { return {topic_id, bytes, payload_bytes_inline_max}; }
  static constexpr std::size_t size() noexcept { return 1; }
  bool uses_second_line(std::size_t) const noexcept { return bytes.size() > payload_bytes_in_slot; }
  void write(std::size_t, const WritableWords& words) const noexcept { write_bytes(topic_id, bytes, words); }
};

}  // namespace theus

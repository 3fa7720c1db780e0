#pragma once

// One event in the hub's ring: a slot of one cache line, and for payloads beyond 48 bytes a second line, which stands
// in an array of its own, so that small events touch one line and the array none of them needs costs no memory.
//   word 0   topic id (24 bits, 0 = not interned) | index in commit (24) | has a version (1) | form (7) | bytes (8)
//   word 1   the version of the commit, if it has one
//   then     the payload: packed (packed_value.hpp), plain bytes, or the address of a LargeEvent
// Words 0 to 6 are the slot's, the others the second line's. The slot's turn guards both.

#include "runtime/broadcast_ring.hpp"
#include "runtime/few_bytes.hpp"
#include "runtime/large_events.hpp"
#include "runtime/packed_value.hpp"
#include "runtime/racing_copy.hpp"
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
  static std::uint32_t topic_of(std::uint64_t word) noexcept { return static_cast<std::uint32_t>(word >> 40); }
  static SignalHead of(std::uint64_t word) noexcept {
    return {topic_of(word), static_cast<std::uint32_t>(word >> 16) & 0xffffff, (word >> 15 & 1) != 0,
            static_cast<PayloadForm>(word >> 8 & 0x7f), static_cast<std::uint8_t>(word)};
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
  void for_each(std::size_t first, std::size_t count, const Each& each) const noexcept {
    for (std::size_t i = 0; i < count; ++i)
      each(at(first + i), i);
  }

  /// The payload of a record without a version. `from` is read in pieces of 16 bytes.
  [[gnu::always_inline]] void put_payload(const std::byte* from, std::size_t bytes) const noexcept {
    constexpr std::size_t in_slot = payload_bytes_in_slot;
    if (bytes <= in_slot)
      return put_line(&slot_[1], from, bytes);
#pragma GCC unroll 3
    for (std::size_t at = 0; at < in_slot; at += pair_bytes)
      write_pair(&slot_[1 + at / 8], from + at);
    put_line(second_.words.data(), from + in_slot, bytes - in_slot);
  }
  /// The payload, and what stands behind it in its lines: a fixed number of words is copied sooner than some of them.
  /// REQUIRES: room for payload_words_max.
  [[gnu::always_inline]] void take_payload(SignalHead head, std::uint64_t* to) const noexcept {
    if (head.has_version) [[unlikely]] {
      for_each(2, head.payload_words(),
               [&](const auto& word, std::size_t i) { to[i] = word.load(std::memory_order_relaxed); });
      return;
    }
    constexpr std::size_t in_slot = payload_bytes_in_slot / 8;
#pragma GCC unroll 3
    for (std::size_t i = 0; i < in_slot; i += 2)
      read_pair(&slot_[1 + i], to + i);
    if (head.bytes <= payload_bytes_in_slot)
      return;
#pragma GCC unroll 3
    for (std::size_t i = in_slot; i + 1 < payload_words_max; i += 2)
      read_pair(&second_.words[i - in_slot], to + i);
    to[payload_words_max - 1] = second_.words[payload_words_max - 1 - in_slot].load(std::memory_order_relaxed);
  }

  /// The first `count` words of another record but word 0, and what stands behind them in their lines.
  template <class OtherSlot, class OtherLine>
  [[gnu::always_inline]] void copy(const RecordWords<OtherSlot, OtherLine>& from, std::size_t count) const noexcept {
#pragma GCC unroll 3
    for (std::size_t i = 1; i < SignalRing::record_words; i += 2)
      copy_pair(&from.slot_[i], &slot_[i]);
    if (count <= SignalRing::record_words)
      return;
#pragma GCC unroll 4
    for (std::size_t i = 0; i < second_.words.size(); i += 2)
      copy_pair(&from.second_.words[i], &second_.words[i]);
  }

private:
  template <class OtherSlot, class OtherLine>
  friend class RecordWords;
  using Word = std::atomic<std::uint64_t>;

  [[gnu::always_inline]] static void copy_pair(const Word* from, Word* to) noexcept {
    std::array<std::byte, pair_bytes> pair;
    read_pair(from, pair.data());
    write_pair(to, pair.data());
  }
  [[gnu::always_inline]] static void put_line(Word* to, const std::byte* from, std::size_t bytes) noexcept {
    for (; bytes >= pair_bytes; bytes -= pair_bytes, from += pair_bytes, to += 2)
      write_pair(to, from);
    if (bytes >= 8) {
      to++->store(first_bytes(from, 8), std::memory_order_relaxed);
      bytes -= 8;
      from += 8;
    }
    if (bytes > 0)
      to->store(first_bytes(from, bytes), std::memory_order_relaxed);
  }

  Slot& slot_;
  Line& second_;
};
using WritableWords = RecordWords<SignalRing::Words, SecondLine>;
using ReadableWords = RecordWords<const SignalRing::Words, const SecondLine>;

/// An event on its way into the ring. Its head is a word from the start, so that it is copied as one.
struct SignalRecord {
  std::uint64_t word;
  std::array<std::uint64_t, payload_words_max> payload;

  SignalHead head() const noexcept { return SignalHead::of(word); }
  void set_index(std::uint32_t index) noexcept {
    SignalHead changed = head();
    changed.index = index;
    word = changed.word();
  }
  LargeEvent* large() const noexcept {
    return head().form == PayloadForm::large ? std::bit_cast<LargeEvent*>(payload[0]) : nullptr;
  }
};

/// REQUIRES: the record is neither large nor a gap.
inline Value content_of(const SignalRecord& record) {
  const auto bytes = std::as_bytes(std::span{record.payload}).first(record.head().bytes);
  return record.head().form == PayloadForm::bytes ? Value::bytes(bytes) : unpack(bytes);
}

/// Records to be written at consecutive places, with the version of their commit, or 0.
struct RecordRun {
  const RecordRun& all() const noexcept { return *this; }
  std::span<const SignalRecord> records;
  std::uint64_t version = 0;

  std::size_t size() const noexcept { return records.size(); }
  RecordRun part(std::size_t from, std::size_t count) const noexcept { return {records.subspan(from, count), version}; }
  std::uint32_t topic(std::size_t i) const noexcept { return SignalHead::topic_of(records[i].word); }
  bool uses_second_line(std::size_t i) const noexcept { return records[i].head().bytes > payload_bytes_in_slot; }

  void write(std::size_t i, const WritableWords& words) const noexcept {
    const SignalRecord& record = records[i];
    SignalHead head = record.head();
    if (version == 0) {
      words.at(0).store(record.word, std::memory_order_relaxed);
      return words.put_payload(std::as_bytes(std::span{record.payload}).data(), head.bytes);
    }
    head.has_version = true;
    words.at(0).store(head.word(), std::memory_order_relaxed);
    words.at(1).store(version, std::memory_order_relaxed);
    words.for_each(2, head.payload_words(),
                   [&](auto& word, std::size_t at) { word.store(record.payload[at], std::memory_order_relaxed); });
  }
};

/// One record without a version.
struct SingleRecord {
  const SignalRecord& record;

  RecordRun all() const noexcept { return {{&record, 1}}; }
  static constexpr std::size_t size() noexcept { return 1; }
  bool uses_second_line(std::size_t) const noexcept { return record.head().bytes > payload_bytes_in_slot; }
  void write(std::size_t, const WritableWords& words) const noexcept { all().write(0, words); }
};

/// Word 0 of plain bytes, but for their number, which is to be added.
inline std::uint64_t bytes_head(const Topic& topic) noexcept {
  return SignalHead{.topic = topic.id, .form = PayloadForm::bytes}.word();
}

[[gnu::always_inline]] inline void write_bytes(std::uint64_t head, std::span<const std::byte> bytes,
                                               const WritableWords& words) noexcept {
  words.at(0).store(head + bytes.size(), std::memory_order_relaxed);
  words.put_payload(bytes.data(), bytes.size());
}

/// Plain bytes of one topic, cut into records of `record_bytes`; the last may be shorter.
/// REQUIRES: record_bytes is 1 to payload_bytes_inline_max, unless there are no bytes, which are one empty record.
struct ByteRun {
  std::uint64_t head;  // bytes_head()
  std::span<const std::byte> bytes;
  std::size_t record_bytes;

  const ByteRun& all() const noexcept { return *this; }

  std::size_t size() const noexcept {
    return bytes.size() <= record_bytes ? 1 : (bytes.size() + record_bytes - 1) / record_bytes;
  }
  ByteRun part(std::size_t from, std::size_t count) const noexcept {
    const auto rest = bytes.subspan(from * record_bytes);
    return {head, rest.first(std::min(rest.size(), count * record_bytes)), record_bytes};
  }
  std::uint32_t topic(std::size_t) const noexcept { return SignalHead::topic_of(head); }
  bool uses_second_line(std::size_t) const noexcept {
    return std::min(bytes.size(), record_bytes) > payload_bytes_in_slot;
  }

  void write(std::size_t i, const WritableWords& words) const noexcept {
    write_bytes(head, bytes.subspan(i * record_bytes, std::min(record_bytes, bytes.size() - i * record_bytes)), words);
  }
};

/// The bytes of one record. REQUIRES: at most payload_bytes_inline_max.
struct SingleBytes {
  std::uint64_t head;  // bytes_head()
  std::span<const std::byte> bytes;

  ByteRun all() const noexcept { return {head, bytes, payload_bytes_inline_max}; }
  static constexpr std::size_t size() noexcept { return 1; }
  bool uses_second_line(std::size_t) const noexcept { return bytes.size() > payload_bytes_in_slot; }
  void write(std::size_t, const WritableWords& words) const noexcept { write_bytes(head, bytes, words); }
};

}  // namespace theus

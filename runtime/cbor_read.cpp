#include "runtime/cbor.hpp"
#include "runtime/cbor_format.hpp"
#include "runtime/escape.hpp"
#include "runtime/value_build.hpp"

namespace theus {
namespace {

struct Head {
  CborMajor major;
  std::uint8_t info;
  std::uint64_t argument;
};

std::uint64_t most_significant_first(std::span<const std::byte> bytes) {
  std::uint64_t number = 0;
  for (const std::byte byte : bytes)
    number = number << 8 | std::to_integer<std::uint64_t>(byte);
  return number;
}

// Reads one value front to back. Lists and maps under construction share one stack of values, and every announced
// length is first compared with the bytes that are left.
class Reader {
public:
  Reader(std::span<const std::byte> bytes, const CborLimits& limits)
      : bytes_(bytes.first(std::min(bytes.size(), limits.bytes_max))),
        is_cut_(bytes_.size() < bytes.size()),
        limits_(limits) {
    values_.reserve(std::min<std::size_t>(bytes.size(), 128));
  }

  Result<Value> run() {
    do {
      if (const char* cause = item())
        return Error{code_, "CBOR, byte " + std::to_string(item_start_), cause}.with("offset", item_start_);
    } while (close_full() > 0);
    return std::move(values_.back());
  }

  std::size_t consumed() const { return at_; }

private:
  struct Frame {
    bool is_map;
    std::size_t base;        // where its values begin
    std::size_t values_end;  // where they will end
  };

  // The functions below return why the bytes are refused, or nullptr.

  const char* item() {
    item_start_ = at_;
    Head head{};
    if (const char* cause = read_head(head))
      return cause;
    if (expects_key())
      return key(head);
    switch (head.major) {
      case CborMajor::unsigned_int:
      case CborMajor::negative_int: return integer(head);
      case CborMajor::bytes: return bytes(head);
      case CborMajor::text: return text(head);
      case CborMajor::array:
      case CborMajor::map: return open(head);
      case CborMajor::tag: return heavy(head);
      case CborMajor::simple: return simple(head);
    }
    return "the major type is unknown";
  }

  const char* read_head(Head& head) {
    if (at_ == bytes_.size())
      return ran_out("the bytes end where a value should begin");
    const auto initial = std::to_integer<std::uint8_t>(bytes_[at_++]);
    head = {static_cast<CborMajor>(initial >> 5), static_cast<std::uint8_t>(initial & 31), initial & 31U};
    if (head.info < cbor_one_byte)
      return nullptr;
    if (head.info > cbor_eight_bytes)
      return "an indefinite length or a reserved initial byte is not canonical";
    const std::size_t width = std::size_t{1} << (head.info - cbor_one_byte);
    if (bytes_.size() - at_ < width)
      return ran_out("the bytes end within a number");
    head.argument = most_significant_first(bytes_.subspan(at_, width));
    at_ += width;
    if (head.major == CborMajor::simple)
      return nullptr;
    const std::uint64_t least = head.info == cbor_one_byte ? cbor_one_byte : std::uint64_t{1} << (4 * width);
    return head.argument < least ? "a number is written longer than needed" : nullptr;
  }

  bool expects_key() const {
    return !frames_.empty() && frames_.back().is_map && (values_.size() - frames_.back().base) % 2 == 0;
  }

  const char* key(const Head& head) {
    if (head.major != CborMajor::text)
      return "a key is no string";
    const bool is_first = values_.size() == frames_.back().base;
    if (const char* cause = text(head))
      return cause;
    const Value& key = values_.back();
    if (!is_first && !key_before(values_[values_.size() - 3].as_string(), key.as_string()))
      return "keys are not in canonical order, or one stands twice";
    return nullptr;
  }

  const char* integer(const Head& head) {
    if (head.argument > static_cast<std::uint64_t>(INT64_MAX))
      return "an integer does not fit into 64 bits with sign";
    const auto number = static_cast<std::int64_t>(head.argument);
    values_.emplace_back(head.major == CborMajor::unsigned_int ? number : -1 - number);
    return nullptr;
  }

  const char* bytes(const Head& head) {
    if (head.argument > left())
      return ran_out("a string of bytes is longer than what is left");
    values_.push_back(Value::bytes(take(head.argument)));
    return nullptr;
  }

  const char* text(const Head& head) {
    if (head.argument > left())
      return ran_out("a string is longer than what is left");
    const auto content = take(head.argument);
    const std::string_view text{reinterpret_cast<const char*>(content.data()), content.size()};
    if (!is_utf8(text))
      return "a string is not UTF-8";
    values_.emplace_back(text);
    return nullptr;
  }

  const char* open(const Head& head) {
    const bool is_map = head.major == CborMajor::map;
    // Every value takes at least a byte.
    if (head.argument > left() / (is_map ? 2 : 1))
      return ran_out(is_map ? "a map has more members than bytes are left"
                            : "a list has more elements than bytes are left");
    if (frames_.size() == limits_.depth_max) {
      code_ = Errc::too_deep;
      return "lists and maps stand too deep";
    }
    const std::size_t base = values_.size();
    frames_.push_back({is_map, base, base + (is_map ? 2 : 1) * static_cast<std::size_t>(head.argument)});
    return nullptr;
  }

  const char* heavy(const Head& tag) {
    HeavyRef ref;
    Head head{};
    if (tag.argument != cbor_heavy_tag)
      return "the tag is unknown";
    if (const char* cause = read_head(head))
      return cause;
    if (head.major != CborMajor::bytes || head.argument != sizeof ref.words || head.argument > left())
      return "a heavy reference has 64 bytes";
    const auto content = take(head.argument);
    for (std::size_t i = 0; i < content.size(); ++i)
      ref.words[i / 8] |= std::to_integer<std::uint64_t>(content[i]) << (8 * (i % 8));
    values_.push_back(Value::heavy(ref));
    return nullptr;
  }

  const char* simple(const Head& head) {
    switch (head.info) {
      case cbor_false: values_.emplace_back(false); return nullptr;
      case cbor_true: values_.emplace_back(true); return nullptr;
      case cbor_null: values_.emplace_back(nullptr); return nullptr;
      case cbor_two_bytes: values_.emplace_back(widened(head.argument, half_format)); return nullptr;
      case cbor_four_bytes: return real(widened(head.argument, single_format), half_format);
      case cbor_eight_bytes: return real(std::bit_cast<double>(head.argument), single_format);
      default: return "the simple value is unknown";
    }
  }

  const char* real(double number, FloatFormat shorter) {
    if (narrowed(number, shorter))
      return "a real is written longer than needed";
    values_.emplace_back(number);
    return nullptr;
  }

  // Turns containers whose values are all there into values. Returns how many are still open.
  std::size_t close_full() {
    while (!frames_.empty() && values_.size() == frames_.back().values_end) {
      const Frame frame = frames_.back();
      frames_.pop_back();
      const auto content = std::span{values_}.subspan(frame.base);
      Value container = frame.is_map ? build_map(content) : build_list(content);
      values_.resize(frame.base);
      values_.push_back(std::move(container));
    }
    return frames_.size();
  }

  const char* ran_out(const char* cause) {
    if (is_cut_)
      code_ = Errc::too_large;
    return cause;
  }

  std::size_t left() const { return bytes_.size() - at_; }

  std::span<const std::byte> take(std::uint64_t size) {
    const auto taken = bytes_.subspan(at_, static_cast<std::size_t>(size));
    at_ += taken.size();
    return taken;
  }

  const std::span<const std::byte> bytes_;
  const bool is_cut_;  // at the limit, so that running out of bytes means too much, not too little
  const CborLimits limits_;
  std::size_t at_ = 0;
  std::size_t item_start_ = 0;
  Errc code_ = Errc::bad_input;
  std::vector<Frame> frames_;
  std::vector<Value> values_;
};

}  // namespace

Result<Value> take_cbor(std::span<const std::byte>& bytes, const CborLimits& limits) {
  Reader reader{bytes, limits};
  auto value = reader.run();
  if (value)
    bytes = bytes.subspan(reader.consumed());
  return value;
}

Result<Value> from_cbor(std::span<const std::byte> bytes, const CborLimits& limits) {
  if (bytes.size() > limits.bytes_max)
    return Error{Errc::too_large, "CBOR", "more than " + std::to_string(limits.bytes_max) + " bytes"}
        .with("limit", limits.bytes_max)
        .with("asked", bytes.size());
  std::span<const std::byte> rest = bytes;
  auto value = take_cbor(rest, limits);
  if (value && !rest.empty()) {
    const std::size_t end = bytes.size() - rest.size();
    return Error{Errc::bad_input, "CBOR, byte " + std::to_string(end), "more bytes follow the value"}.with("offset",
                                                                                                           end);
  }
  return value;
}

}  // namespace theus

#include "runtime/cbor.hpp"
#include "runtime/cbor_format.hpp"
#include "runtime/walk.hpp"

namespace theus {
namespace {

struct ShortestReal {
  std::uint64_t bits;
  std::uint8_t info;
};

ShortestReal shortest(double number) {
  if (const auto half = narrowed(number, half_format))
    return {*half, cbor_two_bytes};
  if (const auto single = narrowed(number, single_format))
    return {*single, cbor_four_bytes};
  return {std::bit_cast<std::uint64_t>(number), cbor_eight_bytes};
}

std::uint8_t info_of(std::uint64_t number) {
  if (number < cbor_one_byte)
    return static_cast<std::uint8_t>(number);
  return number <= 0xff         ? cbor_one_byte
         : number <= 0xffff     ? cbor_two_bytes
         : number <= 0xffffffff ? cbor_four_bytes
                                : cbor_eight_bytes;
}

// How many bytes of argument follow an initial byte with that information.
std::size_t argument_bytes(std::uint8_t info) {
  return info < cbor_one_byte ? 0 : std::size_t{1} << (info - cbor_one_byte);
}

// Gathers short pieces before they are appended, so that a small value costs one allocation of the right size.
class Sink {
public:
  explicit Sink(std::vector<std::byte>& out) : out_(out) {}

  void head(CborMajor major, std::uint64_t argument) { head(major, info_of(argument), argument); }

  void head(CborMajor major, std::uint8_t info, std::uint64_t argument) {
    std::byte* at = room(1 + sizeof argument);
    *at++ = static_cast<std::byte>(static_cast<unsigned>(major) << 5 | info);
    ++used_;
    if (info < cbor_one_byte)
      return;
    const std::size_t width = argument_bytes(info);
    const std::uint64_t most_significant_first = __builtin_bswap64(argument << (64 - 8 * width));
    std::memcpy(at, &most_significant_first, sizeof most_significant_first);
    used_ += width;
  }

  void content(const void* bytes, std::size_t size) {
    if (size > sizeof gathered_) {
      flush();
      const auto* from = static_cast<const std::byte*>(bytes);
      out_.insert(out_.end(), from, from + size);
    } else {
      copy(room(size), static_cast<const std::byte*>(bytes), size);
      used_ += size;
    }
  }

  void flush() {
    out_.insert(out_.end(), gathered_, gathered_ + used_);
    used_ = 0;
  }

private:
  // Keys and most strings are short: two moves that overlap beat a call.
  static void copy(std::byte* to, const std::byte* from, std::size_t size) {
    if (size > 16) {
      std::memcpy(to, from, size);
    } else if (size >= 8) {
      std::memcpy(to, from, 8);
      std::memcpy(to + size - 8, from + size - 8, 8);
    } else if (size >= 4) {
      std::memcpy(to, from, 4);
      std::memcpy(to + size - 4, from + size - 4, 4);
    } else {
      for (std::size_t i = 0; i < size; ++i)
        to[i] = from[i];
    }
  }

  std::byte* room(std::size_t size) {
    if (sizeof gathered_ - used_ < size)
      flush();
    return gathered_ + used_;
  }

  std::vector<std::byte>& out_;
  std::size_t used_ = 0;
  std::byte gathered_[2048];
};

// Appends piece by piece: the quicker way for a scalar.
class Direct {
public:
  explicit Direct(std::vector<std::byte>& out) : out_(out) {}

  void head(CborMajor major, std::uint64_t argument) { head(major, info_of(argument), argument); }
  void head(CborMajor major, std::uint8_t info, std::uint64_t argument) {
    out_.push_back(static_cast<std::byte>(static_cast<unsigned>(major) << 5 | info));
    for (std::size_t left = argument_bytes(info); left > 0; --left)
      out_.push_back(static_cast<std::byte>(argument >> (8 * (left - 1))));
  }
  void content(const void* bytes, std::size_t size) {
    const auto* from = static_cast<const std::byte*>(bytes);
    out_.insert(out_.end(), from, from + size);
  }

private:
  std::vector<std::byte>& out_;
};

// Only counts.
class Measure {
public:
  void head(CborMajor, std::uint64_t argument) { bytes_ += 1 + argument_bytes(info_of(argument)); }
  void head(CborMajor, std::uint8_t info, std::uint64_t) { bytes_ += 1 + argument_bytes(info); }
  void content(const void*, std::size_t size) { bytes_ += size; }

  std::size_t bytes() const { return bytes_; }

private:
  std::size_t bytes_ = 0;
};

template <class Out>
void write_text(Out& out, std::string_view text) {
  out.head(CborMajor::text, text.size());
  out.content(text.data(), text.size());
}

template <class Out>
void write_scalar(Out& out, const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null: out.head(CborMajor::simple, cbor_null, 0); return;
    case Value::Kind::boolean: out.head(CborMajor::simple, value.as_bool() ? cbor_true : cbor_false, 0); return;
    case Value::Kind::integer: {
      const std::int64_t number = value.as_int();
      if (number >= 0)
        out.head(CborMajor::unsigned_int, static_cast<std::uint64_t>(number));
      else
        out.head(CborMajor::negative_int, ~static_cast<std::uint64_t>(number));
      return;
    }
    case Value::Kind::real: {
      const ShortestReal real = shortest(value.as_double());
      out.head(CborMajor::simple, real.info, real.bits);
      return;
    }
    case Value::Kind::string: write_text(out, value.as_string()); return;
    case Value::Kind::bytes:
      out.head(CborMajor::bytes, value.size());
      out.content(value.as_bytes().data(), value.size());
      return;
    case Value::Kind::heavy: {
      std::array<std::byte, sizeof(HeavyRef)> bytes;
      for (std::size_t i = 0; i < bytes.size(); ++i)
        bytes[i] = static_cast<std::byte>(value.as_heavy().words[i / 8] >> (8 * (i % 8)));
      out.head(CborMajor::tag, cbor_heavy_tag);
      out.head(CborMajor::bytes, bytes.size());
      out.content(bytes.data(), bytes.size());
      return;
    }
    case Value::Kind::list:
    case Value::Kind::map: return;
  }
}

template <class Out>
void write_step(Out& out, const Walk& walk) {
  if (walk.step() == Walk::Step::leave)
    return;
  if (const std::string_view* key = walk.key())
    write_text(out, *key);
  const Value& value = walk.value();
  if (walk.step() == Walk::Step::enter)
    out.head(value.is_list() ? CborMajor::array : CborMajor::map, value.size());
  else
    write_scalar(out, value);
}

}  // namespace

void append_cbor(std::vector<std::byte>& out, const Value& value) {
  if (!is_container(value)) {
    Direct direct{out};
    write_scalar(direct, value);
    return;
  }
  Sink sink{out};
  Walk walk{value};
  while (walk.next())
    write_step(sink, walk);
  sink.flush();
}

void append_cbor_text(std::vector<std::byte>& out, std::string_view text) {
  Direct direct{out};
  write_text(direct, text);
}

std::vector<std::byte> to_cbor(const Value& value) {
  std::vector<std::byte> out;
  append_cbor(out, value);
  return out;
}

std::size_t step_bytes(const Walk& walk) {
  Measure measure;
  write_step(measure, walk);
  return measure.bytes();
}

std::size_t encoded_size(const Value& value, std::size_t enough) {
  Measure measure;
  Walk walk{value};
  while (measure.bytes() <= enough && walk.next())
    write_step(measure, walk);
  return measure.bytes();
}

}  // namespace theus

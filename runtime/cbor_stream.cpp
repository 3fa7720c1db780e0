#include "runtime/cbor_stream.hpp"

namespace theus {
namespace {

std::size_t argument_bytes(std::uint8_t info) noexcept {
  return info < cbor_one_byte ? 0 : std::size_t{1} << (info - cbor_one_byte);
}

}  // namespace

void append_cbor_head(std::vector<std::byte>& out, CborMajor major, std::uint64_t argument) {
  const std::uint8_t info = argument < cbor_one_byte ? static_cast<std::uint8_t>(argument)
                            : argument <= 0xff       ? cbor_one_byte
                            : argument <= 0xffff     ? cbor_two_bytes
                            : argument <= 0xffffffff ? cbor_four_bytes
                                                     : cbor_eight_bytes;
  std::array<std::byte, 9> bytes;
  bytes[0] = static_cast<std::byte>(static_cast<unsigned>(major) << 5 | info);
  const std::size_t width = argument_bytes(info);
  for (std::size_t i = 0; i < width; ++i)
    bytes[1 + i] = static_cast<std::byte>(argument >> (8 * (width - 1 - i)));
  out.insert(out.end(), bytes.begin(), bytes.begin() + 1 + static_cast<std::ptrdiff_t>(width));
}

std::uint64_t CborCursor::head(CborMajor wanted, const char* cause) noexcept {
  if (at_ == bytes_.size()) {
    fail("the bytes end where an item should begin");
    return 0;
  }
  const auto initial = std::to_integer<std::uint8_t>(bytes_[at_]);
  const auto info = static_cast<std::uint8_t>(initial & 31);
  if (initial >> 5 != static_cast<std::uint8_t>(wanted) || info > cbor_eight_bytes) {
    fail(cause);
    return 0;
  }
  const std::size_t width = argument_bytes(info);
  if (bytes_.size() - at_ - 1 < width) {
    fail("the bytes end within a number");
    return 0;
  }
  std::uint64_t argument = width == 0 ? info : 0;
  for (std::size_t i = 0; i < width; ++i)
    argument = argument << 8 | std::to_integer<std::uint64_t>(bytes_[at_ + 1 + i]);
  if (width > 0 && argument < (width == 1 ? cbor_one_byte : std::uint64_t{1} << (4 * width))) {
    fail("a number is written longer than needed");
    return 0;
  }
  at_ += 1 + width;
  return argument;
}

std::string_view CborCursor::text() noexcept {
  const std::uint64_t size = head(CborMajor::text, "a text was expected");
  if (size > bytes_.size() - at_) {
    fail("a text is longer than what is left");
    return {};
  }
  const auto content = bytes_.subspan(at_, static_cast<std::size_t>(size));
  at_ += content.size();
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

std::size_t CborCursor::list() noexcept {
  const std::uint64_t size = head(CborMajor::array, "a list was expected");
  if (size > bytes_.size() - at_) {
    fail("a list has more elements than bytes are left");
    return 0;
  }
  return static_cast<std::size_t>(size);
}

bool CborCursor::take_null() noexcept {
  constexpr auto null = static_cast<std::byte>(static_cast<unsigned>(CborMajor::simple) << 5 | cbor_null);
  if (at_ == bytes_.size() || bytes_[at_] != null)
    return false;
  ++at_;
  return true;
}

Value CborCursor::value() {
  if (at_ < bytes_.size() && std::to_integer<unsigned>(bytes_[at_]) >> 5 == 0)
    if (const std::uint64_t integer = number(); integer <= static_cast<std::uint64_t>(INT64_MAX))
      return Value{static_cast<std::int64_t>(integer)};
  auto rest = bytes_.subspan(at_);
  auto value = take_cbor(rest);
  if (!value) {
    fail("a value cannot be read");
    return {};
  }
  at_ = bytes_.size() - rest.size();
  return *std::move(value);
}

}  // namespace theus

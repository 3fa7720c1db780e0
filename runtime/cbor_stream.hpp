#pragma once

// Items of canonical CBOR (see cbor.hpp) one after the other, for records that are read without a Value in between.

#include "runtime/cbor.hpp"
#include "runtime/cbor_format.hpp"

namespace theus {

/// Appends the initial byte of an item and its argument: an unsigned number, or how many bytes or items follow.
void append_cbor_head(std::vector<std::byte>& out, CborMajor major, std::uint64_t argument);
inline void append_cbor_number(std::vector<std::byte>& out, std::uint64_t number) {
  append_cbor_head(out, CborMajor::unsigned_int, number);
}

/// Reads items front to back. The first one that is not what was asked for ends it: from then on every read gives
/// nothing (0, an empty text, null), and failure() says where and why. So a reader of a record looks once, at its end.
/// The bytes must outlive the cursor and the texts that it gives.
class CborCursor {
public:
  explicit CborCursor(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  std::uint64_t number() noexcept { return head(CborMajor::unsigned_int, "a number was expected"); }
  std::string_view text() noexcept;
  /// How many items the list has. Never more than bytes are left, so it may be reserved for.
  std::size_t list() noexcept;
  /// Whether the next item is null; it is then passed.
  bool take_null() noexcept;
  Value value();

  bool is_at_end() const noexcept { return at_ == bytes_.size(); }
  /// As if an item had not been what was asked for.
  void fail(const char* cause) noexcept {
    if (cause_ == nullptr)
      cause_ = cause;
    bytes_ = bytes_.first(at_);
  }
  /// Why, or nullptr; and at which byte.
  const char* failure() const noexcept { return cause_; }
  std::size_t offset() const noexcept { return at_; }

private:
  std::uint64_t head(CborMajor wanted, const char* cause) noexcept;

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  const char* cause_ = nullptr;
};

}  // namespace theus

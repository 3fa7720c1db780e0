#pragma once

// Canonical CBOR: one value has exactly one encoding (RFC 8949, section 4.2.1, core deterministic encoding), which is
// what journal records, checkpoints and messages between processes hold.
//
//   null, booleans    simple values 22, 20, 21
//   integer           major type 0 or 1
//   real              the shortest of half, single and double that has the same bits when widened, NaN included
//   string, bytes     major type 3 (UTF-8) and 2, definite lengths
//   list, map         major type 4 and 5, definite lengths; keys are strings, shorter first, then bytewise, none twice
//   heavy reference   tag 0x54484553 ("THES", of the first-come range, not registered) around 64 bytes: eight words,
//                     least significant byte first
//
// The reader accepts this and nothing else: bytes that are read without an error encode back to the same bytes.

#include <theus/value.hpp>

namespace theus {

/// What encoded bytes may cost their reader.
struct CborLimits {
  std::size_t bytes_max = std::size_t{64} << 20;
  /// Lists and maps inside one another; a scalar has depth 0.
  std::size_t depth_max = 64;
};

/// The encoding of a value. Strings that are not UTF-8 (check_limits() refuses them) are written as they are, and
/// from_cbor() will refuse the result. Thread-safe, like all functions here.
std::vector<std::byte> to_cbor(const Value& value);

/// Appends the encoding to `out`.
void append_cbor(std::vector<std::byte>& out, const Value& value);

/// How many bytes to_cbor() gives, or more than `enough` as soon as it is known to be more than that.
std::size_t encoded_size(const Value& value, std::size_t enough = SIZE_MAX);

/// As append_cbor() of a Value of that text, without making one.
void append_cbor_text(std::vector<std::byte>& out, std::string_view text);

class Walk;

/// How many bytes of the encoding belong to the current step of a walk: its scalar or head, and its key.
std::size_t step_bytes(const Walk& walk);

/// The value of exactly these bytes. Errors: bad_input with the field `offset`; too_large, too_deep over a limit.
/// Memory is taken by what the bytes hold, not by what their lengths announce.
Result<Value> from_cbor(std::span<const std::byte> bytes, const CborLimits& limits = {});

/// As from_cbor(), for one value at the front of `bytes`, from which it is taken away; unchanged when refused.
Result<Value> take_cbor(std::span<const std::byte>& bytes, const CborLimits& limits = {});

}  // namespace theus

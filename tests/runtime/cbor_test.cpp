#include "runtime/cbor.hpp"

#include "tests/support/generators.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace theus {
namespace {

using Bytes = std::vector<std::byte>;

Bytes from_hex(std::string_view text) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2)
    bytes.push_back(static_cast<std::byte>(std::stoi(std::string{text.substr(i, 2)}, nullptr, 16)));
  return bytes;
}

std::string to_hex(std::span<const std::byte> bytes) {
  std::string text;
  for (const std::byte byte : bytes) {
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) >> 4];
    text += "0123456789abcdef"[std::to_integer<unsigned>(byte) & 15];
  }
  return text;
}

Errc refusal(const Bytes& bytes, const CborLimits& limits = {}) {
  const auto result = from_cbor(bytes, limits);
  REQUIRE_FALSE(result.ok());
  return result.error().code();
}

// As nlohmann sees the value; members in our order.
nlohmann::ordered_json as_theirs(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::null: return nullptr;
    case Value::Kind::boolean: return value.as_bool();
    case Value::Kind::integer: return value.as_int();
    case Value::Kind::real: return value.as_double();
    case Value::Kind::string: return std::string{value.as_string()};
    case Value::Kind::heavy: return nullptr;
    case Value::Kind::bytes: {
      std::vector<std::uint8_t> content;
      for (const std::byte byte : value.as_bytes())
        content.push_back(std::to_integer<std::uint8_t>(byte));
      return nlohmann::ordered_json::binary(std::move(content));
    }
    case Value::Kind::list: {
      auto list = nlohmann::ordered_json::array();
      for (const Value& item : value.items())
        list.push_back(as_theirs(item));
      return list;
    }
    case Value::Kind::map: {
      auto map = nlohmann::ordered_json::object();
      for (const auto [key, item] : value.members())
        map[std::string{key}] = as_theirs(item);
      return map;
    }
  }
  return nullptr;
}

// The value without what nlohmann does not write: heavy references, and reals as halves.
Value within_their_reach(const Value& value) {
  if (value.is_heavy())
    return nullptr;
  if (value.is_double())
    return to_cbor(value).size() == 3 ? Value{0.1} : value;
  if (value.is_list()) {
    Value list = Value::list();
    for (const Value& item : value.items())
      list.push_back(within_their_reach(item));
    return list;
  }
  if (value.is_map()) {
    Value map = Value::map();
    for (const auto [key, item] : value.members())
      map.set(key, within_their_reach(item));
    return map;
  }
  return value;
}

TEST_CASE("values are encoded as RFC 8949 shows in its appendix", "[cbor]") {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::pair<Value, const char*> examples[] = {
      {0, "00"},
      {23, "17"},
      {24, "1818"},
      {255, "18ff"},
      {1000, "1903e8"},
      {1'000'000, "1a000f4240"},
      {1'000'000'000'000, "1b000000e8d4a51000"},
      {-1, "20"},
      {-100, "3863"},
      {-1000, "3903e7"},
      {INT64_MAX, "1b7fffffffffffffff"},
      {INT64_MIN, "3b7fffffffffffffff"},
      {0.0, "f90000"},
      {-0.0, "f98000"},
      {1.0, "f93c00"},
      {1.1, "fb3ff199999999999a"},
      {1.5, "f93e00"},
      {65504.0, "f97bff"},
      {100000.0, "fa47c35000"},
      {3.4028234663852886e+38, "fa7f7fffff"},
      {1.0e+300, "fb7e37e43c8800759c"},
      {5.960464477539063e-8, "f90001"},
      {0.00006103515625, "f90400"},
      {-4.0, "f9c400"},
      {-4.1, "fbc010666666666666"},
      {infinity, "f97c00"},
      {-infinity, "f9fc00"},
      {std::numeric_limits<double>::quiet_NaN(), "f97e00"},
      {1.401298464324817e-45, "fa00000001"},
      {5e-324, "fb0000000000000001"},
      {false, "f4"},
      {true, "f5"},
      {nullptr, "f6"},
      {Value::bytes({}), "40"},
      {Value::bytes(from_hex("01020304")), "4401020304"},
      {"", "60"},
      {"IETF", "6449455446"},
      {"\u6c34", "63e6b0b4"},
      {"\U00010151", "64f0908591"},
      {Value::list(), "80"},
      {Value::list({1, Value::list({2, 3}), Value::list({4, 5})}), "8301820203820405"},
      {Value::map(), "a0"},
      {Value{{"a", 1}, {"b", Value::list({2, 3})}}, "a26161016162820203"},
      {Value{{"b", 0}, {"aa", 0}, {"10", 0}, {"a", 0}},
       "a4616100616200623130006261"
       "6100"},
  };
  for (const auto& [value, hex] : examples) {
    CHECK(to_hex(to_cbor(value)) == hex);
    CHECK(to_hex(to_cbor(from_cbor(from_hex(hex)).value())) == hex);
    CHECK(from_cbor(from_hex(hex)).value() == value);
  }
}

TEST_CASE("a list of 25 numbers takes the two-byte head of the appendix", "[cbor]") {
  Value list = Value::list();
  for (int i = 1; i <= 25; ++i)
    list.push_back(i);
  CHECK(to_hex(to_cbor(list)) == "98190102030405060708090a0b0c0d0e0f101112131415161718181819");
}

TEST_CASE("a heavy reference is 64 tagged bytes", "[cbor]") {
  const Value value = Value::heavy(HeavyRef{{0x0102030405060708, 0, 0, 0, 0, 0, 0, 0xff}});
  CHECK(to_hex(to_cbor(value)) ==
        "da544845535840"
        "0807060504030201" +
            std::string(96, '0') + "ff00000000000000");
  CHECK(from_cbor(to_cbor(value)).value() == value);
}

TEST_CASE("what from_cbor reads back equals what to_cbor wrote", "[cbor]") {
  rc::prop("values", [](const Value& value) {
    const Bytes bytes = to_cbor(value);
    const Value back = from_cbor(bytes).value();
    RC_ASSERT(back == value);
    RC_ASSERT(to_cbor(back) == bytes);
    RC_ASSERT(encoded_size(value) == bytes.size());
  });
  rc::prop("doubles of any bits", [](std::uint64_t pattern) {
    const Value back = from_cbor(to_cbor(std::bit_cast<double>(pattern))).value();
    RC_ASSERT(std::bit_cast<std::uint64_t>(back.as_double()) == pattern);
  });
  rc::prop("doubles near the edges of half and single", [] {
    const auto exponent =
        *rc::gen::weightedOneOf<std::uint64_t>({{1, rc::gen::inRange<std::uint64_t>(990, 1050)},
                                                {1, rc::gen::inRange<std::uint64_t>(860, 910)},
                                                {1, rc::gen::element<std::uint64_t>(0, 0x7ff, 1151)}});
    const auto kept_bits = *rc::gen::inRange<unsigned>(0, 53);
    const std::uint64_t mantissa =
        kept_bits == 0 ? 0 : *rc::gen::arbitrary<std::uint64_t>() << (52 - kept_bits) & 0xfffffffffffff;
    const double number = std::bit_cast<double>(exponent << 52 | mantissa);
    const Bytes bytes = to_cbor(number);
    RC_ASSERT(std::bit_cast<std::uint64_t>(from_cbor(bytes).value().as_double()) == (exponent << 52 | mantissa));
    if (exponent != 0x7ff)
      RC_ASSERT((bytes.size() <= 5) == (static_cast<double>(static_cast<float>(number)) == number));
  });
}

TEST_CASE("nlohmann reads what to_cbor writes", "[cbor]") {
  rc::prop("same content", [](const Value& value) {
    const Value plain = within_their_reach(value);
    RC_ASSERT(nlohmann::ordered_json::from_cbor(to_cbor(plain)) == as_theirs(plain));
  });
}

TEST_CASE("to_cbor and nlohmann write the same bytes where both are canonical", "[cbor]") {
  rc::prop("same bytes", [](const Value& value) {
    const Value plain = within_their_reach(value);
    const auto theirs = nlohmann::ordered_json::to_cbor(as_theirs(plain));
    const Bytes ours = to_cbor(plain);
    RC_ASSERT(to_hex(ours) == to_hex(std::as_bytes(std::span{theirs})));
    RC_ASSERT(from_cbor(std::as_bytes(std::span{theirs})).value() == plain);
  });
}

TEST_CASE("every encoding but the canonical one is refused", "[cbor]") {
  for (const char* hex : {"1800",
                          "1817",
                          "190018",
                          "1900ff",
                          "1a0000ffff",
                          "1b00000000ffffffff",
                          "3800",
                          "5800",
                          "7801ff",
                          "980100",  // too long
                          "fa3fc00000",
                          "fb3ff8000000000000",
                          "fb47efffffe0000000",
                          "fa7fc00000",
                          "fb7ff0000000000000",
                          "fa00000000",  // wider than needed
                          "a2616200616100",
                          "a262616100616200",
                          "a2616100616100",
                          "a2616100",
                          "a10000",
                          "a1f600",
                          "a1410000",  // keys
                          "9fff",
                          "5f4100ff",
                          "7f6161ff",
                          "bfff",
                          "ff",
                          "1f",
                          "fc",
                          "fd",
                          "fe",
                          "1c",  // indefinite, reserved
                          "f7",
                          "f0",
                          "f820",
                          "f8ff",
                          "e0",  // simple values
                          "c000",
                          "d9d9f700",
                          "da5448455300",
                          "da544845534100",
                          "da54484553584000",  // tags
                          "61ff",
                          "62c080",
                          "63eda080",
                          "a161ff00",  // no UTF-8
                          "1bffffffffffffffff",
                          "1b8000000000000000",
                          "3bffffffffffffffff",
                          "3b8000000000000000",  // beyond int64
                          "",
                          "18",
                          "19ff",
                          "fb00",
                          "61",
                          "4201",
                          "81",
                          "820000ff",
                          "0000",
                          "a1",
                          "a16161"}) {  // cut or trailing
    CAPTURE(hex);
    CHECK(refusal(from_hex(hex)) == Errc::bad_input);
  }
  const auto trailing = from_cbor(from_hex("8100f6"));
  CHECK(trailing.error().field("offset")->as_int() == 2);
}

TEST_CASE("a length that no memory holds is refused before anything is allocated [F28]", "[cbor][F28]") {
  for (const char* hex : {"9b7fffffffffffffff", "9bffffffffffffffff", "bb7fffffffffffffff", "bbffffffffffffffff",
                          "5b7fffffffffffffff", "5bffffffffffffffff", "7b7fffffffffffffff", "7bffffffffffffffff",
                          "9affffffff", "bb8000000000000000", "9a0000ffff00", "5a7fffffff00"}) {
    CAPTURE(hex);
    CHECK(refusal(from_hex(hex)) == Errc::bad_input);
  }
  // Announced again at every level, such a length costs nothing either.
  Bytes nested;
  for (int i = 0; i < 60; ++i)
    for (const std::byte byte : from_hex("9a0000ffff"))
      nested.push_back(byte);
  nested.resize(70'000);
  CHECK(refusal(nested) == Errc::bad_input);
}

TEST_CASE("bytes over a limit are refused [F74]", "[cbor][F74]") {
  const auto nested = [](std::size_t depth) {
    Bytes bytes(depth, std::byte{0x81});
    bytes.back() = std::byte{0x80};
    return bytes;
  };
  CHECK(from_cbor(nested(64)).ok());
  CHECK(refusal(nested(65)) == Errc::too_deep);
  CHECK(refusal(nested(1'000'000)) == Errc::too_deep);
  CHECK(refusal(from_hex("83010203"), {.bytes_max = 3}) == Errc::too_large);
}

TEST_CASE("take_cbor takes one value from the front of many", "[cbor]") {
  const Bytes bytes = from_hex(
      "01"
      "8102"
      "6161");
  std::span<const std::byte> rest = bytes;
  CHECK(take_cbor(rest).value() == Value{1});
  CHECK(take_cbor(rest, {.bytes_max = 2}).value() == Value::list({2}));
  CHECK(take_cbor(rest, {.bytes_max = 1}).error().code() == Errc::too_large);
  CHECK(rest.size() == 2);
  CHECK(take_cbor(rest).value() == Value{"a"});
  CHECK(take_cbor(rest).error().code() == Errc::bad_input);
}

TEST_CASE("bytes that are accepted are the encoding of what they gave", "[cbor]") {
  rc::prop("altered encodings", [](const Value& value) {
    Bytes bytes = to_cbor(value);
    const auto changes = *rc::gen::container<std::vector<std::pair<std::size_t, std::uint8_t>>>(
        rc::gen::pair(rc::gen::arbitrary<std::size_t>(), rc::gen::arbitrary<std::uint8_t>()));
    for (const auto& [at, byte] : changes)
      bytes[at % bytes.size()] = static_cast<std::byte>(byte);
    if (const auto back = from_cbor(bytes))
      RC_ASSERT(to_cbor(*back) == bytes);
  });
  rc::prop("random bytes", [](const std::vector<std::uint8_t>& random) {
    const auto bytes = std::as_bytes(std::span{random});
    if (const auto back = from_cbor(bytes))
      RC_ASSERT(to_hex(to_cbor(*back)) == to_hex(bytes));
  });
}

TEST_CASE("encoded_size stops counting once it is enough", "[cbor]") {
  Value list = Value::list(std::vector<Value>(1000, Value{"0123456789"}));
  CHECK(encoded_size(list) == 3 + 11 * 1000);
  CHECK(encoded_size(list, 100) < 120);
  CHECK(encoded_size(list, 100) > 100);
}

TEST_CASE("a value a million levels deep is encoded without a crash [F74]", "[cbor][F74]") {
  Value deep = 0;
  for (int i = 0; i < 1'000'000; ++i)
    deep = Value::list({deep});
  CHECK(to_cbor(deep).size() == 1'000'001);
  CHECK(encoded_size(deep) == 1'000'001);
}

}  // namespace
}  // namespace theus

#pragma once

// Random values and paths for property tests: `*rc::gen::arbitrary<Value>()`, or a Value as parameter of a property.
// Sizes are bounded: strings up to a few hundred bytes, containers up to a few dozen members, four levels.

#include <theus/json.hpp>
#include <theus/path.hpp>

#include <rapidcheck/catch.h>

#include <bit>
#include <ostream>

namespace theus {

inline void showValue(const Value& value, std::ostream& out) { out << to_json(value); }
inline void showValue(const Path& path, std::ostream& out) { out << path.text(); }

namespace testing {

/// UTF-8 from all planes, with the characters that formats tend to get wrong.
inline rc::Gen<std::string> text() {
  const auto fragment = rc::gen::weightedOneOf<std::string>(
      {{6, rc::gen::map(rc::gen::inRange<char>('a', 'z'), [](char c) { return std::string(1, c); })},
       {2,
        rc::gen::element<std::string>("\"", "\\", "/", "\n", "\r", "\t", "\x01", "\x1b", "\x7f", std::string(1, '\0'))},
       {2, rc::gen::element<std::string>("\u00e9", "\u0085", "\u2028", "\u202e", "\ufeff", "\uffff", "\U0001f600",
                                         "\U0010ffff")},
       {1, rc::gen::element<std::string>("$", "$bytes", "nan", "0", "1.0", ".", "[", "'", " ")}});
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(fragment),
                      [](const std::vector<std::string>& parts) {
                        std::string whole;
                        for (const std::string& part : parts)
                          whole += part;
                        return whole;
                      });
}

/// What a path accepts as a key: 1 to 255 bytes without control characters. Often equal, so that maps and paths meet.
inline rc::Gen<std::string> key() {
  return rc::gen::weightedOneOf<std::string>(
      {{5, rc::gen::element<std::string>("a", "b", "c", "aa", "ab", "10", "9", "count",
                                         "a key of more than fifteen bytes")},
       {2, rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::inRange<char>('a', 'f')))},
       {1, rc::gen::element<std::string>("a.b", "it's", "x[0]", "\u00e9\u00e8", "back\\slash", "$bytes", "$$real")}});
}

/// Doubles of every class, but no NaN and no infinity: limits, subnormals, what fits into a half or a single, any bits.
inline rc::Gen<double> finite() {
  return rc::gen::weightedOneOf<double>(
      {{2,
        rc::gen::element(0.0, -0.0, 1.0, -1.5, 0.1, 65504.0, 65505.0, 5.960464477539063e-8, 1e-7, 3.4028234663852886e38,
                         1.401298464324817e-45, 5e-324, 1.7976931348623157e308, 1e22, 123456789012345680.0)},
       {1, rc::gen::map(rc::gen::arbitrary<float>(), [](float number) { return static_cast<double>(number); })},
       {1, rc::gen::map(rc::gen::arbitrary<int>(), [](int number) { return number / 8.0; })},
       {2, rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t bits) {
          const double number = std::bit_cast<double>(bits);
          return std::isfinite(number) ? number : 0.5;
        })}});
}

inline rc::Gen<std::int64_t> integer() {
  return rc::gen::weightedOneOf<std::int64_t>(
      {{2, rc::gen::arbitrary<std::int64_t>()},
       {2, rc::gen::inRange<std::int64_t>(-300, 300)},
       {1, rc::gen::element<std::int64_t>(23, 24, 255, 256, 65535, 65536, 4294967295, 4294967296, -24, -25, INT64_MAX,
                                          INT64_MIN)}});
}

inline rc::Gen<Value> scalar() {
  const auto to = [](const auto& content) { return Value{content}; };
  return rc::gen::weightedOneOf<Value>({{1, rc::gen::just(Value{})},
                                        {1, rc::gen::map(rc::gen::arbitrary<bool>(), to)},
                                        {4, rc::gen::map(integer(), to)},
                                        {4, rc::gen::map(finite(), to)},
                                        {4, rc::gen::map(text(), to)},
                                        {1, rc::gen::map(rc::gen::arbitrary<std::vector<std::uint8_t>>(),
                                                         [](const std::vector<std::uint8_t>& bytes) {
                                                           return Value::bytes(std::as_bytes(std::span{bytes}));
                                                         })},
                                        {1, rc::gen::map(rc::gen::arbitrary<std::uint64_t>(), [](std::uint64_t word) {
                                           return Value::heavy(HeavyRef{{word, 1, 2, 3, ~word, 5, 6, word}});
                                         })}});
}

/// Any value with up to `levels` levels of lists and maps.
inline rc::Gen<Value> value(int levels = 4) {
  if (levels == 0)
    return scalar();
  const auto inner = rc::gen::lazy([levels] { return value(levels - 1); });
  const auto list = rc::gen::map(rc::gen::container<std::vector<Value>>(inner),
                                 [](std::vector<Value> items) { return Value::list(std::move(items)); });
  using Members = std::vector<std::pair<std::string, Value>>;
  const auto map = rc::gen::map(rc::gen::container<Members>(rc::gen::pair(key(), inner)),
                                [](Members members) { return Value::map(std::move(members)); });
  return rc::gen::weightedOneOf<Value>({{3, scalar()}, {2, rc::gen::scale(0.3, list)}, {3, rc::gen::scale(0.3, map)}});
}

/// Paths of up to six segments.
inline rc::Gen<Path> path() {
  const auto step = rc::gen::pair(key(), rc::gen::inRange<int>(-6, 3));
  return rc::gen::map(rc::gen::container<std::vector<std::pair<std::string, int>>>(step),
                      [](const std::vector<std::pair<std::string, int>>& steps) {
                        Path path;
                        for (std::size_t i = 0; i < std::min<std::size_t>(steps.size(), 6); ++i)
                          path = i > 0 && steps[i].second >= 0 ? path.index(static_cast<std::size_t>(steps[i].second))
                                                               : path.key(steps[i].first);
                        return path;
                      });
}

}  // namespace testing
}  // namespace theus

namespace rc {

template <>
struct Arbitrary<theus::Value> {
  static Gen<theus::Value> arbitrary() { return theus::testing::value(); }
};

template <>
struct Arbitrary<theus::Path> {
  static Gen<theus::Path> arbitrary() { return theus::testing::path(); }
};

}  // namespace rc

#include "runtime/expression_compare.hpp"

#include <cmath>

namespace theus {
namespace {

constexpr int depth_max = 64;

template <class T>
int sign_of(T left, T right) noexcept {
  return left < right ? -1 : left > right ? 1 : 0;
}

// Exact, unlike a comparison after conversion to double, which has 53 bits only.
int compare_exactly(std::int64_t integer, double real) noexcept {
  constexpr double two_to_63 = 9223372036854775808.0;
  if (real >= two_to_63)
    return -1;
  if (real < -two_to_63)
    return 1;
  const double whole = std::trunc(real);
  const int order = sign_of(integer, static_cast<std::int64_t>(whole));
  return order != 0 ? order : sign_of(whole, real);
}

}  // namespace

std::optional<int> ordering(const Value& left, const Value& right) noexcept {
  if (left.is_int() && right.is_int())
    return sign_of(left.as_int(), right.as_int());
  if (left.is_string() && right.is_string())
    return sign_of(left.as_string().compare(right.as_string()), 0);
  if (!left.is_number() || !right.is_number())
    return std::nullopt;
  if ((left.is_double() && std::isnan(left.as_double())) || (right.is_double() && std::isnan(right.as_double())))
    return std::nullopt;
  if (left.is_int())
    return compare_exactly(left.as_int(), right.as_double());
  if (right.is_int())
    return -compare_exactly(right.as_int(), left.as_double());
  return sign_of(left.as_double(), right.as_double());
}

std::optional<bool> equal_values(const Value& left, const Value& right, int depth) noexcept {
  if (left.is_number() && right.is_number())
    return ordering(left, right) == 0;
  if (left.kind() != right.kind())
    return false;
  if (!left.is_list() && !left.is_map())
    return left == right;
  if (depth == depth_max)
    return std::nullopt;
  if (left.size() != right.size())
    return false;
  if (left.is_list()) {
    auto other = right.items().begin();
    for (const Value& item : left.items()) {
      const auto same = equal_values(item, *other++, depth + 1);
      if (same != true)
        return same;
    }
    return true;
  }
  for (const auto [key, item] : left.members()) {
    const Value* other = right.find(key);
    if (other == nullptr)
      return false;
    const auto same = equal_values(item, *other, depth + 1);
    if (same != true)
      return same;
  }
  return true;
}

}  // namespace theus

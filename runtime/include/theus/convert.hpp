#pragma once

#include <theus/value.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <map>
#include <optional>
#include <tuple>

namespace theus {

/// How a C++ type becomes a Value and back; specialise it for types of your own, or declare a struct's
/// fields with THEUS_FIELDS (<theus/fields.hpp>). `from` never converts silently: an integer is no double.
template <class T, class = void>
struct Convert;

template <class T>
concept Convertible = requires(const T& object, const Value& value) {
  { Convert<T>::to(object) } -> std::convertible_to<Value>;
  { Convert<T>::from(value) } -> std::same_as<Result<T>>;
};

/// The Value of a C++ object.
template <class T>
Value to_value(const T& object) {
  return Convert<T>::to(object);
}

// What conversions refuse with: bad_argument, whose place and field `path` say where in the value.

/// What was wanted and what is there.
Error wrong_kind(std::string_view wanted, const Value& found);
Error out_of_range(const Value& number);
Error wrong_length(std::size_t wanted, const Value& list);
/// The same error of a value that is a member or an element: `price` becomes `lines[2].price` step by step.
Error within(std::string_view key, const Error& inner);
Error within(std::size_t index, const Error& inner);

template <class T>
Result<T> Value::get() const {
  return Convert<T>::from(*this);
}

template <>
struct Convert<Value> {
  static Value to(const Value& object) { return object; }
  static Result<Value> from(const Value& value) { return value; }
};

template <>
struct Convert<bool> {
  static Value to(bool object) { return object; }
  static Result<bool> from(const Value& value) {
    if (!value.is_bool())
      return wrong_kind("boolean", value);
    return value.as_bool();
  }
};

template <std::integral T>
struct Convert<T> {
  static Value to(T object) { return object; }
  static Result<T> from(const Value& value) {
    if (!value.is_int())
      return wrong_kind("integer", value);
    if (!std::in_range<T>(value.as_int()))
      return out_of_range(value);
    return static_cast<T>(value.as_int());
  }
};

/// float and double. A float gets the nearest one; what is beyond its range is refused.
template <std::floating_point T>
  requires(sizeof(T) <= sizeof(double))
struct Convert<T> {
  static Value to(T object) { return object; }
  static Result<T> from(const Value& value) {
    if (!value.is_double())
      return wrong_kind("real", value);
    if (std::isfinite(value.as_double()) && std::abs(value.as_double()) > std::numeric_limits<T>::max())
      return out_of_range(value);
    return static_cast<T>(value.as_double());
  }
};

template <>
struct Convert<std::string> {
  static Value to(const std::string& object) { return object; }
  static Result<std::string> from(const Value& value) {
    if (!value.is_string())
      return wrong_kind("string", value);
    return std::string{value.as_string()};
  }
};

template <>
struct Convert<std::string_view> {
  static Value to(std::string_view object) { return object; }
};

template <>
struct Convert<const char*> {
  static Value to(const char* object) { return object; }
};

template <std::size_t N>
struct Convert<char[N]> {
  static Value to(const char* object) { return object; }
};

template <>
struct Convert<std::vector<std::byte>> {
  static Value to(const std::vector<std::byte>& object) { return Value::bytes(object); }
  static Result<std::vector<std::byte>> from(const Value& value) {
    if (!value.is_bytes())
      return wrong_kind("bytes", value);
    return std::vector<std::byte>{value.as_bytes().begin(), value.as_bytes().end()};
  }
};

template <>
struct Convert<HeavyRef> {
  static Value to(const HeavyRef& object) { return Value::heavy(object); }
  static Result<HeavyRef> from(const Value& value) {
    if (!value.is_heavy())
      return wrong_kind("heavy", value);
    return value.as_heavy();
  }
};

/// null stands for the empty optional.
template <class T>
struct Convert<std::optional<T>> {
  static Value to(const std::optional<T>& object) { return object ? to_value<T>(*object) : Value{}; }
  static Result<std::optional<T>> from(const Value& value) {
    if (value.is_null())
      return std::optional<T>{};
    auto inner = Convert<T>::from(value);
    if (!inner)
      return inner.error();
    return std::optional<T>{*std::move(inner)};
  }
};

/// The list of a range's elements.
template <class Range>
Value list_of(const Range& range) {
  std::vector<Value> items;
  items.reserve(range.size());
  for (const auto& item : range)
    items.push_back(to_value<typename Range::value_type>(item));
  return Value::list(std::move(items));
}

template <class T>
struct Convert<std::vector<T>> {
  static Value to(const std::vector<T>& object) { return list_of(object); }
  static Result<std::vector<T>> from(const Value& value) {
    if (!value.is_list())
      return wrong_kind("list", value);
    std::vector<T> object;
    object.reserve(value.size());
    for (const Value& item : value.items()) {
      auto converted = Convert<T>::from(item);
      if (!converted)
        return within(object.size(), converted.error());
      object.push_back(*std::move(converted));
    }
    return object;
  }
};

/// A span is written as a list; nothing reads into one, because it owns no elements.
template <class T, std::size_t N>
struct Convert<std::span<T, N>> {
  static Value to(std::span<T, N> object) { return list_of(object); }
};

template <class T, std::size_t N>
struct Convert<std::array<T, N>> {
  static Value to(const std::array<T, N>& object) { return list_of(object); }
  static Result<std::array<T, N>> from(const Value& value) {
    if (!value.is_list())
      return wrong_kind("list", value);
    if (value.size() != N)
      return wrong_length(N, value);
    std::array<T, N> object{};
    for (std::size_t i = 0; i < N; ++i) {
      auto converted = Convert<T>::from(value[i]);
      if (!converted)
        return within(i, converted.error());
      object[i] = *std::move(converted);
    }
    return object;
  }
};

/// Tuples and pairs are lists of exactly their length.
template <class Tuple, class... T>
struct ConvertTuple {
  static Value to(const Tuple& object) {
    return std::apply([](const T&... items) { return Value::list({to_value<T>(items)...}); }, object);
  }
  static Result<Tuple> from(const Value& value) {
    if (!value.is_list())
      return wrong_kind("list", value);
    if (value.size() != sizeof...(T))
      return wrong_length(sizeof...(T), value);
    return from(value, std::index_sequence_for<T...>{});
  }

private:
  template <std::size_t... I>
  static Result<Tuple> from(const Value& value, std::index_sequence<I...>) {
    std::tuple<Result<T>...> converted{Convert<T>::from(value[I])...};
    std::optional<Error> error;
    [[maybe_unused]] const auto check = [&](std::size_t index, const auto& item) {
      if (!error && !item)
        error = within(index, item.error());
    };
    (check(I, std::get<I>(converted)), ...);
    if (error)
      return *error;
    return Tuple{*std::move(std::get<I>(converted))...};
  }
};

template <class... T>
struct Convert<std::tuple<T...>> : ConvertTuple<std::tuple<T...>, T...> {};

template <class A, class B>
struct Convert<std::pair<A, B>> : ConvertTuple<std::pair<A, B>, A, B> {};

/// std::map, std::unordered_map and what looks like them.
template <class T>
concept StringMap = std::same_as<typename T::key_type, std::string> && requires(T map, typename T::mapped_type item) {
  map.emplace(std::string{}, std::move(item));
  map.size();
};

template <StringMap T>
struct Convert<T> {
  static Value to(const T& object) {
    std::vector<std::pair<std::string, Value>> members;
    members.reserve(object.size());
    for (const auto& [key, item] : object)
      members.emplace_back(key, to_value<typename T::mapped_type>(item));
    return Value::map(std::move(members));
  }
  static Result<T> from(const Value& value) {
    if (!value.is_map())
      return wrong_kind("map", value);
    T object;
    for (const auto [key, item] : value.members()) {
      auto converted = Convert<typename T::mapped_type>::from(item);
      if (!converted)
        return within(key, converted.error());
      object.emplace(key, *std::move(converted));
    }
    return object;
  }
};

}  // namespace theus

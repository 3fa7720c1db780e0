#pragma once

#include <theus/value.hpp>

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

/// The error of a conversion: what was wanted and what is there.
Error wrong_kind(std::string_view wanted, const Value& found);

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
      return Error{Errc::bad_argument, "", "the integer " + std::to_string(value.as_int()) + " is out of range"};
    return static_cast<T>(value.as_int());
  }
};

template <std::floating_point T>
struct Convert<T> {
  static Value to(T object) { return static_cast<double>(object); }
  static Result<T> from(const Value& value) {
    if (!value.is_double())
      return wrong_kind("real", value);
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

template <class T>
struct Convert<std::optional<T>> {
  static Value to(const std::optional<T>& object) { return object ? to_value(*object) : Value{}; }
  static Result<std::optional<T>> from(const Value& value) {
    if (value.is_null())
      return std::optional<T>{};
    auto inner = Convert<T>::from(value);
    if (!inner)
      return inner.error();
    return std::optional<T>{*std::move(inner)};
  }
};

template <class T>
struct Convert<std::vector<T>> {
  static Value to(const std::vector<T>& object) {
    std::vector<Value> items;
    items.reserve(object.size());
    for (const auto& item : object)
      items.push_back(to_value<T>(item));
    return Value::list(std::move(items));
  }
  static Result<std::vector<T>> from(const Value& value) {
    if (!value.is_list())
      return wrong_kind("list", value);
    std::vector<T> object;
    object.reserve(value.size());
    for (const Value& item : value.items()) {
      auto converted = Convert<T>::from(item);
      if (!converted)
        return converted.error();
      object.push_back(*std::move(converted));
    }
    return object;
  }
};

template <class T>
struct Convert<std::map<std::string, T>> {
  static Value to(const std::map<std::string, T>& object) {
    Value map = Value::map();
    for (const auto& [key, item] : object)
      map.set(key, to_value(item));
    return map;
  }
  static Result<std::map<std::string, T>> from(const Value& value) {
    if (!value.is_map())
      return wrong_kind("map", value);
    std::map<std::string, T> object;
    for (const auto [key, item] : value.members()) {
      auto converted = Convert<T>::from(item);
      if (!converted)
        return converted.error();
      object.emplace(key, *std::move(converted));
    }
    return object;
  }
};

}  // namespace theus

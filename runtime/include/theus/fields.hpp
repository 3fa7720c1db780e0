#pragma once

#include <theus/each.hpp>
#include <theus/value.hpp>

#include <algorithm>
#include <type_traits>

/// The global namespace, as an argument: calls that pass it find declarations made there, too.
struct TheusGlobalScope {};

/// Declares which members of a struct its Value has:
///
///   struct Order { int id; double amount; std::optional<std::string> note; };
///   THEUS_FIELDS(Order, id, amount, note)
///
/// at namespace scope, in the namespace of the struct or in the global one, with 1 to 64 members, inherited ones too.
/// Then `to_value(order)` is a map, `value.get<Order>()` makes an Order of one or tells which field is missing, unknown
/// or of another kind, and describe<Order>() (<theus/describe.hpp>) lists the fields. A member of optional type may be
/// absent and is not written while it is empty; all others must be there.
#define THEUS_FIELDS(Type, ...)                                                               \
  [[maybe_unused]] constexpr auto theus_fields(::theus::Declared<Type>, ::TheusGlobalScope) { \
    using TheusStruct = Type;                                                                 \
    return ::theus::Fields{#Type, ::std::tuple{THEUS_EACH(THEUS_FIELD, __VA_ARGS__)}};        \
  }
#define THEUS_FIELD(name) \
  ::theus::Field { #name, &TheusStruct::name }

/// Declares what the schema of a struct (<theus/schema.hpp>) says beyond the types of its members: keywords of a
/// member by its name, of the struct itself by "". They take the place of keywords that follow from the types.
///
///   THEUS_CONSTRAINTS(Order, {"amount", R"({"minimum": 0})"}, {"note", R"({"maxLength": 80})"})
///
/// Scope as for THEUS_FIELDS.
#define THEUS_CONSTRAINTS(Type, ...)                                                            \
  [[maybe_unused]] inline auto theus_constraints(::theus::Declared<Type>, ::TheusGlobalScope) { \
    return ::std::vector<::theus::Constraint>{__VA_ARGS__};                                     \
  }

/// Declares the enumerators of an enumeration, whose Values are their names: THEUS_ENUM(Color, red, green).
/// Scope and bounds as for THEUS_FIELDS. Writing an enumerator that has no name throws LogicError bad_argument.
#define THEUS_ENUM(Type, ...)                                                                \
  [[maybe_unused]] constexpr auto theus_names(::theus::Declared<Type>, ::TheusGlobalScope) { \
    using TheusEnum = Type;                                                                  \
    return ::theus::Names{#Type, ::std::array{THEUS_EACH(THEUS_ENUMERATOR, __VA_ARGS__)}};   \
  }
#define THEUS_ENUMERATOR(name) \
  ::std::pair { ::std::string_view{#name}, TheusEnum::name }

namespace theus {

template <class T>
struct Declared {};

/// A member of a struct and its name.
template <class Struct, class T>
struct Field {
  std::string_view name;
  T Struct::*member;
};

template <class... T>
struct Fields {
  std::string_view type;
  std::tuple<T...> fields;
};

template <class T, std::size_t N>
struct Names {
  std::string_view type;
  std::array<std::pair<std::string_view, T>, N> names;
};

template <class Struct, class T>
Field(const char*, T Struct::*) -> Field<Struct, T>;
template <class... T>
Fields(const char*, std::tuple<T...>) -> Fields<T...>;
template <class T, std::size_t N>
Names(const char*, std::array<std::pair<std::string_view, T>, N>) -> Names<T, N>;

/// Keywords of a schema, as JSON, for the member of that name; for the struct itself when the name is empty.
struct Constraint {
  std::string member;
  std::string keywords;
};

template <class T>
concept HasFields = requires { theus_fields(Declared<T>{}, TheusGlobalScope{}); };

template <class T>
concept HasNames = requires { theus_names(Declared<T>{}, TheusGlobalScope{}); };

template <class T>
concept HasConstraints = requires { theus_constraints(Declared<T>{}, TheusGlobalScope{}); };

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;

Error missing_field(std::string_view type, std::string_view name);
Error unknown_field(std::string_view type, std::string_view name, std::span<const std::string_view> known);
Error unknown_name(std::string_view type, std::string_view name, std::span<const std::string_view> known);
[[noreturn]] void refuse_unnamed(std::string_view type, std::int64_t number);

/// The declared names of a struct's members, in order.
template <HasFields T>
std::vector<std::string> field_names() {
  return std::apply([](const auto&... fields) { return std::vector<std::string>{std::string{fields.name}...}; },
                    theus_fields(Declared<T>{}, TheusGlobalScope{}).fields);
}

template <HasFields T>
struct Convert<T> {
  static constexpr auto declared = theus_fields(Declared<T>{}, TheusGlobalScope{});
  static constexpr std::size_t count = std::tuple_size_v<decltype(declared.fields)>;
  static_assert(count >= 1 && count <= 64, "THEUS_FIELDS takes 1 to 64 members");

  static Value to(const T& object) {
    Value map = Value::map();
    const auto write = [&](const auto& field) {
      const auto& member = object.*field.member;
      using FieldType = std::remove_cvref_t<decltype(member)>;
      if constexpr (is_optional<FieldType>) {
        if (!member)
          return;
      }
      map.set(field.name, to_value<FieldType>(member));
    };
    std::apply([&](const auto&... fields) { (write(fields), ...); }, declared.fields);
    return map;
  }

  static Result<T> from(const Value& value) {
    if (!value.is_map())
      return wrong_kind("map", value);
    T object{};
    std::size_t present = 0;
    std::optional<Error> error;
    const auto read = [&](const auto& field) {
      using FieldType = std::remove_cvref_t<decltype(object.*field.member)>;
      const Value* found = value.find(field.name);
      if (found == nullptr) {
        if (!is_optional<FieldType>)
          error = missing_field(declared.type, field.name);
        return !error;
      }
      ++present;
      auto converted = Convert<FieldType>::from(*found);
      if (converted)
        object.*field.member = *std::move(converted);
      else
        error = within(field.name, converted.error());
      return !error;
    };
    const bool read_all = std::apply([&](const auto&... fields) { return (read(fields) && ...); }, declared.fields);
    if (!read_all)
      return *error;
    if (present != value.size())
      return first_unknown(value);
    return object;
  }

private:
  static Error first_unknown(const Value& map) {
    const auto names = std::apply([](const auto&... fields) { return std::array{fields.name...}; }, declared.fields);
    for (const auto [key, item] : map.members())
      if (std::ranges::find(names, key) == names.end())
        return unknown_field(declared.type, key, names);
    return Error{Errc::internal, std::string{declared.type}, "a field was declared twice"};
  }
};

template <HasNames T>
struct Convert<T> {
  static constexpr auto declared = theus_names(Declared<T>{}, TheusGlobalScope{});
  static_assert(declared.names.size() >= 1 && declared.names.size() <= 64, "THEUS_ENUM takes 1 to 64 enumerators");

  static Value to(T object) {
    for (const auto& [name, enumerator] : declared.names)
      if (enumerator == object)
        return name;
    refuse_unnamed(declared.type, static_cast<std::int64_t>(object));
  }

  static Result<T> from(const Value& value) {
    if (!value.is_string())
      return wrong_kind("string", value);
    std::array<std::string_view, declared.names.size()> known;
    std::size_t at = 0;
    for (const auto& [name, enumerator] : declared.names) {
      if (value.as_string() == name)
        return enumerator;
      known[at++] = name;
    }
    return unknown_name(declared.type, value.as_string(), known);
  }
};

}  // namespace theus

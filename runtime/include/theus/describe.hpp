#pragma once

#include <theus/fields.hpp>

namespace theus {

struct FieldShape;

/// What the Values of a C++ type look like: what a schema is derived from.
struct Shape {
  /// Nothing when any kind will do.
  std::optional<Value::Kind> kind;
  /// Whether null will do as well; as a field it may then be absent, too.
  bool is_optional = false;
  /// Of an integer: the least and the greatest that fit.
  std::int64_t least = std::numeric_limits<std::int64_t>::min();
  std::int64_t greatest = std::numeric_limits<std::int64_t>::max();
  /// The name of a struct or enumeration as it was declared, else empty.
  std::string type;
  /// Of a struct, whose Values have no other members. A struct that contains itself has its fields only once, on the
  /// outside; `is_recursive` tells that they are to be found there.
  std::vector<FieldShape> fields;
  bool is_recursive = false;
  /// Of a struct: what THEUS_CONSTRAINTS says.
  std::vector<Constraint> constraints;
  /// Of an enumeration, whose Values are these strings.
  std::vector<std::string> names;
  /// Of a list or a map with members of one shape: that one. Of a tuple: one for each element.
  std::vector<Shape> items;
  /// Of a list of fixed length.
  std::optional<std::size_t> length;
};

struct FieldShape {
  std::string name;
  Shape shape;
};

/// The types inside of which another one is described.
struct ShapeScope {
  const void* type;
  const ShapeScope* around;

  bool holds(const void* other) const { return type == other || (around != nullptr && around->holds(other)); }
};

template <class T>
inline constexpr char type_mark = 0;

/// Specialise it beside a Convert of your own; types without one have Values of any kind.
template <class T, class = void>
struct Describe {
  static Shape shape(const ShapeScope*) { return {}; }
};

/// The shape of a type's Values.
template <class T>
Shape describe(const ShapeScope* around = nullptr) {
  return Describe<T>::shape(around);
}

inline Shape shape_of_kind(Value::Kind kind, std::vector<Shape> items = {}) {
  Shape shape;
  shape.kind = kind;
  shape.items = std::move(items);
  return shape;
}

template <std::integral T>
struct Describe<T> {
  static Shape shape(const ShapeScope*) {
    Shape shape = shape_of_kind(Value::Kind::integer);
    shape.least = std::max(shape.least, static_cast<std::int64_t>(std::numeric_limits<T>::min()));
    if (std::in_range<std::int64_t>(std::numeric_limits<T>::max()))
      shape.greatest = static_cast<std::int64_t>(std::numeric_limits<T>::max());
    return shape;
  }
};

template <>
struct Describe<bool> {
  static Shape shape(const ShapeScope*) { return shape_of_kind(Value::Kind::boolean); }
};

template <std::floating_point T>
struct Describe<T> {
  static Shape shape(const ShapeScope*) { return shape_of_kind(Value::Kind::real); }
};

template <>
struct Describe<std::string> {
  static Shape shape(const ShapeScope*) { return shape_of_kind(Value::Kind::string); }
};

template <>
struct Describe<std::vector<std::byte>> {
  static Shape shape(const ShapeScope*) { return shape_of_kind(Value::Kind::bytes); }
};

template <>
struct Describe<HeavyRef> {
  static Shape shape(const ShapeScope*) { return shape_of_kind(Value::Kind::heavy); }
};

template <class T>
struct Describe<std::optional<T>> {
  static Shape shape(const ShapeScope* around) {
    Shape shape = describe<T>(around);
    shape.is_optional = true;
    return shape;
  }
};

template <class T>
struct Describe<std::vector<T>> {
  static Shape shape(const ShapeScope* around) { return shape_of_kind(Value::Kind::list, {describe<T>(around)}); }
};

template <class T, std::size_t N>
struct Describe<std::array<T, N>> {
  static Shape shape(const ShapeScope* around) {
    Shape shape = describe<std::vector<T>>(around);
    shape.length = N;
    return shape;
  }
};

template <class... T>
struct Describe<std::tuple<T...>> {
  static Shape shape(const ShapeScope* around) {
    Shape shape = shape_of_kind(Value::Kind::list, {describe<T>(around)...});
    shape.length = sizeof...(T);
    return shape;
  }
};

template <class A, class B>
struct Describe<std::pair<A, B>> : Describe<std::tuple<A, B>> {};

template <StringMap T>
struct Describe<T> {
  static Shape shape(const ShapeScope* around) {
    return shape_of_kind(Value::Kind::map, {describe<typename T::mapped_type>(around)});
  }
};

template <HasNames T>
struct Describe<T> {
  static Shape shape(const ShapeScope*) {
    Shape shape = shape_of_kind(Value::Kind::string);
    shape.type = Convert<T>::declared.type;
    for (const auto& [name, enumerator] : Convert<T>::declared.names)
      shape.names.emplace_back(name);
    return shape;
  }
};

template <HasFields T>
struct Describe<T> {
  static Shape shape(const ShapeScope* around) {
    const ShapeScope inside{&type_mark<T>, around};
    Shape shape = shape_of_kind(Value::Kind::map);
    shape.type = Convert<T>::declared.type;
    shape.is_recursive = around != nullptr && around->holds(inside.type);
    if (shape.is_recursive)
      return shape;
    if constexpr (HasConstraints<T>)
      shape.constraints = theus_constraints(Declared<T>{}, TheusGlobalScope{});
    const auto add = [&](const auto& field) {
      using FieldType = std::remove_cvref_t<decltype(std::declval<T>().*field.member)>;
      shape.fields.push_back({std::string{field.name}, describe<FieldType>(&inside)});
    };
    std::apply([&](const auto&... fields) { (add(fields), ...); }, Convert<T>::declared.fields);
    return shape;
  }
};

}  // namespace theus

#pragma once

// Documents of schemas about the same few keys and values as meeting_value() and meeting_write().

#include "tests/support/random_writes.hpp"

namespace theus::testing {

inline rc::Gen<Value> schema_document(int levels);

/// One keyword and its value.
inline rc::Gen<std::pair<std::string, Value>> schema_keyword(int levels) {
  using Pair = std::pair<std::string, Value>;
  const auto with = [](std::string key, rc::Gen<Value> value) {
    return rc::gen::map(std::move(value), [key](Value made) { return Pair{key, std::move(made)}; });
  };
  const auto list_of = [](const rc::Gen<Value>& each) {
    return rc::gen::map(rc::gen::resize(3, rc::gen::nonEmpty(rc::gen::container<std::vector<Value>>(each))),
                        [](std::vector<Value> items) { return Value::list(std::move(items)); });
  };
  const auto size = rc::gen::map(rc::gen::inRange<int>(0, 3), [](int n) { return Value{n}; });
  const auto types = rc::gen::element<Value>("null", "boolean", "integer", "real", "number", "string", "array",
                                             "object", "object", Value::list({"object", "integer"}));
  const auto names =
      rc::gen::element<Value>(Value::list({"a"}), Value::list({"b"}), Value::list({"a", "b"}), Value::list({"x", "a"}));
  const auto bounds = rc::gen::element<Value>(0, 1, 0.5, 1.5, 2, -1);
  std::vector<std::pair<std::size_t, rc::Gen<Pair>>> all{
      {6, with("type", types)},
      {1, with("enum", list_of(meeting_value()))},
      {1, with("const", meeting_value())},
      {1, with("minimum", bounds)},
      {1, with("exclusiveMaximum", bounds)},
      {1, with("multipleOf", rc::gen::element<Value>(1, 2, 0.5))},
      {1, with("minLength", size)},
      {2, with("minItems", size)},
      {1, with("uniqueItems", rc::gen::element<Value>(true, false))},
      {1, with("maxProperties", size)},
      {4, with("required", names)},
  };
  if (levels > 0) {
    const auto below = rc::gen::lazy([levels] { return schema_document(levels - 1); });
    const auto properties = rc::gen::map(rc::gen::tuple(below, below, below), [](const auto& parts) {
      return Value{{"a", std::get<0>(parts)}, {"b", std::get<1>(parts)}, {"x", std::get<2>(parts)}};
    });
    all.insert(all.end(), {{6, with("properties", properties)},
                           {2, with("additionalProperties", below)},
                           {3, with("items", below)},
                           {1, with("items", list_of(below))},
                           {1, with("allOf", list_of(below))},
                           {1, with("anyOf", list_of(below))},
                           {1, with("oneOf", list_of(below))},
                           {1, with("not", below)}});
  }
  return rc::gen::join(rc::gen::map(rc::gen::inRange<std::size_t>(0,
                                                                  [&] {
                                                                    std::size_t sum = 0;
                                                                    for (const auto& [weight, gen] : all)
                                                                      sum += weight;
                                                                    return sum;
                                                                  }()),
                                    [all](std::size_t at) {
                                      for (const auto& [weight, gen] : all) {
                                        if (at < weight)
                                          return gen;
                                        at -= weight;
                                      }
                                      return all.front().second;
                                    }));
}

inline rc::Gen<Value> schema_document(int levels) {
  using Members = std::vector<std::pair<std::string, Value>>;
  return unscaled(
      rc::gen::map(rc::gen::resize(4, rc::gen::container<Members>(schema_keyword(levels))), [](Members members) {
        Value made = Value::map();
        for (auto& [key, item] : members)
          if (!(key == "const" && made.contains("enum")) && !(key == "enum" && made.contains("const")))
            made.set(key, std::move(item));
        return made;
      }));
}

}  // namespace theus::testing

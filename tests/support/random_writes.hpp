#pragma once

// Writes that meet: few paths, few values, all kinds.

#include "tests/support/generators.hpp"

#include <theus/write.hpp>

#include <rapidcheck.h>

#include <ostream>

namespace theus::testing {

// Ranges grow with RapidCheck's size; here all of them are wanted from the start.
template <class T>
rc::Gen<T> unscaled(rc::Gen<T> gen) {
  return rc::gen::resize(rc::kNominalSize, std::move(gen));
}

inline rc::Gen<Path> meeting_path() {
  return unscaled(
      rc::gen::map(rc::gen::tuple(rc::gen::inRange(0, 48), rc::gen::inRange(0, 256), rc::gen::inRange(0, 8)),
                   [](const std::tuple<int, int, int>& choice) {
                     auto [rarity, keys, index] = choice;
                     int length = rarity == 0 ? 1 : rarity < 8 ? 2 : rarity < 32 ? 3 : 4;
                     Path path{"domain"};
                     for (; length > 1; --length, keys /= 2)
                       path = path.key(std::string(1, static_cast<char>('a' + keys % 2)));
                     if (index < 2)
                       path = path.index(static_cast<std::size_t>(index));
                     if (index == 1)
                       path = path.key("x");
                     return path;
                   }));
}

inline rc::Gen<Value> meeting_value() {
  return rc::gen::element<Value>(0, 1, 1.5, nullptr, Value::list({1}), Value::list({1, Value{{"x", 1}}}), Value::map(),
                                 Value{{"a", 1}}, Value{{"a", Value{{"a", 1}, {"b", Value::list({1})}}}, {"b", 1}});
}

inline rc::Gen<Write> meeting_write() {
  const auto kind = rc::gen::weightedElement<Write::Kind>({{8, Write::Kind::set},
                                                           {4, Write::Kind::erase},
                                                           {2, Write::Kind::append},
                                                           {2, Write::Kind::increment},
                                                           {1, Write::Kind::max},
                                                           {1, Write::Kind::insert},
                                                           {2, Write::Kind::splice}});
  return unscaled(rc::gen::map(
      rc::gen::tuple(meeting_path(), meeting_value(), kind, rc::gen::inRange(0, 3), rc::gen::inRange(0, 2)),
      [](const std::tuple<Path, Value, Write::Kind, int, int>& parts) {
        const auto& [path, value, what, position, removed] = parts;
        return Write{path, value, what, static_cast<std::size_t>(position), static_cast<std::size_t>(removed)};
      }));
}

}  // namespace theus::testing

namespace theus {

inline void showValue(const Write& write, std::ostream& out) {
  out << to_string(write.kind) << " " << write.path.text();
  if (write.kind == Write::Kind::splice)
    out << " " << write.position << "-" << write.removed;
  if (write.kind != Write::Kind::erase)
    out << " " << to_json(write.value);
}

}  // namespace theus

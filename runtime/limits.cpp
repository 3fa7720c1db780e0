#include <theus/limits.hpp>

#include "runtime/cbor.hpp"
#include "runtime/escape.hpp"
#include "runtime/path_key.hpp"
#include "runtime/walk.hpp"

#include <cmath>

namespace theus {
namespace {

Error located(Errc code, const Path& path, std::string cause, std::string remedy = {}) {
  return Error{code, path.is_root() ? "the value" : path.text(), std::move(cause), std::move(remedy)}  //
      .with("path", path.text());
}

Error too_deep(const Path& path, std::size_t limit) {
  return located(Errc::too_deep, path, "lists and maps stand more than " + std::to_string(limit) + " deep")
      .with("limit", limit)
      .with("asked", limit + 1);
}

// The first member that is too large by itself, unless those before it are too large together.
const Value* large_member(const Value& container, std::size_t limit, Path& path) {
  std::size_t together = 0;
  const auto is_large = [&](const Value& member) {
    const std::size_t size = encoded_size(member, limit);
    together += size;
    return size > limit;
  };
  std::size_t index = 0;
  for (const Value& item : container.items()) {
    if (is_large(item)) {
      path = path.index(index);
      return &item;
    }
    if (together > limit)
      return nullptr;
    ++index;
  }
  for (const auto [key, item] : container.members()) {
    if (is_large(item)) {
      path = path.key(key);
      return &item;
    }
    if (together > limit)
      return nullptr;
  }
  return nullptr;
}

// Names what is too large by itself: a long string, or a list of many elements.
Error too_large(const Value& value, std::size_t limit) {
  Path path;
  for (const Value* part = &value; part != nullptr && path.size() < Path::segments_max;)
    part = large_member(*part, limit, path);
  return located(Errc::too_large, path, "the encoded value has more than " + std::to_string(limit) + " bytes")
      .with("limit", limit);
}

bool is_finite(const Value& value) { return !value.is_double() || std::isfinite(value.as_double()); }

}  // namespace

Status check_limits(const Value& value, const ValueLimits& limits) {
  const auto bytes = measured_bytes(value, limits);
  return bytes ? Status{} : Status{bytes.error()};
}

Result<std::size_t> measured_bytes(const Value& value, const ValueLimits& limits) {
  std::size_t bytes = 0;
  Walk walk{value};
  while (walk.next()) {
    if (walk.step() == Walk::Step::leave)
      continue;
    if (walk.step() == Walk::Step::enter && walk.depth() >= limits.depth_max)
      return too_deep(walk.path(), limits.depth_max);
    bytes += step_bytes(walk);
    if (bytes > limits.bytes_max)
      return too_large(value, limits.bytes_max);
    if (const char* fault = walk.key() != nullptr ? key_fault(*walk.key()) : nullptr)
      return located(Errc::bad_argument, walk.path(), fault, "Store such keys as strings in a list of pairs");
    if (walk.value().is_string() && !is_utf8(walk.value().as_string()))
      return located(Errc::bad_argument, walk.path(), "a string is not UTF-8", "Store such content as bytes");
  }
  return bytes;
}

std::optional<Path> find_non_finite(const Value& value) {
  Walk walk{value};
  while (walk.next())
    if (!is_finite(walk.value()))
      return walk.path();
  return std::nullopt;
}

}  // namespace theus

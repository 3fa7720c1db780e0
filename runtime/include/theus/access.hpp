#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace theus {

/// What may be done at one path and below, in place of what its zone allows.
enum class PathAccess : std::uint8_t {
  // NOLINTNEXTLINE(readability-identifier-naming): without the underscore it is a keyword
  mutable_,     ///< everything, also to a constant
  append_only,  ///< read and append
  immutable,    ///< read; written when the engine is built, if at all
};

struct PathOverride {
  std::string path;  ///< may hold the wildcards `*` and `**`; of several that match, the one with most segments counts
  PathAccess access = PathAccess::immutable;

  friend bool operator==(const PathOverride&, const PathOverride&) = default;
};

/// What may be done below one root key.
enum class RootPolicy : std::uint8_t {
  open,       ///< what the zones allow
  granted,    ///< as open, but writing needs a grant: the capability `write:NAME` of a process, or an option of a call
  read_only,  ///< written when the engine is built only
  scratch,    ///< never committed
};

struct Namespace {
  std::string name;
  RootPolicy policy = RootPolicy::open;

  friend bool operator==(const Namespace&, const Namespace&) = default;
};

/// Who may do what where, fixed when the engine is built. Without any of it: `global` is `granted`, `local` is
/// `scratch`, every other root key is `open`, and zones have their usual ceilings.
struct AccessOptions {
  std::vector<Namespace> namespaces{};
  std::vector<PathOverride> overrides{};
  /// Lets transactions, and processes with the capability `admin`, ask for elevation.
  bool admin = false;
  /// Elements that a list in the meta zone keeps, and members that the layer `meta` keeps; the oldest go.
  std::size_t meta_entries_max = 1000;

  friend bool operator==(const AccessOptions&, const AccessOptions&) = default;
};

}  // namespace theus

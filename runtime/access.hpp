#pragma once

#include "runtime/heavy_gate.hpp"
#include "runtime/path_pattern.hpp"
#include "runtime/zone_set.hpp"

#include <theus/access.hpp>
#include <theus/write.hpp>

#include <algorithm>
#include <memory>
#include <vector>

namespace theus {

/// What may be done at a path, as a set.
enum class Rights : std::uint8_t { none = 0, read = 1, append = 2, update = 4, erase = 8, all = 15 };

constexpr Rights operator|(Rights a, Rights b) noexcept {
  return static_cast<Rights>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
constexpr bool includes(Rights all, Rights some) noexcept {
  return (static_cast<unsigned>(all) & static_cast<unsigned>(some)) == static_cast<unsigned>(some);
}

/// What this kind of write needs.
Rights needed_for(Write::Kind kind) noexcept;

/// What a caller may do beyond the ordinary.
struct Standing {
  bool is_elevated = false;           ///< admin: what zones and grants forbid is allowed, but no constant changes
  bool is_starting = false;           ///< the engine is being built: everything is allowed but scratch
  std::vector<std::string> grants{};  ///< root keys of policy `granted` that may be written

  /// That of somebody who does nothing else.
  static const Standing& ordinary() noexcept { return nothing_more_; }

  friend bool operator==(const Standing&, const Standing&) = default;

  /// Takes in what the other may do: each write of the other has been checked by itself.
  void join(const Standing& other);

private:
  static const Standing nothing_more_;
};

/// The ceilings of one engine, by zone, root key and path. Immutable, shared between threads.
class AccessTable {
public:
  static const std::shared_ptr<const AccessTable>& standard();
  /// Refuses (bad_argument) malformed names and paths, (duplicate_name) a name that comes twice.
  /// `heavy` decides what the heavy zone takes; nullptr: the kind of the value does.
  static Result<std::shared_ptr<const AccessTable>> compile(const AccessOptions& options,
                                                            std::shared_ptr<HeavyGate> heavy = nullptr);

  Rights ceiling(const Path& path, const Standing& standing) const noexcept;
  /// Whether everybody may do everything at the path. It may be so even where this says no.
  bool is_open(const Path& path) const noexcept {
    return overrides_.empty() && path.zone() == Zone::data && !path.is_root() && !is_listed(path.segments().front());
  }
  /// Refuses (contract_violation, rule "capability") what the ceiling does not allow.
  Status check(const Write& write, const Standing& standing) const {
    if (is_open(write.path) || includes(ceiling(write.path, standing), needed_for(write.kind))) [[likely]]
      return {};
    return refusal(write.path, to_string(write.kind));
  }
  /// As check, for reading.
  Status check_read(const Path& path, const Standing& standing) const;

  /// Whether admit() must see the write before it is made: at a path of the heavy zone, or when a map is set that has
  /// such a path in it. Lists elsewhere are taken as a whole.
  bool brings_heavy(const Write& write) const {
    if (heavy_ == nullptr || write.kind == Write::Kind::erase)
      return false;
    const Zone zone = write.path.zone();
    return zone == Zone::heavy ||
           (zone == Zone::data && write.kind == Write::Kind::set && zones_in(write.value).has(Zone::heavy));
  }
  /// The write as the heavy zone takes it; `copied` gets how many bytes had to be copied for that. Refuses
  /// contract_violation with the rule "heavy_only", and what the heavy zone says of the handle or of its memory; the
  /// error is of the place where it stands. REQUIRES: brings_heavy(write).
  Result<Write> admit(const Write& write, std::size_t& copied) const;
  /// The same for all those of the writes that need it.
  Status admit_all(std::vector<Write>& writes) const;

  bool has_overrides() const noexcept { return !overrides_.empty(); }
  /// Whether some path below this one may not be changed freely by reason of an override.
  bool has_limits_below(const Path& path) const noexcept;
  /// Whether a change of what stands at the path, by way of its parent, needs a look.
  bool is_guarded(const Path& path, const Standing& standing) const noexcept;

  std::size_t meta_entries_max() const noexcept { return meta_entries_max_; }
  bool allows_admin() const noexcept { return allows_admin_; }

private:
  struct Override {
    PathPattern pattern;
    PathAccess access;
  };

  AccessTable();

  bool is_listed(const Segment& root) const noexcept {
    return std::ranges::any_of(roots_,
                               [&](const auto& each) { return each.first.segments().front().hash == root.hash; });
  }
  const Override* override_of(const Path& path) const noexcept;
  RootPolicy policy_of(const Path& path) const noexcept;
  Error refusal(const Path& path, std::string_view right) const;
  Result<Value> admit_at(const Path& path, const Value& value, std::size_t& copied) const;

  std::vector<std::pair<Path, RootPolicy>> roots_;  // those that are not open
  std::vector<Override> overrides_;
  std::size_t meta_entries_max_ = AccessOptions{}.meta_entries_max;
  bool allows_admin_ = false;
  std::shared_ptr<HeavyGate> heavy_;
};

/// The value, which stands at the path, without the members that the private zone hides.
Value without_private(const Path& path, Value value);

}  // namespace theus

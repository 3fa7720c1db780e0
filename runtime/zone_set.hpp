#pragma once

#include <theus/path.hpp>
#include <theus/value.hpp>

#include <initializer_list>

namespace theus {

/// A set of zones other than data.
class ZoneSet {
public:
  constexpr ZoneSet() noexcept = default;
  constexpr ZoneSet(std::initializer_list<Zone> zones) noexcept {
    for (const Zone zone : zones)
      add(zone);
  }
  static constexpr ZoneSet from_bits(std::uint8_t bits) noexcept {
    ZoneSet zones;
    zones.bits_ = bits & static_cast<std::uint8_t>(~1U);
    return zones;
  }

  /// Adding data changes nothing.
  constexpr void add(Zone zone) noexcept {
    *this |= from_bits(static_cast<std::uint8_t>(1U << static_cast<unsigned>(zone)));
  }
  constexpr ZoneSet& operator|=(ZoneSet other) noexcept {
    bits_ = static_cast<std::uint8_t>(bits_ | other.bits_);
    return *this;
  }

  constexpr bool has(Zone zone) const noexcept { return (bits_ >> static_cast<unsigned>(zone) & 1U) != 0; }
  constexpr bool meets(ZoneSet other) const noexcept { return (bits_ & other.bits_) != 0; }
  constexpr std::uint8_t bits() const noexcept { return bits_; }

private:
  std::uint8_t bits_ = 0;  // 1 << zone; that of data is never set
};

/// The zones that the segments of the path name, each by itself.
ZoneSet zones_named_on(const Path& path) noexcept;
inline ZoneSet zones_on(const Path& path) noexcept {
  return path.zone() == Zone::data ? ZoneSet{} : zones_named_on(path);
}

/// The zones that keys of the map name, or keys of maps in it; lists are taken as a whole. The nodes remember it, so
/// after a change it costs in proportion to the change. May throw bad_alloc on maps nested more than 16 deep.
ZoneSet zones_in_map(const Value& map);
inline ZoneSet zones_in(const Value& value) { return value.is_map() ? zones_in_map(value) : ZoneSet{}; }

}  // namespace theus

#pragma once

#include <theus/result.hpp>

#include <atomic>
#include <compare>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace theus {

/// What a path is for, told by the prefix of the leftmost segment that has one:
/// `sig_ cmd_` signal, `meta_` meta, `heavy_` heavy, `log_ audit_` log, `const_` constant, `internal_` private.
enum class Zone : std::uint8_t { data, signal, meta, heavy, log, constant, internal };

std::string_view to_string(Zone zone) noexcept;
/// The zone that a key names by itself; data for most.
Zone zone_of_key(std::string_view key) noexcept;

/// One step of a path: a map key, or a list index when `index` is not -1.
struct Segment {
  std::string_view key;
  std::uint64_t hash;
  std::int64_t index;

  bool is_index() const noexcept { return index >= 0; }
};

/// Where a value stands in the state: `domain.orders[3].amount`, `domain['odd key']`.
///
/// A Path is parsed once and then cheap to copy, compare and look up with (its segments' hashes are kept), so a
/// declared path costs no parsing per read or commit. Immutable and thread-safe. Bounds: 64 segments, keys of 1 to 255
/// bytes of UTF-8 without control characters, 4096 bytes in all.
class Path {
public:
  static constexpr std::size_t segments_max = 64;
  static constexpr std::size_t key_bytes_max = 255;
  static constexpr std::size_t text_bytes_max = 4096;

  /// The root, written "".
  Path() noexcept = default;
  Path(const Path& other) noexcept : parts_(other.parts_) { retain(); }
  Path(Path&& other) noexcept : parts_(std::exchange(other.parts_, nullptr)) {}
  Path& operator=(Path other) noexcept {
    std::swap(parts_, other.parts_);
    return *this;
  }
  ~Path() { release(); }
  /// As parse(), for paths written in programs: a malformed one throws LogicError bad_argument.
  Path(std::string_view text);
  Path(const char* text) : Path(std::string_view{text}) {}
  Path(const std::string& text) : Path(std::string_view{text}) {}

  /// `a.b`, `a['b']` and `a["b"]` are the same path; `[3]` is a list index. In quotes a backslash takes the next
  /// character as it is; keys in quotes may hold dots and brackets.
  static Result<Path> parse(std::string_view text);

  /// The canonical spelling.
  std::string text() const { return std::string{spelling()}; }
  /// The same; lives as long as a copy of this path.
  std::string_view spelling() const noexcept { return parts_ != nullptr ? parts_->text() : std::string_view{}; }
  std::span<const Segment> segments() const noexcept {
    return parts_ != nullptr ? std::span{parts_->segments(), parts_->count} : std::span<const Segment>{};
  }
  std::size_t size() const noexcept { return segments().size(); }
  bool is_root() const noexcept { return parts_ == nullptr; }
  Zone zone() const noexcept { return parts_ != nullptr ? parts_->zone : Zone::data; }

  /// The path of a child.
  Path key(std::string_view name) const;
  Path index(std::size_t position) const;
  /// The path without its last segment. REQUIRES: !is_root().
  Path parent() const;
  /// The first `count` segments. REQUIRES: count <= size().
  Path prefix(std::size_t count) const;

  /// Whether this path is `other` or an ancestor of it.
  bool covers(const Path& other) const noexcept;

  std::uint64_t hash() const noexcept { return parts_ != nullptr ? parts_->hash : 0; }
  friend bool operator==(const Path& a, const Path& b) noexcept {
    return a.parts_ == b.parts_ || (a.hash() == b.hash() && a.spelling() == b.spelling());
  }
  friend std::strong_ordering operator<=>(const Path& a, const Path& b) noexcept {
    return a.spelling() <=> b.spelling();
  }

private:
  // One block of memory: this head, the segments, the canonical text, and the keys that the text spells otherwise.
  struct Head {
    mutable std::atomic<std::uint32_t> references{1};
    Zone zone = Zone::data;
    std::uint32_t count = 0;
    std::uint32_t text_bytes = 0;
    std::uint64_t hash = 0;

    const Segment* segments() const noexcept { return reinterpret_cast<const Segment*>(this + 1); }
    std::string_view text() const noexcept { return {reinterpret_cast<const char*>(segments() + count), text_bytes}; }
  };
  struct Parts;
  explicit Path(const Head* parts) noexcept : parts_(parts) {}

  void retain() const noexcept;
  void release() noexcept;

  const Head* parts_ = nullptr;  // shared, counted, immutable; nullptr is the root
};

/// The hash by which the state finds a key; stable across platforms.
std::uint64_t key_hash(std::string_view key) noexcept;

}  // namespace theus

template <>
struct std::hash<theus::Path> {
  std::size_t operator()(const theus::Path& path) const noexcept { return path.hash(); }
};

#pragma once

#include <theus/result.hpp>

#include <array>
#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace theus {

class Value;
struct SequenceNode;

/// One entry of a map under construction: {"amount", 3}.
using Member = std::pair<std::string_view, Value>;

/// Position of a heavy buffer and what is needed to check it: 64 bytes, meaningful only to the heavy zone.
struct HeavyRef {
  std::array<std::uint64_t, 8> words{};
  friend bool operator==(const HeavyRef&, const HeavyRef&) = default;
};

/// An immutable value: null, boolean, 64-bit integer, double, string, bytes, list, map or heavy reference.
///
/// Copies are cheap (16 bytes, contents shared) and independent: the modifying members change this
/// handle only, and cost O(log n) however large the list or map is, because unchanged parts are shared.
/// Map entries stand in canonical order (RFC 8949, 4.2.1: shorter keys first, then bytewise).
/// Distinct Values may be used from different threads even when they share contents; one Value needs
/// the usual care for its own modifications. Copying and reading never throw; modifications may throw bad_alloc, and
/// so may == and hash() on values nested more than 16 deep. Nesting has no bound here (commits have one, see
/// <theus/limits.hpp>), and no operation recurses.
class Value {
public:
  enum class Kind : std::uint8_t { null, boolean, integer, real, string, bytes, list, map, heavy };

  Value() noexcept { std::memset(raw_, 0, sizeof raw_); }
  Value(std::nullptr_t) noexcept : Value() {}
  /// A boolean or an integer: exactly these types, so that no pointer becomes true and no enumerator a number.
  /// Integers beyond 2^63-1 throw LogicError bad_argument.
  template <std::integral T>
  Value(T number) : Value() {
    if constexpr (std::unsigned_integral<T> && sizeof(T) == 8)
      require_signed_range(number);
    if constexpr (std::same_as<T, bool>)
      put(Kind::boolean, static_cast<unsigned char>(number));
    else
      put(Kind::integer, static_cast<std::int64_t>(number));
  }
  template <std::floating_point T>
    requires(sizeof(T) <= sizeof(double))
  Value(T number) noexcept : Value() {
    put(Kind::real, static_cast<double>(number));
  }
  Value(std::string_view text);
  Value(const std::string& text) : Value(std::string_view{text}) {}
  Value(const char* text) : Value(std::string_view{text}) {}
  /// A map of the given members; the last of equal keys wins.
  Value(std::initializer_list<Member> members);

  Value(const Value& other) noexcept {
    std::memcpy(raw_, other.raw_, sizeof raw_);
    if (is_shared())
      retain();
  }
  Value(Value&& other) noexcept {
    std::memcpy(raw_, other.raw_, sizeof raw_);
    std::memset(other.raw_, 0, sizeof other.raw_);
  }
  Value& operator=(Value other) noexcept {
    swap(other);
    return *this;
  }
  ~Value() {
    if (is_shared())
      release();
  }
  void swap(Value& other) noexcept {
    unsigned char held[sizeof raw_];
    std::memcpy(held, raw_, sizeof raw_);
    std::memcpy(raw_, other.raw_, sizeof raw_);
    std::memcpy(other.raw_, held, sizeof raw_);
  }

  static Value bytes(std::span<const std::byte> content);
  static Value list();
  static Value list(std::initializer_list<Value> items);
  static Value list(std::vector<Value> items);
  static Value map();
  static Value map(std::vector<std::pair<std::string, Value>> members);
  static Value heavy(const HeavyRef& ref);
  /// A reference that keeps what it names: `keeper` lives as long as some copy of this Value.
  static Value heavy(const HeavyRef& ref, std::shared_ptr<const void> keeper);

  Kind kind() const noexcept {
    return representation() == long_string ? Kind::string : static_cast<Kind>(representation());
  }
  bool is_null() const noexcept { return kind() == Kind::null; }
  bool is_bool() const noexcept { return kind() == Kind::boolean; }
  bool is_int() const noexcept { return kind() == Kind::integer; }
  bool is_double() const noexcept { return kind() == Kind::real; }
  bool is_number() const noexcept { return is_int() || is_double(); }
  bool is_string() const noexcept { return kind() == Kind::string; }
  bool is_bytes() const noexcept { return kind() == Kind::bytes; }
  bool is_list() const noexcept { return kind() == Kind::list; }
  bool is_map() const noexcept { return kind() == Kind::map; }
  bool is_heavy() const noexcept { return kind() == Kind::heavy; }

  // Scalars. REQUIRES: the matching kind (checked by assert); to ask and convert at once use get<T>().
  bool as_bool() const noexcept {
    assert(is_bool());
    return raw_[0] != 0;
  }
  std::int64_t as_int() const noexcept {
    assert(is_int());
    return payload<std::int64_t>();
  }
  double as_double() const noexcept {
    assert(is_double());
    return payload<double>();
  }
  /// An integer or double as a double.
  double as_number() const noexcept { return is_int() ? static_cast<double>(as_int()) : as_double(); }
  /// The view lives as long as this Value is neither changed nor destroyed.
  std::string_view as_string() const& noexcept {
    assert(is_string());
    if (representation() == long_string)
      return long_text();
    return {reinterpret_cast<const char*>(raw_), static_cast<std::size_t>(raw_[tag_at] >> 4)};
  }
  std::string_view as_string() const&& = delete;
  std::span<const std::byte> as_bytes() const& noexcept;
  std::span<const std::byte> as_bytes() const&& = delete;
  HeavyRef as_heavy() const noexcept;
  /// Whether this is a heavy reference that keeps what it names. What was read from JSON, CBOR or a signal does not.
  bool keeps_heavy() const noexcept;

  /// This value as a C++ type, or bad_argument that names both types; see <theus/convert.hpp>.
  template <class T>
  Result<T> get() const;

  /// Elements of a list, members of a map, bytes of a string or bytes; 0 for anything else.
  std::size_t size() const noexcept;
  bool empty() const noexcept { return size() == 0; }

  /// The element, or null when this is no list or the index is out of range. Never fails, so reads chain.
  template <std::integral T>
  const Value& operator[](T index) const noexcept {
    return element(static_cast<std::size_t>(index));
  }
  /// The member, or null when this is no map or the key is absent.
  const Value& operator[](std::string_view key) const noexcept;
  const Value& operator[](const char* key) const noexcept { return (*this)[std::string_view{key}]; }
  /// The member, or nullptr when this is no map or the key is absent.
  const Value* find(std::string_view key) const noexcept;
  bool contains(std::string_view key) const noexcept { return find(key) != nullptr; }

  // Changes throw bad_alloc when memory runs out, and then nothing has changed.

  // Lists. REQUIRES: is_list(), positions in range (checked by assert).
  void push_back(Value item);
  void insert(std::size_t index, Value item);
  void replace(std::size_t index, Value item);
  void erase_at(std::size_t index);
  /// Replaces `removed` elements from `index` on by `items`.
  void splice(std::size_t index, std::size_t removed, const Value& items);

  // Maps. REQUIRES: is_map().
  void set(std::string_view key, Value item);
  /// Whether the key was there.
  bool erase(std::string_view key);

  /// Deep equality. Kinds differ = values differ (1 is not 1.0); NaN equals NaN of the same bits, so that
  /// "unchanged" is an equivalence.
  friend bool operator==(const Value& a, const Value& b);

  /// A hash consistent with ==; stable across runs, platforms and compilers.
  std::uint64_t hash() const;

  class Items;
  class Members;
  /// The elements in order: `for (const Value& item : list.items())`. Empty when this is no list.
  Items items() const& noexcept;
  /// The members in canonical order: `for (auto [key, item] : map.members())`. Empty when this is no map.
  Members members() const& noexcept;
  Items items() const&& = delete;
  Members members() const&& = delete;

private:
  // Byte 15 is the tag: the low four bits tell the representation, the high four the length of an inline
  // string (0 to 15 bytes, in bytes 0 to 14). All other representations keep their payload in bytes 0 to 7.
  static constexpr int tag_at = 15;
  static constexpr unsigned char long_string = 9;   // after the Kinds
  static constexpr unsigned char first_shared = 5;  // bytes, list, map, heavy, long string

  static constexpr unsigned char tag_of(Kind kind) { return static_cast<unsigned char>(kind); }
  static void require_signed_range(std::uint64_t number);

  unsigned char representation() const noexcept { return raw_[tag_at] & 0x0f; }
  bool is_shared() const noexcept { return representation() >= first_shared; }

  template <class T>
  T payload() const noexcept {
    T held;
    std::memcpy(&held, raw_, sizeof held);
    return held;
  }
  template <class T>
  void put(Kind kind, T held) noexcept {
    std::memcpy(raw_, &held, sizeof held);
    raw_[tag_at] = tag_of(kind);
  }

  std::string_view long_text() const noexcept;
  const Value& element(std::size_t index) const noexcept;

  void retain() const noexcept;
  void release() noexcept;
  SequenceNode* drop() noexcept;

  friend void destroy(SequenceNode* node) noexcept;
  friend SequenceNode* root_of(const Value& container) noexcept;
  friend Value build_list(std::span<Value> items);
  friend Value build_map(std::span<Value> keys_and_items);

  alignas(8) unsigned char raw_[16];
};

/// A member of a map while iterating.
struct MemberView {
  std::string_view key;
  const Value& item;
};

class Value::Items {
public:
  class Iterator {
  public:
    using difference_type = std::ptrdiff_t;
    using value_type = Value;
    using reference = const Value&;
    using pointer = const Value*;
    using iterator_category = std::forward_iterator_tag;

    Iterator() = default;
    Iterator(const void* root, std::size_t index) noexcept : root_(root), index_(index) {}
    const Value& operator*() const noexcept;
    Iterator& operator++() noexcept {
      ++index_;
      if (at_ != nullptr && ++at_ == end_)
        at_ = end_ = nullptr;
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept { return a.index_ == b.index_; }

  private:
    const void* root_ = nullptr;
    std::size_t index_ = 0;
    mutable const Value* at_ = nullptr;  // position within the current leaf, found on demand
    mutable const Value* end_ = nullptr;
  };

  Items(const void* root, std::size_t size) noexcept : root_(root), size_(size) {}
  Iterator begin() const noexcept { return {root_, 0}; }
  Iterator end() const noexcept { return {root_, size_}; }
  std::size_t size() const noexcept { return size_; }

private:
  const void* root_;
  std::size_t size_;
};

class Value::Members {
public:
  class Iterator {
  public:
    using difference_type = std::ptrdiff_t;
    using value_type = MemberView;
    using reference = MemberView;
    using iterator_category = std::input_iterator_tag;

    Iterator() = default;
    Iterator(const void* root, std::size_t index) noexcept : root_(root), index_(index) {}
    MemberView operator*() const noexcept;
    Iterator& operator++() noexcept {
      ++index_;
      if (at_ != nullptr && (at_ += 2) == end_)
        at_ = end_ = nullptr;
      return *this;
    }
    Iterator operator++(int) noexcept {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator& a, const Iterator& b) noexcept { return a.index_ == b.index_; }

  private:
    const void* root_ = nullptr;
    std::size_t index_ = 0;
    mutable const Value* at_ = nullptr;  // key at at_[0], item at at_[1]
    mutable const Value* end_ = nullptr;
  };

  Members(const void* root, std::size_t size) noexcept : root_(root), size_(size) {}
  Iterator begin() const noexcept { return {root_, 0}; }
  Iterator end() const noexcept { return {root_, size_}; }
  std::size_t size() const noexcept { return size_; }

private:
  const void* root_;
  std::size_t size_;
};

/// "null", "boolean", "integer", "real", "string", "bytes", "list", "map" or "heavy".
std::string_view to_string(Value::Kind kind) noexcept;

}  // namespace theus

#include <theus/convert.hpp>

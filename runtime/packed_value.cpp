#include "runtime/packed_value.hpp"

#include <algorithm>
#include <bit>

namespace theus {
namespace {

static_assert(std::endian::native == std::endian::little);

enum Tag : std::uint8_t {
  tag_null = 0,
  tag_false = 1,
  tag_true = 2,
  tag_double = 3,
  tag_bytes = 4,
  tag_heavy = 5,
  tag_list = 6,
  tag_map = 7,
  tag_integer = 16,
  tag_string = 128,
};
constexpr std::size_t members_max = 16;

// A copy of few bytes, without a call.
void copy_small(std::byte* to, const void* from, std::size_t size) noexcept {
  const auto* source = static_cast<const std::byte*>(from);
  const auto ends = [&](auto width) {
    std::memcpy(to, source, width);
    std::memcpy(to + size - width, source + size - width, width);
  };
  if (size > 16)
    std::memcpy(to, from, size);
  else if (size >= 8)
    ends(std::integral_constant<std::size_t, 8>{});
  else if (size >= 4)
    ends(std::integral_constant<std::size_t, 4>{});
  else if (size >= 2)
    ends(std::integral_constant<std::size_t, 2>{});
  else if (size == 1)
    *to = *source;
}

class Packer {
public:
  explicit Packer(std::span<std::byte> room) noexcept : begin_(room.data()), at_(begin_), end_(begin_ + room.size()) {}

  std::size_t used() const noexcept { return static_cast<std::size_t>(at_ - begin_); }

  bool put(const Value& value) noexcept {
    switch (value.kind()) {
      case Value::Kind::null: return tag(tag_null);
      case Value::Kind::boolean: return tag(value.as_bool() ? tag_true : tag_false);
      case Value::Kind::integer: return integer(value.as_int());
      case Value::Kind::real: {
        const double number = value.as_double();
        return tag(tag_double) && raw(&number, sizeof number);
      }
      case Value::Kind::string: return string(value.as_string());
      case Value::Kind::bytes: {
        const auto content = value.as_bytes();
        return content.size() <= room() && tag(tag_bytes) && tag(content.size()) && raw(content.data(), content.size());
      }
      case Value::Kind::heavy: {
        const HeavyRef ref = value.as_heavy();
        return tag(tag_heavy) && raw(&ref, sizeof ref);
      }
      case Value::Kind::list:
        return sized(tag_list,
                     [&] { return std::ranges::all_of(value.items(), [&](const Value& item) { return put(item); }); });
      case Value::Kind::map:
        return sized(tag_map, [&] {
          for (const auto [key, item] : value.members())
            if (!member(key, item))
              return false;
          return true;
        });
    }
    return false;
  }

  bool put(std::span<const Member> members) noexcept {
    const auto out_of_order = [](const Member& a, const Member& b) { return !canonically_before(a.first, b.first); };
    if (std::ranges::adjacent_find(members, out_of_order) == members.end())
      return sized(tag_map, [&] {
        return std::ranges::all_of(members, [&](const Member& each) { return member(each.first, each.second); });
      });
    std::array<const Member*, members_max> order;
    std::size_t count = 0;
    for (const Member& added : members) {
      std::size_t at = count;
      while (at > 0 && canonically_before(added.first, order[at - 1]->first))
        --at;
      if (at > 0 && order[at - 1]->first == added.first) {
        order[at - 1] = &added;
        continue;
      }
      if (count == members_max)
        return false;
      std::copy_backward(order.begin() + at, order.begin() + count, order.begin() + count + 1);
      order[at] = &added;
      ++count;
    }
    return sized(tag_map, [&] {
      return std::all_of(order.begin(), order.begin() + count,
                         [&](const Member* each) { return member(each->first, each->second); });
    });
  }

private:
  static bool canonically_before(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size())
      return a.size() < b.size();
    if (!a.empty() && a.front() != b.front())
      return static_cast<unsigned char>(a.front()) < static_cast<unsigned char>(b.front());
    return a < b;
  }

  std::size_t room() const noexcept { return static_cast<std::size_t>(end_ - at_); }

  bool tag(std::size_t byte) noexcept {
    if (at_ == end_)
      return false;
    *at_++ = static_cast<std::byte>(byte);
    return true;
  }

  bool raw(const void* content, std::size_t size) noexcept {
    if (size > room())
      return false;
    copy_small(at_, content, size);
    at_ += size;
    return true;
  }

  bool integer(std::int64_t number) noexcept {
    const auto magnitude = static_cast<std::uint64_t>(number < 0 ? ~number : number);
    const std::size_t size = number == 0 ? 0 : static_cast<std::size_t>(std::bit_width(magnitude)) / 8 + 1;
    return tag(tag_integer + size) && raw(&number, size);
  }

  bool string(std::string_view text) noexcept {
    return text.size() <= room() && tag(tag_string + text.size()) && raw(text.data(), text.size());
  }

  bool member(std::string_view key, const Value& item) noexcept { return string(key) && put(item); }

  template <class Content>
  bool sized(Tag kind, const Content& content) noexcept {
    if (!tag(kind) || !tag(0))
      return false;
    std::byte* const start = at_;
    if (!content())
      return false;
    start[-1] = static_cast<std::byte>(at_ - start);
    return true;
  }

  std::byte* begin_;
  std::byte* at_;
  std::byte* end_;
};

template <class Source>
std::optional<std::size_t> pack_any(const Source& source, std::span<std::byte> room) noexcept {
  assert(room.size() <= 127);
  Packer packer{room};
  if (!packer.put(source))
    return std::nullopt;
  return packer.used();
}

using Bytes = std::span<const std::byte>;

std::size_t byte_at(Bytes packed, std::size_t at) noexcept { return static_cast<std::size_t>(packed[at]); }

// Head and content of the item at the front.
struct Item {
  std::size_t tag;
  Bytes content;
  std::size_t size;  // of both
};

Item front(Bytes packed) noexcept {
  const std::size_t tag = byte_at(packed, 0);
  if (tag >= tag_string)
    return {tag, packed.subspan(1, tag - tag_string), 1 + tag - tag_string};
  if (tag >= tag_integer)
    return {tag, packed.subspan(1, tag - tag_integer), 1 + tag - tag_integer};
  constexpr std::array<std::uint8_t, 6> fixed{0, 0, 0, sizeof(double), 0, sizeof(HeavyRef)};
  if (tag < fixed.size() && tag != tag_bytes)
    return {tag, packed.subspan(1, fixed[tag]), std::size_t{1} + fixed[tag]};
  const std::size_t content = byte_at(packed, 1);
  return {tag, packed.subspan(2, content), 2 + content};
}

std::string_view text_of(Bytes content) noexcept {
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

Value unpack_integer(Bytes content) noexcept {
  if (content.empty())
    return 0;
  std::uint64_t number = 0;
  std::memcpy(&number, content.data(), content.size());
  const int unused = static_cast<int>(64 - 8 * content.size());
  return static_cast<std::int64_t>(number << unused) >> unused;
}

Value unpack_list(Bytes content) {
  std::vector<Value> items;
  while (!content.empty()) {
    const Item item = front(content);
    items.push_back(unpack(content.first(item.size)));
    content = content.subspan(item.size);
  }
  return Value::list(std::move(items));
}

Value unpack_map(Bytes content) {
  Value map = Value::map();
  while (!content.empty()) {
    const Item key = front(content);
    const Item item = front(content.subspan(key.size));
    map.set(text_of(key.content), unpack(content.subspan(key.size, item.size)));
    content = content.subspan(key.size + item.size);
  }
  return map;
}

}  // namespace

std::optional<std::size_t> pack(const Value& value, std::span<std::byte> room) noexcept {
  return pack_any(value, room);
}

std::optional<std::size_t> pack(std::span<const Member> members, std::span<std::byte> room) noexcept {
  return pack_any(members, room);
}

Value unpack(std::span<const std::byte> packed) {
  const Item item = front(packed);
  switch (packed_kind(packed)) {
    case Value::Kind::null: return {};
    case Value::Kind::boolean: return item.tag == tag_true;
    case Value::Kind::integer: return unpack_integer(item.content);
    case Value::Kind::real: {
      double number = 0;
      std::memcpy(&number, item.content.data(), sizeof number);
      return number;
    }
    case Value::Kind::string: return text_of(item.content);
    case Value::Kind::bytes: return Value::bytes(item.content);
    case Value::Kind::heavy: {
      HeavyRef ref;
      std::memcpy(&ref, item.content.data(), sizeof ref);
      return Value::heavy(ref);
    }
    case Value::Kind::list: return unpack_list(item.content);
    case Value::Kind::map: return unpack_map(item.content);
  }
  return {};
}

Value::Kind packed_kind(std::span<const std::byte> packed) noexcept {
  const std::size_t tag = byte_at(packed, 0);
  if (tag >= tag_string)
    return Value::Kind::string;
  if (tag >= tag_integer)
    return Value::Kind::integer;
  constexpr std::array kinds{Value::Kind::null,  Value::Kind::boolean, Value::Kind::boolean, Value::Kind::real,
                             Value::Kind::bytes, Value::Kind::heavy,   Value::Kind::list,    Value::Kind::map};
  assert(tag < kinds.size());
  return kinds[tag];
}

std::span<const std::byte> packed_member(std::span<const std::byte> packed, std::string_view key) noexcept {
  if (byte_at(packed, 0) != tag_map)
    return {};
  Bytes content = front(packed).content;
  while (!content.empty()) {
    const Item name = front(content);
    const Item item = front(content.subspan(name.size));
    if (text_of(name.content) == key)
      return content.subspan(name.size, item.size);
    content = content.subspan(name.size + item.size);
  }
  return {};
}

std::span<const std::byte> packed_element(std::span<const std::byte> packed, std::size_t index) noexcept {
  if (byte_at(packed, 0) != tag_list)
    return {};
  Bytes content = front(packed).content;
  for (; !content.empty(); --index) {
    const Item item = front(content);
    if (index == 0)
      return content.first(item.size);
    content = content.subspan(item.size);
  }
  return {};
}

}  // namespace theus

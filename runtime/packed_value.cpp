#include "runtime/packed_value.hpp"

#include "runtime/few_bytes.hpp"

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

// Of the item with that tag, head included; 0 where the byte after the tag tells the size of the content.
constexpr auto item_sizes = [] {
  std::array<std::uint8_t, 256> sizes{};
  sizes[tag_null] = sizes[tag_false] = sizes[tag_true] = 1;
  sizes[tag_double] = 1 + sizeof(double);
  sizes[tag_heavy] = 1 + sizeof(HeavyRef);
  for (std::size_t bytes = 0; bytes <= sizeof(std::int64_t); ++bytes)
    sizes[tag_integer + bytes] = static_cast<std::uint8_t>(1 + bytes);
  for (std::size_t bytes = 0; tag_string + bytes < sizes.size(); ++bytes)
    sizes[tag_string + bytes] = static_cast<std::uint8_t>(1 + bytes);
  return sizes;
}();

// Each step takes where it begins and returns where it ends, or nullptr when that is beyond the room: where a packer
// stands is then a register, and not memory that any of its stores may have changed.
class Packer {
public:
  explicit Packer(std::span<std::byte> room) noexcept : end_(room.data() + room.size()) {}

  std::byte* put(std::byte* at, const Value& value) const noexcept {
    switch (value.kind()) {
      case Value::Kind::null: return tag(at, tag_null);
      case Value::Kind::boolean: return tag(at, value.as_bool() ? tag_true : tag_false);
      case Value::Kind::integer: return integer(at, value.as_int());
      case Value::Kind::real: return object(at, tag_double, value.as_double());
      case Value::Kind::string: return string(at, value.as_string());
      case Value::Kind::bytes: return bytes(at, value.as_bytes());
      case Value::Kind::heavy: return object(at, tag_heavy, value.as_heavy());
      case Value::Kind::list:
        return sized(at, tag_list, [&](std::byte* item_at) {
          for (const Value& item : value.items())
            if (item_at != nullptr)
              item_at = put(item_at, item);
          return item_at;
        });
      case Value::Kind::map:
        return sized(at, tag_map, [&](std::byte* member_at) {
          for (const auto [key, item] : value.members())
            if (member_at != nullptr)
              member_at = member(member_at, key, item);
          return member_at;
        });
    }
    return nullptr;
  }

  std::byte* put(std::byte* at, std::span<const Member> members) const noexcept {
    const auto out_of_order = [](const Member& a, const Member& b) { return !canonically_before(a.first, b.first); };
    if (std::ranges::adjacent_find(members, out_of_order) == members.end())
      return put_in_order(at, members, [](const Member& each) -> const Member& { return each; });
    std::array<const Member*, members_max> order;
    std::size_t count = 0;
    for (const Member& added : members) {
      std::size_t place = count;
      while (place > 0 && canonically_before(added.first, order[place - 1]->first))
        --place;
      if (place > 0 && order[place - 1]->first == added.first) {
        order[place - 1] = &added;
        continue;
      }
      if (count == members_max)
        return nullptr;
      std::copy_backward(order.begin() + place, order.begin() + count, order.begin() + count + 1);
      order[place] = &added;
      ++count;
    }
    return put_in_order(at, std::span{order}.first(count), [](const Member* each) -> const Member& { return *each; });
  }

private:
  static bool canonically_before(std::string_view a, std::string_view b) noexcept {
    if (a.size() != b.size())
      return a.size() < b.size();
    if (!a.empty() && a.front() != b.front())
      return static_cast<unsigned char>(a.front()) < static_cast<unsigned char>(b.front());
    return a < b;
  }

  std::size_t room(const std::byte* at) const noexcept { return static_cast<std::size_t>(end_ - at); }

  std::byte* tag(std::byte* at, std::size_t byte) const noexcept {
    if (at == end_)
      return nullptr;
    *at = static_cast<std::byte>(byte);
    return at + 1;
  }

  template <class Object>
  std::byte* object(std::byte* at, Tag kind, const Object& content) const noexcept {
    if (room(at) < 1 + sizeof content)
      return nullptr;
    *at = static_cast<std::byte>(kind);
    std::memcpy(at + 1, &content, sizeof content);
    return at + 1 + sizeof content;
  }

  std::byte* integer(std::byte* at, std::int64_t number) const noexcept {
    const auto magnitude = static_cast<std::uint64_t>(number < 0 ? ~number : number);
    const std::size_t size = number == 0 ? 0 : static_cast<std::size_t>(std::bit_width(magnitude)) / 8 + 1;
    if (room(at) < 1 + size)
      return nullptr;
    *at = static_cast<std::byte>(tag_integer + size);
    if (room(at) > sizeof number) [[likely]]
      std::memcpy(at + 1, &number, sizeof number);  // what stands behind it comes later
    else
      std::memcpy(at + 1, &number, size);
    return at + 1 + size;
  }

  std::byte* string(std::byte* at, std::string_view text) const noexcept {
    if (room(at) < 1 + text.size())
      return nullptr;
    *at = static_cast<std::byte>(tag_string + text.size());
    copy_few(at + 1, text.data(), text.size());
    return at + 1 + text.size();
  }

  std::byte* bytes(std::byte* at, std::span<const std::byte> content) const noexcept {
    if (room(at) < 2 + content.size())
      return nullptr;
    at[0] = static_cast<std::byte>(tag_bytes);
    at[1] = static_cast<std::byte>(content.size());
    std::ranges::copy(content, at + 2);
    return at + 2 + content.size();
  }

  std::byte* member(std::byte* at, std::string_view key, const Value& item) const noexcept {
    at = string(at, key);
    return at == nullptr ? nullptr : put(at, item);
  }

  template <class Members, class MemberOf>
  std::byte* put_in_order(std::byte* at, const Members& members, const MemberOf& member_of) const noexcept {
    return sized(at, tag_map, [&](std::byte* member_at) {
      for (const auto& each : members)
        if (member_at != nullptr)
          member_at = member(member_at, member_of(each).first, member_of(each).second);
      return member_at;
    });
  }

  template <class Content>
  std::byte* sized(std::byte* at, Tag kind, const Content& content) const noexcept {
    if (room(at) < 2)
      return nullptr;
    *at = static_cast<std::byte>(kind);
    std::byte* const end = content(at + 2);
    if (end != nullptr)
      at[1] = static_cast<std::byte>(end - at - 2);
    return end;
  }

  std::byte* const end_;
};

template <class Source>
std::size_t pack_any(const Source& source, std::span<std::byte> room) noexcept {
  assert(room.size() <= 127);
  const std::byte* const end = Packer{room}.put(room.data(), source);
  return end == nullptr ? does_not_fit : static_cast<std::size_t>(end - room.data());
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
  if (const std::size_t size = item_sizes[tag]; size != 0)
    return {tag, packed.subspan(1, size - 1), size};
  const std::size_t content = byte_at(packed, 1);
  return {tag, packed.subspan(2, content), 2 + content};
}

std::string_view text_of(Bytes content) noexcept {
  return {reinterpret_cast<const char*>(content.data()), content.size()};
}

// Where the item at the front ends, or 0 when it is none. Each level has two bytes at least, which bounds them.
std::size_t end_of_item(Bytes packed) noexcept {
  if (packed.empty())
    return 0;
  const std::size_t tag = byte_at(packed, 0);
  const std::size_t known = item_sizes[tag];
  if (known != 0)
    return known <= packed.size() ? known : 0;
  const bool has_size = tag == tag_bytes || tag == tag_list || tag == tag_map;
  if (!has_size || packed.size() < 2 || 2 + byte_at(packed, 1) > packed.size())
    return 0;
  const auto content = packed.subspan(2, byte_at(packed, 1));
  if (tag == tag_bytes)
    return 2 + content.size();
  std::size_t items = 0;
  for (std::size_t at = 0; at < content.size(); ++items) {
    const bool is_key = tag == tag_map && items % 2 == 0;
    const std::size_t size = end_of_item(content.subspan(at));
    if (size == 0 || (is_key && byte_at(content, at) < tag_string))
      return 0;
    at += size;
  }
  return tag == tag_map && items % 2 != 0 ? 0 : 2 + content.size();
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

std::size_t pack(const Value& value, std::span<std::byte> room) noexcept { return pack_any(value, room); }

std::size_t pack(std::span<const Member> members, std::span<std::byte> room) noexcept {
  return pack_any(members, room);
}

bool is_packed(std::span<const std::byte> bytes) noexcept {
  const std::size_t end = end_of_item(bytes);
  return end != 0 && end == bytes.size();
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
  const Bytes content = front(packed).content;
  const auto size_at = [](const std::byte* item) -> std::size_t {
    const std::size_t size = item_sizes[static_cast<std::size_t>(*item)];
    return size != 0 ? size : 2 + static_cast<std::size_t>(item[1]);
  };
  for (const std::byte *at = content.data(), *end = at + content.size(); at != end;) {
    const std::size_t name_size = static_cast<std::size_t>(*at) - tag_string;
    const std::byte* const item = at + 1 + name_size;
    const std::size_t item_size = size_at(item);
    if (name_size == key.size() && equal_few(at + 1, key.data(), name_size))
      return {item, item_size};
    at = item + item_size;
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

#include <theus/value.hpp>

#include "runtime/sequence.hpp"

#include <limits>

namespace theus {
namespace {

struct Entry {
  Value key;
  Value item;
};
static_assert(sizeof(Entry) == 2 * sizeof(Value), "Members walks entries as pairs of Values");

using List = Sequence<Value>;
using Map = Sequence<Entry>;

// Bytes too long to stand inline, or a heavy reference's words.
struct Blob {
  std::atomic<std::uint32_t> references{1};
  std::size_t size = 0;

  std::byte* content() { return reinterpret_cast<std::byte*>(this + 1); }
  const char* text() const { return reinterpret_cast<const char*>(this + 1); }
};

Blob* make_blob(const void* content, std::size_t size) {
  auto* blob = new (::operator new(sizeof(Blob) + size)) Blob;
  blob->size = size;
  if (size > 0)
    std::memcpy(blob->content(), content, size);
  return blob;
}

void release_blob(Blob* blob) noexcept {
  if (blob->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    blob->~Blob();
    ::operator delete(blob);
  }
}

const Value null_value;

// Canonical order of keys: RFC 8949, 4.2.1, for text strings.
struct KeyBefore {
  std::string_view key;
  bool operator()(const Entry& entry) const noexcept {
    const std::string_view other = entry.key.as_string();
    return other.size() != key.size() ? other.size() < key.size() : other < key;
  }
};

const Entry* find_entry(const Map::Node* root, std::string_view key) noexcept {
  if (root == nullptr)
    return nullptr;
  const std::size_t at = Map::partition_point(root, KeyBefore{key});
  if (at == root->size)
    return nullptr;
  const Entry* entry = Map::run_at(root, at).first;
  return entry->key.as_string() == key ? entry : nullptr;
}

}  // namespace

std::string_view to_string(Value::Kind kind) noexcept {
  constexpr std::array<std::string_view, 9> names{"null",  "boolean", "integer", "real", "string",
                                                  "bytes", "list",    "map",     "heavy"};
  return names[static_cast<std::size_t>(kind)];
}

void Value::require_signed_range(std::uint64_t number) {
  if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    raise(Error{Errc::bad_argument, "Value",
                "the integer " + std::to_string(number) + " does not fit into 64 bits with sign",
                "Use a double or a string for such numbers"});
}

Value::Value(std::string_view text) : Value() {
  if (text.size() < sizeof raw_) {
    if (!text.empty())
      std::memcpy(raw_, text.data(), text.size());
    raw_[tag_at] = static_cast<unsigned char>(tag_of(Kind::string) | text.size() << 4);
  } else {
    put(Kind::string, make_blob(text.data(), text.size()));
    raw_[tag_at] = long_string;
  }
}

Value::Value(std::initializer_list<Member> members) : Value(map()) {
  for (const auto& [key, item] : members)
    set(key, item);
}

Value Value::bytes(std::span<const std::byte> content) {
  Value value;
  value.put(Kind::bytes, make_blob(content.data(), content.size()));
  return value;
}

Value Value::heavy(const HeavyRef& ref) {
  Value value;
  value.put(Kind::heavy, make_blob(ref.words.data(), sizeof ref.words));
  return value;
}

Value Value::list() {
  Value value;
  value.put(Kind::list, static_cast<List::Node*>(nullptr));
  return value;
}

Value Value::list(std::initializer_list<Value> items) { return list(std::vector<Value>{items}); }

Value Value::list(std::vector<Value> items) {
  Value value;
  value.put(Kind::list, List::build(std::move(items)));
  return value;
}

Value Value::map() {
  Value value;
  value.put(Kind::map, static_cast<Map::Node*>(nullptr));
  return value;
}

Value Value::map(std::vector<std::pair<std::string, Value>> members) {
  const auto before = [](const auto& a, const auto& b) {
    return a.first.size() != b.first.size() ? a.first.size() < b.first.size() : a.first < b.first;
  };
  std::ranges::stable_sort(members, before);
  std::vector<Entry> entries;
  entries.reserve(members.size());
  for (auto& [key, item] : members) {
    if (!entries.empty() && entries.back().key.as_string() == key)
      entries.back().item = std::move(item);
    else
      entries.push_back({key, std::move(item)});
  }
  Value value;
  value.put(Kind::map, Map::build(std::move(entries)));
  return value;
}

Value::Kind Value::kind() const noexcept {
  const unsigned char tag = representation();
  return tag == long_string ? Kind::string : static_cast<Kind>(tag);
}

void Value::retain() const noexcept {
  switch (kind()) {
    case Kind::list:
      if (auto* root = payload<List::Node*>())
        List::retain(root);
      break;
    case Kind::map:
      if (auto* root = payload<Map::Node*>())
        Map::retain(root);
      break;
    case Kind::string:
    case Kind::bytes:
    case Kind::heavy: payload<Blob*>()->references.fetch_add(1, std::memory_order_relaxed); break;
    case Kind::null:
    case Kind::boolean:
    case Kind::integer:
    case Kind::real: break;
  }
}

void Value::release() noexcept {
  switch (kind()) {
    case Kind::list:
      if (auto* root = payload<List::Node*>())
        List::release(root);
      break;
    case Kind::map:
      if (auto* root = payload<Map::Node*>())
        Map::release(root);
      break;
    case Kind::string:
    case Kind::bytes:
    case Kind::heavy: release_blob(payload<Blob*>()); break;
    case Kind::null:
    case Kind::boolean:
    case Kind::integer:
    case Kind::real: break;
  }
}

bool Value::as_bool() const noexcept {
  assert(is_bool());
  return raw_[0] != 0;
}

std::int64_t Value::as_int() const noexcept {
  assert(is_int());
  return payload<std::int64_t>();
}

double Value::as_double() const noexcept {
  assert(is_double());
  return payload<double>();
}

std::string_view Value::as_string() const& noexcept {
  assert(is_string());
  if (representation() != long_string)
    return {reinterpret_cast<const char*>(raw_), static_cast<std::size_t>(raw_[tag_at] >> 4)};
  const auto* blob = payload<const Blob*>();
  return {blob->text(), blob->size};
}

std::span<const std::byte> Value::as_bytes() const& noexcept {
  assert(is_bytes());
  auto* blob = payload<Blob*>();
  return {blob->content(), blob->size};
}

HeavyRef Value::as_heavy() const noexcept {
  assert(is_heavy());
  HeavyRef ref;
  std::memcpy(ref.words.data(), payload<Blob*>()->content(), sizeof ref.words);
  return ref;
}

std::size_t Value::size() const noexcept {
  switch (kind()) {
    case Kind::list: {
      const auto* root = payload<const List::Node*>();
      return root ? root->size : 0;
    }
    case Kind::map: {
      const auto* root = payload<const Map::Node*>();
      return root ? root->size : 0;
    }
    case Kind::string: return as_string().size();
    case Kind::bytes: return as_bytes().size();
    case Kind::null:
    case Kind::boolean:
    case Kind::integer:
    case Kind::real:
    case Kind::heavy: return 0;
  }
  return 0;
}

const Value& Value::operator[](std::size_t index) const noexcept {
  if (!is_list() || index >= size())
    return null_value;
  return *List::run_at(payload<const List::Node*>(), index).first;
}

const Value* Value::find(std::string_view key) const noexcept {
  if (!is_map())
    return nullptr;
  const Entry* entry = find_entry(payload<const Map::Node*>(), key);
  return entry ? &entry->item : nullptr;
}

const Value& Value::operator[](std::string_view key) const noexcept {
  const Value* found = find(key);
  return found ? *found : null_value;
}

namespace {

// Runs a command of Sequence on the root inside a Value's payload; the payload is right even when it throws.
template <class Node, class Command>
void change_root(unsigned char* raw, const Command& command) {
  struct Slot {
    unsigned char* raw;
    Node* root;
    ~Slot() { std::memcpy(raw, &root, sizeof root); }
  };
  Slot slot{raw, nullptr};
  std::memcpy(&slot.root, raw, sizeof slot.root);
  command(slot.root);
}

}  // namespace

void Value::insert(std::size_t index, Value item) {
  assert(is_list() && index <= size());
  change_root<List::Node>(raw_, [&](List::Node*& root) { List::insert(root, index, std::move(item)); });
}

void Value::push_back(Value item) { insert(size(), std::move(item)); }

void Value::replace(std::size_t index, Value item) {
  assert(is_list() && index < size());
  change_root<List::Node>(raw_, [&](List::Node*& root) { List::replace(root, index, std::move(item)); });
}

void Value::erase_at(std::size_t index) {
  assert(is_list() && index < size());
  change_root<List::Node>(raw_, [&](List::Node*& root) { List::erase(root, index); });
}

void Value::splice(std::size_t index, std::size_t removed, const Value& items) {
  assert(is_list() && index <= size() && removed <= size() - index && items.is_list());
  for (std::size_t i = 0; i < removed; ++i)
    erase_at(index);
  for (const Value& item : items.items())
    insert(index++, item);
}

void Value::set(std::string_view key, Value item) {
  assert(is_map());
  change_root<Map::Node>(raw_, [&](Map::Node*& root) {
    const std::size_t at = root ? Map::partition_point(root, KeyBefore{key}) : 0;
    const bool known = root && at < root->size && Map::run_at(root, at).first->key.as_string() == key;
    Entry entry{key, std::move(item)};
    known ? Map::replace(root, at, std::move(entry)) : Map::insert(root, at, std::move(entry));
  });
}

bool Value::erase(std::string_view key) {
  assert(is_map());
  bool known = false;
  change_root<Map::Node>(raw_, [&](Map::Node*& root) {
    const std::size_t at = root ? Map::partition_point(root, KeyBefore{key}) : 0;
    known = root && at < root->size && Map::run_at(root, at).first->key.as_string() == key;
    if (known)
      Map::erase(root, at);
  });
  return known;
}

Value::Items Value::items() const& noexcept {
  return is_list() ? Items{payload<const void*>(), size()} : Items{nullptr, 0};
}

Value::Members Value::members() const& noexcept {
  return is_map() ? Members{payload<const void*>(), size()} : Members{nullptr, 0};
}

const Value& Value::Items::Iterator::operator*() const noexcept {
  if (at_ == nullptr) {
    const auto run = List::run_at(static_cast<const List::Node*>(root_), index_);
    at_ = run.first;
    end_ = run.last;
  }
  return *at_;
}

MemberView Value::Members::Iterator::operator*() const noexcept {
  if (at_ == nullptr) {
    const auto run = Map::run_at(static_cast<const Map::Node*>(root_), index_);
    at_ = &run.first->key;
    end_ = at_ + 2 * (run.last - run.first);
  }
  return {at_[0].as_string(), at_[1]};
}

}  // namespace theus

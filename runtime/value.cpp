#include <theus/value.hpp>

#include "runtime/value_build.hpp"
#include "runtime/value_node.hpp"

#include <limits>

namespace theus {
namespace {

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

void release_heavy(HeavyNode* node) noexcept {
  if (node->references.fetch_sub(1, std::memory_order_acq_rel) == 1)
    delete node;
}

const Value null_value;

struct KeyBefore {
  std::string_view key;
  bool operator()(const Entry& entry) const noexcept { return key_before(entry.key.as_string(), key); }
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

Value Value::heavy(const HeavyRef& ref) { return heavy(ref, nullptr); }

Value Value::heavy(const HeavyRef& ref, std::shared_ptr<const void> keeper) {
  auto node = std::make_unique<HeavyNode>();
  node->ref = ref;
  node->keeper = std::move(keeper);
  Value value;
  value.put(Kind::heavy, static_cast<Blob*>(node.release()));
  return value;
}

Value Value::list() {
  Value value;
  value.put(Kind::list, static_cast<List::Node*>(nullptr));
  return value;
}

Value Value::list(std::initializer_list<Value> items) { return list(std::vector<Value>{items}); }

Value Value::list(std::vector<Value> items) { return build_list(items); }

Value Value::map() {
  Value value;
  value.put(Kind::map, static_cast<Map::Node*>(nullptr));
  return value;
}

Value Value::map(std::vector<std::pair<std::string, Value>> members) {
  std::ranges::stable_sort(members, [](const auto& a, const auto& b) { return key_before(a.first, b.first); });
  std::vector<Value> pairs;
  pairs.reserve(2 * members.size());
  for (auto& [key, item] : members) {
    if (!pairs.empty() && pairs[pairs.size() - 2].as_string() == key) {
      pairs.back() = std::move(item);
    } else {
      pairs.emplace_back(key);
      pairs.push_back(std::move(item));
    }
  }
  return build_map(pairs);
}

Value build_list(std::span<Value> items) {
  Value value;
  value.put(Value::Kind::list, List::build(items));
  return value;
}

Value build_map(std::span<Value> keys_and_items) {
  assert(keys_and_items.size() % 2 == 0);
  for (std::size_t i = 2; i < keys_and_items.size(); i += 2)
    assert(key_before(keys_and_items[i - 2].as_string(), keys_and_items[i].as_string()));
  Value value;
  auto* entries = reinterpret_cast<Entry*>(keys_and_items.data());
  value.put(Value::Kind::map, Map::build({entries, keys_and_items.size() / 2}));
  return value;
}

void Value::retain() const noexcept {
  if (!is_list() && !is_map())
    payload<Blob*>()->references.fetch_add(1, std::memory_order_relaxed);
  else if (auto* root = payload<SequenceNode*>())
    root->references.fetch_add(1, std::memory_order_relaxed);
}

// Gives up this value's share of its contents; the root that is left without owners, if any, is the caller's.
SequenceNode* Value::drop() noexcept {
  if (is_heavy()) {
    release_heavy(static_cast<HeavyNode*>(payload<Blob*>()));
    return nullptr;
  }
  if (!is_list() && !is_map()) {
    release_blob(payload<Blob*>());
    return nullptr;
  }
  auto* root = payload<SequenceNode*>();
  return root != nullptr && root->drop() ? root : nullptr;
}

void Value::release() noexcept {
  if (SequenceNode* root = drop())
    destroy(root);
}

void destroy(SequenceNode* node) noexcept {
  SequenceNode* waiting = nullptr;
  const auto bury = [&waiting](SequenceNode* dead) {
    dead->waiting = waiting;
    waiting = dead;
  };
  for (bury(node); waiting != nullptr; node->discard()) {
    node = waiting;
    waiting = node->waiting;
    if (node->height > 0) {
      for (unsigned i = 0; i < node->count; ++i)
        if (SequenceNode* child = node->children()[i]; child->drop())
          bury(child);
    } else {
      auto* values = reinterpret_cast<Value*>(node + 1);
      const std::size_t values_per_item = node->item_words * 8U / sizeof(Value);
      for (std::size_t i = 0; i < values_per_item * node->count; ++i)
        if (SequenceNode* root = values[i].is_shared() ? values[i].drop() : nullptr)
          bury(root);
    }
  }
}

std::string_view Value::long_text() const noexcept {
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
  return static_cast<const HeavyNode*>(payload<Blob*>())->ref;
}

bool Value::keeps_heavy() const noexcept {
  return is_heavy() && static_cast<const HeavyNode*>(payload<Blob*>())->keeper != nullptr;
}

std::size_t Value::size() const noexcept {
  switch (kind()) {
    case Kind::list:
    case Kind::map: {
      const auto* root = payload<const SequenceNode*>();
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

const Value& Value::element(std::size_t index) const noexcept {
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

void Value::push_back(Value item) {
  assert(is_list());
  change_root<List::Node>(raw_, [&](List::Node*& root) { List::append(root, std::move(item)); });
}

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
  Value changed = *this;  // and not this value itself, of which `items` may be a part
  for (std::size_t i = 0; i < removed; ++i)
    changed.erase_at(index);
  for (const Value& item : items.items())
    changed.insert(index++, item);
  swap(changed);
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
    const ValueRun run = values_at(static_cast<const SequenceNode*>(root_), index_);
    at_ = run.first;
    end_ = at_ + run.count;
  }
  return *at_;
}

MemberView Value::Members::Iterator::operator*() const noexcept {
  if (at_ == nullptr) {
    const ValueRun run = values_at(static_cast<const SequenceNode*>(root_), index_);
    at_ = run.first;
    end_ = at_ + run.count;
  }
  return {at_[0].as_string(), at_[1]};
}

}  // namespace theus

#include "shm/heavy_room.hpp"

#include "shm/refusal.hpp"

#include <cstring>

namespace theus::shm {
namespace {

FullPolicy policy_of(HeavyOptions::Full full) noexcept {
  switch (full) {
    case HeavyOptions::Full::fail: return FullPolicy::fail;
    case HeavyOptions::Full::block: return FullPolicy::block;
    case HeavyOptions::Full::evict: return FullPolicy::evict;
  }
  return FullPolicy::fail;
}

Error not_heavy(const Value& value) {
  return Error{Errc::contract_violation, "heavy zone",
               "the heavy zone takes buffers, and lists and maps of them, not a value of kind " +
                   std::string{to_string(value.kind())},
               "Return a HeavyBuffer, or a list of numbers to be copied; other values belong to the data zone"}
      .with("rule", "heavy_only");
}

// A list of numbers of one kind, or bytes: copied into a buffer.
template <class T, class Get>
Result<Admitted> copied(Arena& arena, std::size_t count, const Get& get_all) {
  auto loan = arena.lend(count * sizeof(T));
  if (!loan)
    return loan.error();
  get_all(std::span{reinterpret_cast<T*>(loan->bytes().data()), count});
  auto hold = arena.publish(*std::move(loan), heavy_type_of<T>(), {count});
  if (!hold)
    return hold.error();
  return Admitted{to_handle(*std::move(hold)), count * sizeof(T)};
}

bool all_are(const Value& list, Value::Kind kind) {
  for (const Value& item : list.items())
    if (item.kind() != kind)
      return false;
  return !list.empty();
}

}  // namespace

Result<ArenaPtr> HeavyRoom::arena() {
  if (is_joined())
    return Error{Errc::unsupported, "heavy zone", "the zone belongs to another process and is only read here",
                 "Build buffers in the process that runs the engine"};
  if (guest_ != nullptr)
    return Error{Errc::unsupported, "heavy zone", "an isolated body reads buffers, and builds them for good",
                 "Let a process that is not isolated write in place"};
  const std::lock_guard lock{mutex_};
  if (arena_ == nullptr) {
    auto made = Arena::create({.bytes_max = options_.bytes_max,
                               .owner_bytes_max = options_.owner_bytes_max,
                               .consumer_bytes_max = options_.consumer_bytes_max,
                               .blocks_max = options_.blocks_max,
                               .policy = policy_of(options_.full),
                               .wait_max = options_.wait_max,
                               .named_segments = options_.named_segments});
    if (!made)
      return made.error();
    arena_ = *std::move(made);
  }
  return arena_;
}

Result<std::shared_ptr<JoinedHeavy>> HeavyRoom::joined() {
  const std::lock_guard lock{mutex_};
  if (joined_ != nullptr && joined_->has_owner())
    return joined_;
  auto made = join_();
  if (!made)
    return joined_ != nullptr ? Result<std::shared_ptr<JoinedHeavy>>{joined_} : made;
  joined_ = *std::move(made);
  return joined_;
}

ArenaPtr HeavyRoom::arena_if_made() const {
  const std::lock_guard lock{mutex_};
  return arena_;
}

Result<Hold> HeavyRoom::hold(const HeavyRef& ref) const {
  const ArenaPtr arena = arena_if_made();
  if (arena == nullptr) {
    const auto handle = decode(ref);
    return handle ? heavy_lost("the handle is of another engine, or of an earlier run of this one") : handle.error();
  }
  return arena->hold(ref);
}

Result<Admitted> HeavyRoom::admit(const Value& value) {
  if (value.is_heavy()) {
    if (is_joined() || guest_ != nullptr)  // its owner knows, and is asked with the commit
      return Admitted{value, 0};
    auto kept = hold(value.as_heavy());
    if (!kept)
      return kept.error();
    return Admitted{value.keeps_heavy() ? value : to_handle(*std::move(kept)), 0};
  }
  if (value.is_null())
    return Admitted{value, 0};
  const bool is_reals = value.is_list() && all_are(value, Value::Kind::real);
  const bool is_integers = value.is_list() && all_are(value, Value::Kind::integer);
  if (is_reals || is_integers || (value.is_bytes() && !value.empty())) {
    if (guest_ != nullptr)  // copied where the engine is
      return Admitted{value, 0};
    auto made = arena();
    if (!made)
      return made.error();
    auto admitted = value.is_bytes() ? copied<std::byte>(**made, value.size(),
                                                         [&](std::span<std::byte> to) {
                                                           std::memcpy(to.data(), value.as_bytes().data(), to.size());
                                                         })
                    : is_reals       ? copied<double>(**made, value.size(),
                                                [&](std::span<double> to) {
                                                  for (std::size_t i = 0; const Value& item : value.items())
                                                    to[i++] = item.as_double();
                                                })
                                     : copied<std::int64_t>(**made, value.size(), [&](std::span<std::int64_t> to) {
                                   for (std::size_t i = 0; const Value& item : value.items())
                                     to[i++] = item.as_int();
                                 });
    if (admitted)
      count_copy(admitted->bytes_copied);
    return admitted;
  }
  if (!value.is_list() && !value.is_map())
    return not_heavy(value);
  // One level: rows of a matrix, or named parts. Deeper nesting has no use, and recursion no bound.
  Admitted all{value, 0};
  const auto take = [](const Value& item) { return item.is_heavy() || item.is_null(); };
  for (std::size_t i = 0; const Value& item : value.items()) {
    auto admitted = take(item) ? admit(item) : Result<Admitted>{not_heavy(item)};
    if (!admitted)
      return admitted.error();
    all.value.replace(i++, std::move(admitted->value));
  }
  for (const auto [key, item] : value.members()) {
    auto admitted = take(item) ? admit(item) : Result<Admitted>{not_heavy(item)};
    if (!admitted)
      return admitted.error();
    all.value.set(key, std::move(admitted->value));
  }
  return all;
}

Value to_handle(Hold hold) {
  const HeavyRef ref = hold.ref();
  return Value::heavy(ref, std::make_shared<const Hold>(std::move(hold)));
}

}  // namespace theus::shm

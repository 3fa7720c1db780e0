// What the owner promises a joined process: paths that are kept free for it, and the schema that commits stand under.

#include "runtime/attach/follower.hpp"
#include "runtime/schema_guard.hpp"

#include <theus/json.hpp>

#include <algorithm>

namespace theus {
namespace {

// How soon reservations that wait for others' are looked at again.
constexpr std::chrono::milliseconds reservations_interval{1};
// Of a reservation: what transactions in this process ask for.
constexpr std::uint64_t lifetime_ms_max = 1000;

}  // namespace

void Follower::reserve(CborCursor& in) {
  const Reservations::Id id = in.number();
  const std::chrono::milliseconds lifetime{std::min<std::uint64_t>(in.number(), lifetime_ms_max)};
  std::vector<Path> paths;
  while (in.failure() == nullptr && !in.is_at_end()) {
    auto path = paths_.path(in.text());
    if (!path)
      in.fail("a path cannot be read");
    else
      paths.push_back(*std::move(path));
  }
  if (in.failure() != nullptr)
    return;
  if (const auto known = reservations_.find(id); known != reservations_.end())
    return known->second.extend(paths);
  // One that cannot be made is not to be waited for.
  unstarted_.insert(id);
  if (reservations_.size() == reservations_max)
    return;
  if (auto made = terms_.turn.reserve(std::move(paths), lifetime))
    reservations_.emplace(id, *std::move(made));
}

/// Tells which of them may start, after the commits of those who came before.
void Follower::look_at_reservations(Time now) {
  if (unstarted_.empty())
    return;
  next_look_at_them_ = now + reservations_interval;
  std::erase_if(unstarted_, [&](Reservations::Id id) {
    const auto reserved = reservations_.find(id);
    if (reserved != reservations_.end() && !reserved->second.may_start())
      return false;
    if (starts_.empty())
      starts_ = message_of(ToJoined::starts);
    append_cbor_number(starts_, id);
    stands_on_ = std::max(stands_on_, terms_.turn.version());
    return true;
  });
}

/// What is in force, unless it was told: before the commits that stand under it.
bool Follower::add_schema(MessageWriter& out) {
  const std::uint64_t changes = terms_.turn.schema_changes();
  if (told_schema_ == changes)
    return false;
  const auto guard = terms_.turn.schema();
  std::vector<std::byte> message = message_of(ToJoined::schema);
  append_cbor_text(message, guard != nullptr ? to_json(guard->schema().document()) : std::string{});
  out.add(std::move(message));
  told_schema_ = changes;
  return true;
}

}  // namespace theus

#include "runtime/reservations.hpp"

#include <algorithm>
#include <utility>

namespace theus {
namespace {

bool overlap(const Path& a, const Path& b) noexcept { return a.covers(b) || b.covers(a); }

bool overlap(const std::vector<Path>& a, const std::vector<Path>& b) noexcept {
  return std::ranges::any_of(a, [&](const Path& one) {
    return std::ranges::any_of(b, [&](const Path& other) { return overlap(one, other); });
  });
}

}  // namespace

std::optional<Reservations::Id> Reservations::add(std::vector<Path> paths, std::chrono::nanoseconds lifetime,
                                                  Time now) {
  advance(now);
  if (entries_.size() == count_max)
    return std::nullopt;
  entries_.push_back({last_id_ + 1, std::move(paths), lifetime});
  advance(now);
  return ++last_id_;
}

void Reservations::extend(Id id, std::span<const Path> paths) {
  const auto entry = std::ranges::find(entries_, id, &Entry::id);
  if (entry == entries_.end())
    return;
  for (const Path& path : paths)
    if (std::ranges::none_of(entry->paths, [&](const Path& known) { return known.covers(path); }))
      entry->paths.push_back(path);
}

void Reservations::release(Id id, Time now) noexcept {
  drop([&](const Entry& entry) { return entry.id == id; }, now);
  advance(now);
}

template <class IsOver>
void Reservations::drop(const IsOver& is_over, Time now) noexcept {
  const auto over = std::ranges::find_if(entries_, is_over);
  if (over == entries_.end())
    return;
  if (std::exchange(held_somebody_back_, false))
    breather_until_ = now + breather;
  std::erase_if(entries_, is_over);
}

bool Reservations::may_start(Id id, Time now) noexcept {
  advance(now);
  const auto entry = std::ranges::find(entries_, id, &Entry::id);
  return entry == entries_.end() || entry->active_until;
}

bool Reservations::hold_back(std::span<const Write> writes, Id holder, Time now) noexcept {
  advance(now);
  const bool is_held_back = std::ranges::any_of(entries_, [&](const Entry& entry) {
    return entry.active_until && entry.id != holder && std::ranges::any_of(writes, [&](const Write& write) {
             return std::ranges::any_of(entry.paths, [&](const Path& path) { return overlap(path, write.path); });
           });
  });
  held_somebody_back_ |= is_held_back;
  return is_held_back;
}

void Reservations::advance(Time now) noexcept {
  drop([&](const Entry& entry) { return entry.active_until && *entry.active_until <= now; }, now);
  if (now < breather_until_)
    return;
  for (auto entry = entries_.begin(); entry != entries_.end(); ++entry)
    if (!entry->active_until && std::none_of(entries_.begin(), entry, [&](const Entry& earlier) {
          return overlap(earlier.paths, entry->paths);
        }))
      entry->active_until = now + entry->lifetime;
}

}  // namespace theus

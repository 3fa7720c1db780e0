#include "actors/heavy_host.hpp"

#include "actors/heavy_places.hpp"
#include "shm/refusal.hpp"

#include <algorithm>
#include <unordered_map>

namespace theus::actors {
namespace {

using State = HeavyBufferInfo::State;

constexpr std::size_t paths_told_max = 8;

class Guest final : public HeavyGuest {
public:
  Guest(shm::ArenaPtr arena, shm::ConsumerId id) noexcept : arena_(std::move(arena)), id_(id) {}
  Guest(const Guest&) = delete;
  Guest& operator=(const Guest&) = delete;
  ~Guest() override { arena_->dismiss(id_); }

  Result<std::vector<Descriptor>> files() override {
    auto table = arena_->table_file();
    if (!table)
      return table.error();
    auto leases = arena_->lease_file(id_);
    if (!leases)
      return leases.error();
    std::vector<Descriptor> both;
    both.push_back(*std::move(table));
    both.push_back(*std::move(leases));
    return both;
  }
  Result<Descriptor> segment(std::uint32_t id) override { return arena_->segment_file(id); }

private:
  const shm::ArenaPtr arena_;
  const shm::ConsumerId id_;
};

State state_of(const shm::BlockReport& block) {
  if (block.is_condemned)
    return State::lent_only;
  if (block.state == shm::BlockState::dirty)
    return State::dirty;
  return shm::parts_of(block.ref).is_in_place() ? State::in_place : State::published;
}

HeavyBufferInfo described(const shm::BlockReport& block) {
  const shm::Handle handle = shm::parts_of(block.ref);
  return {.block = handle.block(),
          .segment = handle.segment,
          .owner = block.owner,
          .type = handle.type,
          .shape = handle.shape,
          .bytes = handle.bytes,
          .state = state_of(block),
          .holds = block.holds,
          .leases = block.leases};
}

/// `refs` are those of the buffers, in their order.
void tell_places(HeavyReport& report, std::span<const HeavyRef> refs, const Snapshot& state) {
  std::unordered_map<std::uint32_t, std::size_t> by_block;
  for (std::size_t i = 0; i < refs.size(); ++i)
    by_block.emplace(report.buffers[i].block, i);
  each_heavy_place(state.find(Path{}).value_or(Value{}), [&](const HeavyRef& ref, const Path& path) {
    const auto found = by_block.find(shm::parts_of(ref).block());
    if (found == by_block.end() || refs[found->second] != ref)
      return;
    HeavyBufferInfo& buffer = report.buffers[found->second];
    if (buffer.places++ < paths_told_max)
      buffer.paths.push_back(path.text());
  });
  report.has_places = true;
}

}  // namespace

int HeavyHost::death_signal() const {
  const shm::ArenaPtr arena = room_->arena_if_made();
  return arena == nullptr ? -1 : arena->death_signal();
}

std::vector<shm::LostLeases> HeavyHost::look(Time now) {
  const shm::ArenaPtr arena = room_->arena_if_made();
  if (arena == nullptr)
    return {};
  auto lost = arena->collect();
  next_look_ = arena->consumers() > 0 ? std::optional{now + look_interval} : std::nullopt;
  return lost;
}

HeavyInvitation HeavyHost::invitation(std::optional<shm::ProcessIdentity> process) {
  return [this, process]() -> Result<std::unique_ptr<HeavyGuest>> {
    if (!process)
      return Error{Errc::peer_down, "heavy zone", "the process that connected has ended", "Join from a living one"};
    auto arena = room_->arena();
    if (!arena)
      return arena.error();
    const auto id = (*arena)->admit(*process);
    if (!id)
      return id.error();
    next_look_ = std::chrono::steady_clock::now() + look_interval;
    return std::unique_ptr<HeavyGuest>{std::make_unique<Guest>(*std::move(arena), *id)};
  };
}

Result<LentBuffer> HeavyHost::lend(const HeavyZone& zone, const HeavyRef& ref) {
  const auto& room = shm::HeavyRoom::of(zone);
  auto hold = room->hold(shm::without_slot(ref));
  if (!hold)
    return hold.error();
  if (shm::parts_of(ref).is_in_place())
    return Error{Errc::unsupported, "heavy zone", "buffers in place are not shown to engines on other hosts",
                 "Publish the buffer for good, or read it on the host of its engine"};
  const std::uint64_t bytes_max = room->options().consumer_bytes_max;
  const auto bytes = hold->bytes();
  if (bytes_max != 0 && bytes.size() > bytes_max)
    return shm::no_space("no more may be lent to one reader at a time", bytes.size(), bytes_max,
                         "Read it on the host of its engine, or raise HeavyOptions::consumer_bytes_max there");
  return LentBuffer{bytes, std::make_shared<const shm::Hold>(*std::move(hold))};
}

HeavyReport HeavyHost::report(const HeavyZone& zone, const HeavyQuery& query, const Snapshot* state) {
  HeavyReport report;
  std::vector<HeavyRef> refs;
  if (const shm::ArenaPtr arena = shm::HeavyRoom::of(zone)->arena_if_made())
    for (const shm::BlockReport& block : arena->blocks(query.buffers_max, report.omitted)) {
      report.buffers.push_back(described(block));
      refs.push_back(block.ref);
    }
  if (state != nullptr)
    tell_places(report, refs, *state);
  report.holders = zone.holders(query.age_max);
  std::ranges::sort(report.holders, std::ranges::greater{}, &HeavyHolder::bytes);
  report.statistics = zone.statistics();
  return report;
}

}  // namespace theus::actors

#include <theus/heavy.hpp>

#include "shm/heavy_room.hpp"
#include "shm/refusal.hpp"

namespace theus {
namespace shm {

/// What stands behind a HeavyBuffer: a loan, and once it is published the handle.
class HeavyLoan {
public:
  HeavyLoan(Loan loan, HeavyType type, const HeavyShape& shape) : loan_(std::move(loan)), type_(type), shape_(shape) {}
  HeavyLoan(std::shared_ptr<GuestHeavy> guest, SealedBuffer buffer, HeavyType type, const HeavyShape& shape)
      : guest_(std::move(guest)), buffer_(std::move(buffer)), type_(type), shape_(shape) {}

  std::span<std::byte> bytes() const noexcept {
    return loan_ ? loan_->bytes() : buffer_ ? buffer_->bytes() : std::span<std::byte>{};
  }
  Result<Value> publish(const ArenaPtr& arena, bool in_place) {
    if (buffer_) {
      if (in_place)
        return Error{Errc::unsupported, "heavy zone", "an isolated body builds buffers for good",
                     "Use publish(), or a process that is not isolated"};
      auto handle = guest_->publish(*std::exchange(buffer_, std::nullopt), type_, shape_);
      if (!handle)
        return handle;
      handle_ = *std::move(handle);
    }
    if (loan_) {
      auto hold = arena->publish(*std::exchange(loan_, std::nullopt), type_, shape_, in_place);
      if (!hold)
        return hold.error();
      handle_ = to_handle(*std::move(hold));
    }
    return handle_;
  }
  const ArenaPtr& arena() const noexcept { return arena_; }
  void belongs_to(ArenaPtr arena) noexcept { arena_ = std::move(arena); }

private:
  ArenaPtr arena_;
  std::optional<Loan> loan_;
  std::shared_ptr<GuestHeavy> guest_;
  std::optional<SealedBuffer> buffer_;  // in a worker
  HeavyType type_;
  HeavyShape shape_;
  Value handle_;
};

/// What stands behind a HeavyWriter.
class HeavyWriting {
public:
  explicit HeavyWriting(Hold hold) noexcept : hold_(std::move(hold)) {}
  HeavyWriting(const HeavyWriting&) = delete;
  HeavyWriting& operator=(const HeavyWriting&) = delete;
  ~HeavyWriting() { end(false); }

  void end(bool whole) noexcept {
    if (!ended_)
      hold_.arena()->end_write(hold_, whole);
    ended_ = true;
  }

private:
  Hold hold_;
  bool ended_ = false;
};

namespace {

Result<HeavyRef> reference_in(const Value& handle) {
  if (!handle.is_heavy())
    return Error{
        Errc::bad_argument, "heavy zone",
        "a handle of a heavy buffer was expected, not a value of kind " + std::string{to_string(handle.kind())},
        "Pass the value of a heavy path, or what publish() gave"};
  return handle.as_heavy();
}

Status check_type(const Handle& handle, HeavyType wanted) {
  return handle.type == wanted ? Status{} : other_type(handle.type, wanted);
}

}  // namespace
}  // namespace shm

HeavyZone::HeavyZone(HeavyOptions options) : room_(std::make_shared<shm::HeavyRoom>(options)) {}

Result<std::shared_ptr<shm::HeavyLoan>> HeavyZone::lend(HeavyType type, const HeavyShape& shape,
                                                        std::string_view owner) {
  const auto bytes = shape.bytes(type);
  if (!bytes)
    return Error{Errc::bad_argument, "heavy zone", "the shape has no elements, or more than can be counted",
                 "Give one to four extents of at least 1"};
  if (const auto& guest = room_->guest()) {
    auto buffer = guest->build(*bytes);
    if (!buffer)
      return buffer.error();
    return std::make_shared<shm::HeavyLoan>(guest, *std::move(buffer), type, shape);
  }
  auto arena = room_->arena();
  if (!arena)
    return arena.error();
  const auto account = (*arena)->owner(owner);
  if (!account)
    return account.error();
  auto loan = (*arena)->lend(*bytes, *account);
  if (!loan)
    return loan.error();
  auto lent = std::make_shared<shm::HeavyLoan>(*std::move(loan), type, shape);
  lent->belongs_to(*arena);
  return lent;
}

Result<HeavyZone::Seen> HeavyZone::look(const Value& value, HeavyType type) const {
  const auto ref = shm::reference_in(value);
  if (!ref)
    return ref.error();
  const auto seen_of = [](auto shown) {
    Seen seen;
    seen.bytes = shown.bytes;
    seen.shape = shown.shape;
    seen.keeper = std::move(shown.keeper);
    seen.epoch = shown.epoch;
    return seen;
  };
  if (const auto& fetched = room_->fetched()) {
    auto copy = fetched->look(*ref, type);
    if (!copy)
      return copy.error();
    return seen_of(*std::move(copy));
  }
  if (room_->is_joined() || room_->guest() != nullptr) {
    const auto joined = room_->is_joined() ? room_->joined() : Result<std::shared_ptr<shm::JoinedHeavy>>{nullptr};
    if (!joined)
      return joined.error();
    auto shown = room_->is_joined() ? (*joined)->look(*ref) : room_->guest()->look(*ref);
    if (!shown)
      return shown.error();
    if (auto fits = shm::check_type(shm::parts_of(*ref), type); !fits)
      return fits.error();
    return seen_of(*std::move(shown));
  }
  auto hold = room_->hold(*ref);
  if (!hold)
    return hold.error();
  const shm::Handle handle = shm::parts_of(*ref);
  if (auto fits = shm::check_type(handle, type); !fits)
    return fits.error();
  Seen seen;
  seen.bytes = hold->bytes();
  seen.shape = handle.shape;
  seen.epoch = &hold->arena()->epoch_word(*hold);
  seen.keeper = std::make_shared<const shm::Hold>(*std::move(hold));
  return seen;
}

Result<HeavyZone::Written> HeavyZone::begin_write(const Value& value, HeavyType type) {
  const auto ref = shm::reference_in(value);
  if (!ref)
    return ref.error();
  if (room_->is_joined() || room_->guest() != nullptr)
    return room_->arena().error();
  const shm::ArenaPtr arena = room_->arena_if_made();
  auto hold = arena == nullptr ? room_->hold(*ref) : arena->hold_even_dirty(*ref);
  if (!hold)
    return hold.error();
  const shm::Handle handle = shm::parts_of(*ref);
  if (auto fits = shm::check_type(handle, type); !fits)
    return fits.error();
  if (!handle.is_in_place())
    return Error{Errc::unsupported, "heavy zone", "the buffer was published for good, and readers rely on that",
                 "Build another buffer and commit its handle, or use publish_in_place()"};
  if (!arena->begin_write(*hold))
    return Error{Errc::overloaded, "heavy zone", "somebody else writes this buffer", "Try again later"};
  Written written;
  written.bytes = arena->writable(*hold);
  written.shape = handle.shape;
  written.writing = std::make_shared<shm::HeavyWriting>(*std::move(hold));
  return written;
}

void HeavyZone::count_copy(std::uint64_t bytes) noexcept { room_->count_copy(bytes); }

HeavyStatistics HeavyZone::statistics() const {
  HeavyStatistics numbers{.bytes_max = room_->options().bytes_max};
  numbers.bytes_copied = room_->copied_bytes();
  if (const auto& fetched = room_->fetched()) {
    numbers.bytes_max = fetched->options().bytes_max;
    numbers.bytes_used = numbers.bytes_reserved = fetched->bytes_held();
    numbers.buffers = fetched->copies();
    numbers.bytes_fetched = fetched->bytes_fetched();
    return numbers;
  }
  const shm::ArenaPtr arena = room_->arena_if_made();
  if (arena == nullptr)
    return numbers;
  const shm::ArenaStatistics now = arena->statistics();
  numbers.bytes_used = now.bytes_used;
  numbers.bytes_reserved = now.bytes_reserved;
  numbers.buffers = now.blocks;
  numbers.lent_only = now.condemned;
  numbers.consumers = now.consumers;
  numbers.recycled = now.recycled;
  numbers.refused = now.refused;
  numbers.lost_leases = now.lost_leases;
  numbers.huge_pages = now.huge_pages;
  return numbers;
}

std::vector<HeavyHolder> HeavyZone::holders(std::chrono::nanoseconds age_max) const {
  std::vector<HeavyHolder> all;
  if (const shm::ArenaPtr arena = room_->arena_if_made())
    for (const shm::LeaseHolder& each : arena->holders(age_max))
      all.push_back({each.consumer.pid, each.leases, each.bytes, each.age, each.is_over});
  return all;
}

bool HeavyZone::kill_holder(int pid) {
  const shm::ArenaPtr arena = room_->arena_if_made();
  if (arena == nullptr)
    return false;
  for (const shm::LeaseHolder& each : arena->holders(std::chrono::nanoseconds{0}))
    if (each.consumer.pid == pid)
      return arena->kill(each.consumer);
  return false;
}

std::span<std::byte> bytes_of(const shm::HeavyLoan& loan) noexcept { return loan.bytes(); }
Result<Value> publish(shm::HeavyLoan& loan, bool in_place) { return loan.publish(loan.arena(), in_place); }
void finish(shm::HeavyWriting& writing) noexcept { writing.end(true); }

}  // namespace theus

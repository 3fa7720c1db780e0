#include "shm/arena_block.hpp"

#include "shm/refusal.hpp"
#include "shm/segment_file.hpp"
#include "shm/segment_name.hpp"

#include <sys/epoll.h>
#include <sys/random.h>

#include <algorithm>
#include <thread>

namespace theus::shm {
namespace {

constexpr std::size_t owners_max = 4096;

std::uint64_t random_number() {
  std::uint64_t number = 0;
  while (number == 0)
    if (::getrandom(&number, sizeof number, 0) != static_cast<ssize_t>(sizeof number))
      number = 0;
  return number;
}

}  // namespace

Loan::~Loan() {
  if (arena_ != nullptr)
    arena_->return_loan(block_);
}

Hold::Hold(const Hold& other) noexcept : arena_(other.arena_), block_(other.block_) {
  if (arena_ != nullptr)
    arena_->at(block_).holds.fetch_add(1, std::memory_order_relaxed);
}

Hold::~Hold() {
  if (arena_ != nullptr)
    arena_->drop_hold(block_);
}

const HeavyRef& Hold::ref() const noexcept { return arena_->at(block_).ref; }

std::span<const std::byte> Hold::bytes() const noexcept {
  return {arena_->store_.place(block_).address, static_cast<std::size_t>(arena_->at(block_).bytes)};
}

Result<ArenaPtr> Arena::create(ArenaOptions options, const Clock& clock) {
  options.blocks_max = std::clamp(options.blocks_max, 1U, shm::blocks_max);
  const std::uint64_t zone = random_number();
  auto table = BlockTable::create(zone, options.blocks_max);
  if (!table)
    return table.error();
  Descriptor deaths{::epoll_create1(EPOLL_CLOEXEC)};
  if (!deaths)
    return from_kernel("epoll_create1", errno);
  if (options.named_segments)
    remove_dead_segments();
  return ArenaPtr{new Arena{options, clock, zone, *std::move(table), std::move(deaths)}};
}

Arena::Arena(ArenaOptions options, const Clock& clock, std::uint64_t zone, BlockTable table, Descriptor deaths)
    : options_(options),
      clock_(clock),
      zone_(zone),
      deaths_(std::move(deaths)),
      blocks_(std::make_unique<Block[]>(table.size())),
      table_(std::move(table)),
      released_(0),
      store_({.source = {.zone = zone, .named = options.named_segments, .engine = zone},
              // What does not fit together costs space beyond the quota, which counts blocks only.
              .reserved_bytes_max = options.bytes_max + options.bytes_max / 8 + 4 * huge_page_bytes,
              .blocks_max = options.blocks_max,
              .segments_max = BlockTable::segments_max}) {
  accounts_.push_back({"engine", 0, {}});
  for (std::uint32_t block = 0; block < table_.size(); ++block)
    at(block).generation = options_.first_generation;
}

Arena::~Arena() = default;

Result<OwnerId> Arena::owner(std::string_view name) {
  if (!is_heavy_name(name))
    return Error{Errc::bad_argument, "heavy zone", "a name of 1 to 64 of the characters a-z 0-9 _ . - was expected",
                 "Use such a name"};
  const std::lock_guard lock{mutex_};
  const auto found = std::ranges::find(accounts_, name, &Account::name);
  if (found != accounts_.end())
    return static_cast<OwnerId>(found - accounts_.begin());
  if (accounts_.size() == owners_max)
    return Error{Errc::resource_exhausted, "heavy zone", "there are too many owners", "Use fewer names"};
  accounts_.push_back({std::string{name}, 0, {}});
  return static_cast<OwnerId>(accounts_.size() - 1);
}

Result<Loan> Arena::lend(std::uint64_t bytes, OwnerId owner) {
  if (bytes == 0)
    return Error{Errc::bad_argument, "heavy zone", "a buffer of 0 bytes", "Ask for at least one byte"};
  if (fork_mark_.is_child())
    return Error{Errc::forked, "heavy zone", "this process is a forked child; the zone belongs to its parent",
                 "Build a zone here, or start another program (fork and exec)"};
  std::unique_lock lock{mutex_};
  auto block = take(bytes, owner);
  if (!block && options_.policy == FullPolicy::block && bytes <= options_.bytes_max) {
    constexpr std::chrono::microseconds look_interval{200};
    const auto deadline = clock_.now() + options_.wait_max;
    while (!block && clock_.now() < deadline) {
      lock.unlock();
      std::this_thread::sleep_for(look_interval);
      lock.lock();
      block = take(bytes, owner);
    }
  }
  if (!block) {
    ++refused_;
    return block.error();
  }
  ++lent_;
  ++blocks_in_use_;
  const Place& place = store_.place(*block);
  used_bytes_ += place.capacity;
  accounts_[owner].used_bytes += place.capacity;
  Block& lent = at(*block);
  lent.owner = owner;
  lent.bytes = bytes;
  return Loan{shared_from_this(), *block, {place.address, static_cast<std::size_t>(bytes)}};
}

Status Arena::check_quota(std::uint64_t capacity, const Account& account) const {
  if (capacity > options_.bytes_max - std::min(options_.bytes_max, used_bytes_))
    return no_space("the heavy zone's quota is used up", capacity, options_.bytes_max - used_bytes_,
                    "Let go of buffers, or raise HeavyOptions::bytes_max");
  if (options_.owner_bytes_max > 0 &&
      capacity > options_.owner_bytes_max - std::min(options_.owner_bytes_max, account.used_bytes))
    return no_space("the quota of '" + account.name + "' is used up", capacity,
                    options_.owner_bytes_max - account.used_bytes, "Let go of buffers, or raise the owners' quota")
        .with("owner", account.name);
  return {};
}

Result<std::uint32_t> Arena::take(std::uint64_t bytes, OwnerId owner) {
  assert(owner < accounts_.size());
  const auto attempt = [&]() -> Result<std::uint32_t> {
    if (auto status = check_quota(BlockStore::capacity_for(bytes), accounts_[owner]); !status)
      return status.error();
    const std::uint64_t before = store_.segment_changes();
    auto block = store_.take(bytes);
    if (store_.segment_changes() != before)
      publish_segments();
    return block;
  };
  constexpr std::size_t looks = 2;
  work_off_released();
  look_at_condemned(looks);
  auto block = attempt();
  if (block)
    return block;
  sweep();
  block = attempt();
  while (!block && options_.policy == FullPolicy::evict && evict_one(owner))
    block = attempt();
  return block;
}

void Arena::publish_segments() {
  auto live = table_.segments();
  std::size_t at = 0;
  for (const Segment& segment : store_.segments())
    live[at++].store(segment.id(), std::memory_order_release);  // pairs with the acquire in is_live()
  for (; at < live.size(); ++at)
    live[at].store(0, std::memory_order_release);
}

Result<Hold> Arena::publish(Loan loan, HeavyType type, const HeavyShape& shape, bool in_place) {
  const auto bytes = shape.bytes(type);
  if (!bytes || *bytes > loan.bytes().size())
    return Error{Errc::bad_argument, "heavy zone", "the shape does not fit into the buffer",
                 "Use the shape that the buffer was made for"};
  const std::uint32_t number = loan.block_;
  Block& block = at(number);
  const Place& place = store_.place(number);
  block.bytes = *bytes;
  block.ref = encode({.segment = place.segment->id(),
                      .type = type,
                      .flags = in_place ? Handle::in_place : std::uint8_t{0},
                      .lease = lease_word(number, block.generation),
                      .bytes = *bytes,
                      .shape = shape,
                      .zone = zone_});
  BlockEntry& entry = table_[number];
  entry.offset.store(place.offset(), std::memory_order_relaxed);
  entry.bytes.store(*bytes, std::memory_order_relaxed);
  entry.segment.store(place.segment->id(), std::memory_order_relaxed);
  entry.description.store(description_of(block.ref), std::memory_order_relaxed);
  const bool retains = options_.policy == FullPolicy::evict;
  block.holds.store(retains ? 2 : 1, std::memory_order_release);  // pairs with the acquire in try_hold()
  // Pairs with the acquire in Reader: who sees the word sees the fields and the contents.
  entry.word.store(block_word(block.generation, BlockState::published), std::memory_order_release);
  if (retains) {
    const std::lock_guard lock{mutex_};
    accounts_[block.owner].retained.push_back(block.lease());
  }
  return Hold{std::move(loan.arena_), number};
}

Result<Hold> Arena::adopt(Descriptor file, HeavyType type, const HeavyShape& shape, OwnerId owner) {
  const auto wanted = shape.bytes(type);
  const auto header = read_header(file, SegmentKind::single);
  if (!header)
    return header.error();
  if (!wanted || *wanted > header->data_bytes || header->data_offset != SegmentHeader::page_bytes)
    return bad_handle("the buffer of another process is smaller than its shape, or not where it belongs");
  const std::uint64_t capacity = header->data_bytes;
  std::unique_lock lock{mutex_};
  const auto place = [&]() -> Result<std::uint32_t> {
    if (auto allowed = check_quota(capacity, accounts_[owner]); !allowed)
      return allowed.error();
    return store_.adopt(file, *header);
  };
  work_off_released();
  const std::uint64_t before = store_.segment_changes();
  auto block = place();
  if (!block) {
    sweep();
    store_.trim();
    block = place();
  }
  while (!block && options_.policy == FullPolicy::evict && evict_one(owner))
    block = place();
  if (!block) {
    ++refused_;
    publish_segments();
    return block.error();
  }
  if (store_.segment_changes() != before)
    publish_segments();
  ++lent_;
  ++blocks_in_use_;
  used_bytes_ += capacity;
  accounts_[owner].used_bytes += capacity;
  at(*block).owner = owner;
  Loan loan{shared_from_this(), *block, {store_.place(*block).address, static_cast<std::size_t>(capacity)}};
  lock.unlock();
  return publish(std::move(loan), type, shape);
}

bool Arena::try_hold(Block& block) noexcept {
  std::uint64_t holds = block.holds.load(std::memory_order_relaxed);
  while (holds > 0)
    if (block.holds.compare_exchange_weak(holds, holds + 1, std::memory_order_acquire, std::memory_order_relaxed))
      return true;
  return false;
}

Error Arena::why_not(const HeavyRef& ref) const {
  const Handle handle = parts_of(ref);
  const BlockEntry& entry = table_[handle.block()];
  const std::uint64_t now = generation_of(entry.word.load(std::memory_order_acquire));
  // The last hold may have gone without anybody having come by to recycle the block.
  const bool is_released = handle.generation() == now &&
                           entry.description.load(std::memory_order_relaxed) == description_of(ref) &&
                           entry.bytes.load(std::memory_order_relaxed) == handle.bytes &&
                           entry.segment.load(std::memory_order_relaxed) == handle.segment && handle.slot == 0;
  const bool is_past = handle.generation() < now || now == generation_max || is_released;
  return is_past ? expired_handle() : bad_handle("it names a buffer that was never published so");
}

Result<Hold> Arena::hold(const HeavyRef& ref) {
  auto hold = hold_even_dirty(ref);
  if (hold && state_of(table_[hold->block_].word.load(std::memory_order_acquire)) == BlockState::dirty)
    return Error{Errc::heavy_dirty, "heavy zone", "whoever last wrote this buffer in place failed midway",
                 "Write it anew, or read another buffer"};
  return hold;
}

Result<Hold> Arena::hold_even_dirty(const HeavyRef& ref) {
  const auto handle = decode(ref);
  if (!handle)
    return handle.error();
  if (handle->zone != zone_)
    return heavy_lost("the handle is of another engine, or of an earlier run of this one");
  if (handle->block() >= table_.size())
    return bad_handle("there is no such block");
  Block& block = at(handle->block());
  if (!try_hold(block))
    return why_not(ref);
  Hold hold{shared_from_this(), handle->block()};
  if (block.ref != ref)
    return why_not(ref);
  return hold;
}

void Arena::drop_hold(std::uint32_t number) noexcept {
  Block& block = at(number);
  if (block.holds.fetch_sub(1, std::memory_order_acq_rel) > 1 || fork_mark_.is_child())
    return;
  std::uint32_t first = released_.load(std::memory_order_relaxed);
  do
    block.next.store(first, std::memory_order_relaxed);
  while (!released_.compare_exchange_weak(first, number + 1, std::memory_order_release, std::memory_order_relaxed));
}

void Arena::work_off_released() {
  // Taken as a whole, so no block can come back to the list while it is being walked.
  std::uint32_t next = released_.exchange(0, std::memory_order_acquire);  // pairs with the release in drop_hold()
  while (next != 0) {
    const std::uint32_t block = next - 1;
    next = at(block).next.load(std::memory_order_relaxed);
    recycle(block);
  }
}

void Arena::recycle(std::uint32_t number) {
  Block& block = at(number);
  const LeaseWord lease = block.lease();
  ++block.generation;
  const std::uint64_t next = std::min(block.generation, generation_max);
  table_[number].word.store(block_word(next, BlockState::closed), std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);  // pairs with the one in Reader::acquire()
  if (is_acquired(lease))
    condemned_.push_back(lease);
  else
    free_block(number);
}

void Arena::free_block(std::uint32_t number) {
  Block& block = at(number);
  const std::uint64_t capacity = store_.place(number).capacity;
  used_bytes_ -= capacity;
  accounts_[block.owner].used_bytes -= capacity;
  --blocks_in_use_;
  ++recycled_;
  const std::uint64_t before = store_.segment_changes();
  if (block.generation > generation_max)
    store_.retire(number);
  else
    store_.give_back(number);
  if (store_.segment_changes() != before)
    publish_segments();
}

void Arena::return_loan(std::uint32_t number) {
  if (fork_mark_.is_child())
    return;
  const std::lock_guard lock{mutex_};
  free_block(number);
}

bool Arena::evict_one(OwnerId owner) {
  auto& retained = accounts_[owner].retained;
  for (auto each = retained.begin(); each != retained.end(); ++each) {
    Block& block = at(block_of(*each));
    if (block.holds.load(std::memory_order_relaxed) != 1 || is_acquired(*each))
      continue;
    const std::uint32_t number = block_of(*each);
    retained.erase(each);
    drop_hold(number);
    work_off_released();
    return true;
  }
  return false;
}

ArenaStatistics Arena::statistics() {
  const std::lock_guard lock{mutex_};
  work_off_released();
  ArenaStatistics numbers;
  numbers.bytes_used = used_bytes_;
  numbers.bytes_reserved = store_.reserved_bytes();
  numbers.bytes_max = options_.bytes_max;
  numbers.blocks = blocks_in_use_;
  numbers.condemned = condemned_.size();
  numbers.segments = store_.segments().size();
  numbers.consumers = consumers_.size();
  for (const auto& [id, consumer] : consumers_)
    numbers.granted += consumer.desk.granted_count();
  numbers.lent = lent_;
  numbers.recycled = recycled_;
  numbers.refused = refused_;
  numbers.lost_leases = lost_leases_;
  numbers.huge_pages = huge_pages_are_offered();
  return numbers;
}

void Arena::trim() {
  const std::lock_guard lock{mutex_};
  sweep();
  store_.trim();
  publish_segments();
}

bool Arena::is_sane() {
  const std::lock_guard lock{mutex_};
  return store_.is_sane();
}

}  // namespace theus::shm

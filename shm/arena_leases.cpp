#include "shm/arena_block.hpp"

#include "shm/refusal.hpp"

#include <fcntl.h>
#include <sys/epoll.h>

#include <algorithm>

namespace theus::shm {
namespace {

constexpr std::size_t lost_kept_max = 1024;

Result<Descriptor> duplicate(const Descriptor& file) {
  Descriptor copy{::fcntl(file.number(), F_DUPFD_CLOEXEC, 0)};
  if (!copy)
    return from_kernel("F_DUPFD_CLOEXEC", errno);
  return copy;
}

}  // namespace

Result<ConsumerId> Arena::admit(const ProcessIdentity& consumer) {
  const std::lock_guard lock{mutex_};
  sweep();
  if (consumers_.size() >= options_.consumers_max)
    return Error{Errc::overloaded, "heavy zone", std::to_string(consumers_.size()) + " consumers, which is the limit",
                 "Let some of them leave, or raise the limit"}
        .with("limit", options_.consumers_max);
  auto desk = LeaseDesk::open(consumer, zone_);
  if (!desk)
    return desk.error();
  const ConsumerId id = next_consumer_++;
  epoll_event wanted{.events = EPOLLIN, .data = {.u64 = id}};
  if (::epoll_ctl(deaths_.number(), EPOLL_CTL_ADD, desk->watched().number(), &wanted) != 0)
    return from_kernel("epoll_ctl", errno);
  consumers_.emplace(id, Consumer{*std::move(desk)});
  return id;
}

Result<Arena::Consumer*> Arena::find_consumer(ConsumerId id) {
  const auto found = consumers_.find(id);
  if (found == consumers_.end() || found->second.dismissed)
    return Error{Errc::peer_down, "heavy zone", "that consumer has left or ended", "Let it join again"};
  return &found->second;
}

Result<Descriptor> Arena::table_file() const { return duplicate(table_.file()); }

Result<Descriptor> Arena::lease_file(ConsumerId consumer) const {
  const std::lock_guard lock{mutex_};
  const auto found = consumers_.find(consumer);
  if (found == consumers_.end())
    return Error{Errc::peer_down, "heavy zone", "that consumer has left or ended", "Let it join again"};
  return duplicate(found->second.desk.file());
}

Result<Descriptor> Arena::segment_file(std::uint32_t id) const {
  const std::lock_guard lock{mutex_};
  const auto& segments = store_.segments();
  const auto found = std::ranges::find(segments, id, &Segment::id);
  if (found == segments.end())
    return bad_handle("there is no segment " + std::to_string(id)).with("segment", id);
  return found->file_for_readers();
}

// Looking at a slot that the consumer has just cleared waits for its core: it is done after the hand-over.
void Arena::reap_some(Consumer& consumer) {
  constexpr std::size_t looks = 4;
  consumer.desk.reap_oldest(looks, [&](std::uint32_t block) { release(consumer, block); });
}

void Arena::release(Consumer& consumer, std::uint32_t block) {
  consumer.granted_bytes -= at(block).bytes;
  drop_hold(block);
}

Result<std::uint16_t> Arena::grant_slot(Consumer& consumer, const Hold& hold) {
  LeaseDesk& desk = consumer.desk;
  const auto released = [&](std::uint32_t block) { release(consumer, block); };
  const Block& block = at(hold.block_);
  const auto is_over = [&] {
    return options_.consumer_bytes_max > 0 &&
           block.bytes > options_.consumer_bytes_max - std::min(options_.consumer_bytes_max, consumer.granted_bytes);
  };
  if (is_over())
    desk.reap(released);
  const auto refuse = [&](std::string what, std::uint64_t free) {
    const auto pid = desk.consumer().pid;
    return no_space("process " + std::to_string(pid) + " holds " + std::move(what), block.bytes, free,
                    "Let it release what it has read, or have it killed")
        .with("pid", pid);
  };
  if (is_over())
    return refuse(std::to_string(consumer.granted_bytes) + " bytes, its quota",
                  options_.consumer_bytes_max - consumer.granted_bytes);
  auto slot = desk.grant(block.lease());
  if (!slot) {
    desk.reap(released);
    slot = desk.grant(block.lease());
  }
  if (!slot)
    return refuse("as many leases as there can be", 0);
  at(hold.block_).holds.fetch_add(1, std::memory_order_relaxed);
  consumer.granted_bytes += block.bytes;
  return *slot;
}

namespace {

HeavyRef with_slot(HeavyRef ref, std::uint16_t slot) noexcept {
  constexpr unsigned slot_at = 32;
  ref.words[0] |= std::uint64_t{slot} << slot_at;
  return ref;
}

}  // namespace

Result<HeavyRef> Arena::grant(ConsumerId id, const Hold& hold) {
  const std::lock_guard lock{mutex_};
  const auto consumer = find_consumer(id);
  if (!consumer)
    return consumer.error();
  const auto slot = grant_slot(**consumer, hold);
  if (!slot)
    return slot.error();
  reap_some(**consumer);
  return with_slot(hold.ref(), *slot);
}

Status Arena::deliver(ConsumerId id, const Hold& hold) {
  const std::lock_guard lock{mutex_};
  const auto consumer = find_consumer(id);
  if (!consumer)
    return consumer.error();
  const auto slot = grant_slot(**consumer, hold);
  if (!slot)
    return slot.error();
  (*consumer)->desk.deliver(with_slot(hold.ref(), *slot), store_.place(hold.block_).offset());
  reap_some(**consumer);
  return {};
}

void Arena::dismiss(ConsumerId id) {
  const std::lock_guard lock{mutex_};
  if (const auto found = consumers_.find(id); found != consumers_.end()) {
    found->second.dismissed = true;
    found->second.desk.close();
  }
  sweep();
}

bool Arena::is_acquired(LeaseWord lease) const noexcept {
  return std::ranges::any_of(consumers_, [lease](const auto& each) { return each.second.desk.has_acquired(lease); });
}

void Arena::look_at_condemned(std::size_t looks_max) {
  for (std::size_t looks = std::min(looks_max, condemned_.size()); looks > 0; --looks) {
    const LeaseWord lease = condemned_.front();
    condemned_.pop_front();
    if (is_acquired(lease))
      condemned_.push_back(lease);
    else
      free_block(block_of(lease));
  }
}

void Arena::sweep() {
  const auto now = clock_.now();
  constexpr int deaths_at_once = 64;
  epoll_event ended[deaths_at_once];
  for (int count = deaths_at_once; count == deaths_at_once;) {
    count = ::epoll_wait(deaths_.number(), ended, deaths_at_once, 0);
    for (int i = 0; i < count; ++i)
      bury(ended[i].data.u64, now);
  }
  for (auto each = consumers_.begin(); each != consumers_.end();) {
    Consumer& consumer = each->second;
    consumer.desk.reap([&](std::uint32_t block) { release(consumer, block); });
    each = consumer.dismissed && consumer.desk.held(now).empty() ? consumers_.erase(each) : std::next(each);
  }
  work_off_released();
  look_at_condemned(condemned_.size());
}

void Arena::bury(ConsumerId id, LeaseDesk::TimePoint now) {
  const auto found = consumers_.find(id);
  if (found == consumers_.end())
    return;
  LeaseDesk& desk = found->second.desk;
  LostLeases lost{.consumer = desk.consumer()};
  for (const LeaseDesk::Held& held : desk.held(now))
    if (is_real(held)) {
      ++lost.leases;
      lost.bytes += at(block_of(held.lease)).bytes;
      lost.age = std::max<std::chrono::nanoseconds>(lost.age, now - held.since);
    }
  desk.reclaim([this](std::uint32_t block) { drop_hold(block); });
  consumers_.erase(found);
  lost_leases_ += lost.leases;
  if (lost_.size() == lost_kept_max)
    lost_.erase(lost_.begin());
  lost_.push_back(lost);
}

// Whether the block is still in that use. Of acquired leases the consumer may have written anything.
bool Arena::is_real(const LeaseDesk::Held& held) const noexcept {
  return held.granted || (block_of(held.lease) < table_.size() && at(block_of(held.lease)).lease() == held.lease);
}

std::size_t Arena::consumers() const {
  const std::lock_guard lock{mutex_};
  return consumers_.size();
}

std::vector<LostLeases> Arena::collect() {
  const std::lock_guard lock{mutex_};
  sweep();
  return std::exchange(lost_, {});
}

std::vector<LeaseHolder> Arena::holders(std::chrono::nanoseconds age_max) {
  const std::lock_guard lock{mutex_};
  sweep();
  const auto now = clock_.now();
  std::vector<LeaseHolder> all;
  for (auto& [id, consumer] : consumers_) {
    LeaseHolder holder{.consumer = consumer.desk.consumer()};
    for (const LeaseDesk::Held& held : consumer.desk.held(now))
      if (is_real(held)) {
        ++holder.leases;
        holder.bytes += at(block_of(held.lease)).bytes;
        holder.age = std::max<std::chrono::nanoseconds>(holder.age, now - held.since);
      }
    if (holder.leases == 0)
      continue;
    holder.is_over =
        holder.age > age_max || (options_.consumer_bytes_max > 0 && holder.bytes > options_.consumer_bytes_max);
    all.push_back(holder);
  }
  return all;
}

bool Arena::kill(const ProcessIdentity& wanted) {
  const std::lock_guard lock{mutex_};
  const auto found =
      std::ranges::find_if(consumers_, [&](const auto& each) { return each.second.desk.consumer() == wanted; });
  return found != consumers_.end() && kill_process(found->second.desk.watched());
}

}  // namespace theus::shm

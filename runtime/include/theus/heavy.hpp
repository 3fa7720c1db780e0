#pragma once

#include <theus/heavy_shape.hpp>
#include <theus/value.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace theus {

namespace shm {
class HeavyLoan;
class HeavyWriting;
class HeavyRoom;
}  // namespace shm

struct HeavyOptions {
  /// What to do when a quota is full or memory is short.
  enum class Full : std::uint8_t {
    fail,   ///< refuse at once
    block,  ///< wait until buffers are let go of, for `wait_max` at most; for threads that may wait
    evict,  ///< keep published buffers for their handles' sake, and drop the oldest unused ones of the same owner
  };

  std::uint64_t bytes_max = std::uint64_t{512} << 20;  ///< of all buffers of the engine together
  std::uint64_t owner_bytes_max = 0;                   ///< of the buffers of one owner; 0: no bound of its own
  std::uint64_t consumer_bytes_max = 0;                ///< lent to one other process at a time; 0: no bound of its own
  std::uint32_t blocks_max = 32'768;                   ///< buffers at a time, at most 2^20
  Full full = Full::fail;
  std::chrono::milliseconds wait_max{1000};
  /// For systems that forbid anonymous files in memory: segments are files in /dev/shm, which a crash leaves behind
  /// until the next engine of the same user starts. Other processes of this user could then shrink them.
  bool named_segments = false;
};

/// Of heavy buffers that are read from an engine on another host: each is fetched whole, into memory of this process.
struct FetchOptions {
  std::uint64_t buffer_bytes_max = std::uint64_t{256} << 20;  ///< larger ones are refused: too_large {limit, asked}
  std::uint64_t bytes_max = std::uint64_t{512} << 20;         ///< of all that are held at once: no_space {needed, free}
  std::chrono::milliseconds timeout{60'000};                  ///< for one buffer, waiting for others included
};

struct HeavyStatistics {
  std::uint64_t bytes_used = 0;      ///< of buffers, rounded up as they are
  std::uint64_t bytes_reserved = 0;  ///< of the memory they lie in
  std::uint64_t bytes_max = 0;
  std::uint64_t bytes_copied = 0;   ///< in all, by values that were no buffers
  std::uint64_t bytes_fetched = 0;  ///< in all, from an engine on another host
  std::uint64_t buffers = 0;
  std::uint64_t lent_only = 0;    ///< of these, those that only other processes still read
  std::uint64_t consumers = 0;    ///< other processes that read
  std::uint64_t recycled = 0;     ///< in all
  std::uint64_t refused = 0;      ///< for want of space, in all
  std::uint64_t lost_leases = 0;  ///< of processes that died, in all
  bool huge_pages = false;        ///< whether the kernel offers them here
};

/// Another process that reads buffers of this engine.
struct HeavyHolder {
  int pid = 0;
  std::size_t leases = 0;
  std::uint64_t bytes = 0;
  std::chrono::nanoseconds age{0};  ///< of its oldest lease, since it was first seen
  bool is_over = false;             ///< over the age asked for, or over HeavyOptions::consumer_bytes_max
};

/// A buffer under construction, in memory that other processes can map. Fill it through span(), then publish it, or
/// return it from a body for an output in the heavy zone. Copies mean the same buffer. Use it on one thread at a time.
template <HeavyElement T>
class HeavyBuffer {
public:
  /// Writable until the buffer is published, empty from then on. The elements begin as they were left by others.
  std::span<T> span() const noexcept;
  const HeavyShape& shape() const noexcept { return shape_; }

  /// From now on nobody can change it; the Value names it, keeps it alive and can be committed like any other. Further
  /// calls give the same Value. Nothing is copied.
  Result<Value> publish() const;
  /// As publish(), but HeavyZone::write_in_place() can change it later, under the eyes of who reads it: without
  /// rollback, and dirty when a writer fails.
  Result<Value> publish_in_place() const;

private:
  friend class HeavyZone;
  HeavyBuffer(std::shared_ptr<shm::HeavyLoan> loan, const HeavyShape& shape) noexcept
      : loan_(std::move(loan)), shape_(shape) {}

  std::shared_ptr<shm::HeavyLoan> loan_;
  HeavyShape shape_;
};

/// What a handle names, to be read. The buffer stays as long as this does. Copies are cheap; any thread.
template <HeavyElement T>
class HeavyView {
public:
  std::span<const T> span() const noexcept { return span_; }
  const HeavyShape& shape() const noexcept { return shape_; }
  const T& operator[](std::size_t index) const noexcept { return span_[index]; }
  std::size_t size() const noexcept { return span_.size(); }

  /// Of a buffer published in place: what was read since an even epoch is whole if the epoch is still the same
  /// afterwards. It is odd while somebody writes. Of any other buffer it never changes.
  std::uint64_t epoch() const noexcept {
    std::atomic_thread_fence(std::memory_order_acquire);
    return epoch_->load(std::memory_order_acquire);
  }

private:
  friend class HeavyZone;

  std::span<const T> span_;
  HeavyShape shape_;
  std::shared_ptr<const void> keeper_;
  const std::atomic<std::uint64_t>* epoch_ = nullptr;
};

/// Changes a buffer that was published in place. Unless finish() is called before this goes, whatever the reason, the
/// buffer is dirty, and viewing it is refused with heavy_dirty until another writer finishes. Use it on one thread.
template <HeavyElement T>
class HeavyWriter {
public:
  std::span<T> span() const noexcept { return span_; }
  const HeavyShape& shape() const noexcept { return shape_; }
  void finish() noexcept;

private:
  friend class HeavyZone;

  std::span<T> span_;
  HeavyShape shape_;
  std::shared_ptr<shm::HeavyWriting> writing_;
};

/// Buffers too large to copy, in memory that several processes can map: built in place, then immutable, and named by
/// handles of 64 bytes that go wherever Values go. A buffer lives as long as a Value that came from publish(), a view,
/// or a process that reads it; then its memory is used again, and what still names it is refused (expired_handle).
///
/// Nothing is set up before the first buffer. Thread-safe; may be used inside bodies. Calls may take a lock of the zone
/// for a bounded time, the dearest one being the set-up of more memory. A copy means the same zone, and may outlive the
/// engine, as may buffers, views and Values.
class HeavyZone {
public:
  explicit HeavyZone(HeavyOptions options = {});

  /// A buffer of that shape, to be filled. `owner` is on whose account it goes: 1 to 64 of a-z 0-9 _ . -. Refuses
  /// no_space {needed, free} over a quota or when memory is full; bad_argument for a shape without elements.
  template <HeavyElement T>
  Result<HeavyBuffer<T>> alloc(const HeavyShape& shape, std::string_view owner = "engine") {
    auto loan = lend(heavy_type_of<T>(), shape, owner);
    if (!loan)
      return loan.error();
    return HeavyBuffer<T>{*std::move(loan), shape};
  }
  /// A published buffer with a copy of the elements.
  template <HeavyElement T>
  Result<Value> copy(std::span<const T> elements, std::string_view owner = "engine") {
    auto buffer = alloc<T>({elements.size()}, owner);
    if (!buffer)
      return buffer.error();
    std::memcpy(buffer->span().data(), elements.data(), elements.size_bytes());
    count_copy(elements.size_bytes());
    return buffer->publish();
  }
  /// What the handle names. Refuses bad_argument for a Value that is no handle or elements of another type,
  /// expired_handle, bad_handle for what was forged, heavy_lost for handles of another engine or an earlier run,
  /// heavy_dirty. Of an engine on another host it gives a copy of its own, and blocks until that has come; then also
  /// too_large {limit, asked}, no_space, timeout, owner_down, and unsupported for buffers in place. See FetchOptions.
  template <HeavyElement T>
  Result<HeavyView<T>> view(const Value& handle) const {
    auto seen = look(handle, heavy_type_of<T>());
    if (!seen)
      return seen.error();
    HeavyView<T> view;
    view.span_ = {reinterpret_cast<const T*>(seen->bytes.data()), seen->bytes.size() / sizeof(T)};
    view.shape_ = seen->shape;
    view.keeper_ = std::move(seen->keeper);
    view.epoch_ = seen->epoch;
    return view;
  }
  /// To change a buffer that was published in place, dirty or not. Refuses what view() refuses, unsupported for other
  /// buffers, overloaded while somebody else writes.
  template <HeavyElement T>
  Result<HeavyWriter<T>> write_in_place(const Value& handle) {
    auto writing = begin_write(handle, heavy_type_of<T>());
    if (!writing)
      return writing.error();
    HeavyWriter<T> writer;
    writer.span_ = {reinterpret_cast<T*>(writing->bytes.data()), writing->bytes.size() / sizeof(T)};
    writer.shape_ = writing->shape;
    writer.writing_ = std::move(writing->writing);
    return writer;
  }

  HeavyStatistics statistics() const;
  /// The processes that read buffers, those with leases older than `age_max` marked.
  std::vector<HeavyHolder> holders(std::chrono::nanoseconds age_max) const;
  /// Kills such a process, so that what it holds can be used again; whether there was one.
  bool kill_holder(int pid);

private:
  friend class shm::HeavyRoom;

  struct Seen {
    std::span<const std::byte> bytes;
    HeavyShape shape;
    std::shared_ptr<const void> keeper;
    const std::atomic<std::uint64_t>* epoch = nullptr;
  };
  struct Written {
    std::span<std::byte> bytes;
    HeavyShape shape;
    std::shared_ptr<shm::HeavyWriting> writing;
  };

  Result<std::shared_ptr<shm::HeavyLoan>> lend(HeavyType type, const HeavyShape& shape, std::string_view owner);
  Result<Seen> look(const Value& handle, HeavyType type) const;
  Result<Written> begin_write(const Value& handle, HeavyType type);
  void count_copy(std::uint64_t bytes) noexcept;

  std::shared_ptr<shm::HeavyRoom> room_;
};

// What buffers and writers do without knowing their element type.
std::span<std::byte> bytes_of(const shm::HeavyLoan& loan) noexcept;
Result<Value> publish(shm::HeavyLoan& loan, bool in_place);
void finish(shm::HeavyWriting& writing) noexcept;

template <HeavyElement T>
std::span<T> HeavyBuffer<T>::span() const noexcept {
  const std::span<std::byte> bytes = bytes_of(*loan_);
  return {reinterpret_cast<T*>(bytes.data()), bytes.size() / sizeof(T)};
}

template <HeavyElement T>
Result<Value> HeavyBuffer<T>::publish() const {
  return theus::publish(*loan_, false);
}

template <HeavyElement T>
Result<Value> HeavyBuffer<T>::publish_in_place() const {
  return theus::publish(*loan_, true);
}

template <HeavyElement T>
void HeavyWriter<T>::finish() noexcept {
  if (writing_ != nullptr)
    theus::finish(*writing_);
}

/// A buffer becomes a Value by being published. What refuses that throws its typed exception.
template <HeavyElement T>
struct Convert<HeavyBuffer<T>> {
  static Value to(const HeavyBuffer<T>& buffer) { return buffer.publish().value(); }
  static Result<HeavyBuffer<T>> from(const Value&) {
    return Error{Errc::unsupported, "heavy buffer", "a published buffer cannot be built on", "Use HeavyZone::view()"};
  }
};

}  // namespace theus

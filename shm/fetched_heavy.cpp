#include "shm/fetched_heavy.hpp"

#include "shm/handle.hpp"
#include "shm/refusal.hpp"
#include "shm/sealed_buffer.hpp"
#include "shm/segment_header.hpp"

#include <algorithm>

namespace theus::shm {
namespace {

using Steady = std::chrono::steady_clock;

// Of buffers that never change.
constinit const std::atomic<std::uint64_t> only_epoch{0};

// For telling the owner that it need not keep a buffer.
constexpr std::chrono::milliseconds goodbye_timeout{1000};

Error wrong_bytes(const std::string& cause) {
  return {Errc::peer_down, "heavy zone", cause, "Look at the buffer again; join with Theus of the same version"};
}

}  // namespace

/// A buffer's bytes in memory of this process. Counts in the books from its making on.
class FetchedHeavy::Copy {
public:
  Copy(std::shared_ptr<Books> books, std::uint64_t bytes) noexcept : books_(std::move(books)), bytes_(bytes) {
    books_->bytes += bytes_;
    ++books_->copies;
  }
  Copy(const Copy&) = delete;
  Copy& operator=(const Copy&) = delete;
  ~Copy() {
    books_->bytes -= bytes_;
    --books_->copies;
  }

  /// The file of a SealedBuffer.
  Status map(const Descriptor& file) {
    auto map = Mapping::map(file, bytes_, Mapping::Access::read, SegmentHeader::page_bytes);
    if (!map)
      return map.error();
    map_ = *std::move(map);
    return {};
  }
  std::span<const std::byte> bytes() const noexcept { return {map_->address(), static_cast<std::size_t>(bytes_)}; }

private:
  const std::shared_ptr<Books> books_;
  const std::uint64_t bytes_;
  std::optional<Mapping> map_;
};

/// The only one who uses the source, for as long as this lives.
class FetchedHeavy::Turn {
public:
  Turn(FetchedHeavy& zone, Time deadline) : zone_(zone) {
    std::unique_lock lock{zone_.mutex_};
    has_it_ = zone_.changed_.wait_until(lock, deadline, [&] { return !zone_.is_busy_; });
    zone_.is_busy_ |= has_it_;
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (!has_it_)
      return;
    {
      const std::lock_guard lock{zone_.mutex_};
      zone_.is_busy_ = false;
    }
    zone_.changed_.notify_one();
  }
  explicit operator bool() const noexcept { return has_it_; }

private:
  FetchedHeavy& zone_;
  bool has_it_ = false;
};

FetchedHeavy::FetchedHeavy(const FetchOptions& options, std::unique_ptr<BufferSource> source)
    : options_(options), books_(std::make_shared<Books>()), source_(std::move(source)) {}

/// The threads of the source are its parent's in a forked child.
FetchedHeavy::~FetchedHeavy() {
  if (fork_mark_.is_child())
    (void)source_.release();
}

Result<FetchedHeavy::Seen> FetchedHeavy::look(const HeavyRef& ref, HeavyType wanted) {
  if (fork_mark_.is_child())
    return forked_reader();
  if (const auto handle = decode(ref); !handle)
    return handle.error();
  const Time deadline = Steady::now() + options_.timeout;
  const Turn turn{*this, deadline};
  if (!turn)
    return Error{Errc::timeout, "heavy zone",
                 "other buffers are fetched, and have taken the time there was for this one",
                 "Raise FetchOptions::timeout, or look at fewer at once"};
  auto copy = copy_of(ref, wanted, deadline);
  if (!copy)
    return copy.error();
  return Seen{(*copy)->bytes(), parts_of(ref).shape, *copy, &only_epoch};
}

Result<FetchedHeavy::CopyPtr> FetchedHeavy::copy_of(const HeavyRef& ref, HeavyType wanted, Time deadline) {
  const auto bytes = source_->lend(ref, deadline);
  if (!bytes)
    return bytes.error();
  const auto give_back = [&] { return source_->give_back(std::min(deadline, Steady::now() + goodbye_timeout)); };
  const Handle handle = parts_of(ref);
  const CopyPtr there = find(ref);
  if (there != nullptr || handle.type != wanted || *bytes != handle.bytes) {
    (void)give_back();
    if (handle.type != wanted)
      return other_type(handle.type, wanted);
    return there != nullptr ? Result<CopyPtr>{there}
                            : wrong_bytes("the engine lends another buffer than was asked for");
  }
  Sha256 hash;
  auto copy = fetch(*bytes, hash, deadline);
  const auto digest = give_back();
  if (!copy)
    return copy;
  if (!digest)
    return digest.error();
  if (*digest != hash.finish())
    return wrong_bytes("what came is not what the engine says that the buffer is");
  copies_.insert_or_assign(ref.words, *copy);
  return copy;
}

FetchedHeavy::CopyPtr FetchedHeavy::find(const HeavyRef& ref) {
  std::erase_if(copies_, [](const auto& each) { return each.second.expired(); });
  const auto found = copies_.find(ref.words);
  return found != copies_.end() ? found->second.lock() : nullptr;
}

Status FetchedHeavy::check_room(std::uint64_t bytes) const {
  if (bytes > options_.buffer_bytes_max)
    return Error{
        Errc::too_large, "heavy zone",
        "of a buffer on another host at most " + std::to_string(options_.buffer_bytes_max) + " bytes are fetched",
        "Raise FetchOptions::buffer_bytes_max, commit it as several buffers, or read it on its host"}
        .with("limit", options_.buffer_bytes_max)
        .with("asked", bytes);
  const std::uint64_t held = bytes_held();
  const std::uint64_t free = options_.bytes_max - std::min(held, options_.bytes_max);
  if (bytes > free)
    return no_space("copies of buffers on another host take up what they may", bytes, free,
                    "Let go of views, or raise FetchOptions::bytes_max");
  return {};
}

Result<FetchedHeavy::CopyPtr> FetchedHeavy::fetch(std::uint64_t bytes, Sha256& hash, Time deadline) {
  if (Status room = check_room(bytes); !room)
    return room.error();
  auto copy = std::make_shared<Copy>(books_, bytes);
  auto buffer = SealedBuffer::create(bytes);
  if (!buffer)
    return buffer.error();
  for (std::span<std::byte> rest = buffer->bytes(); !rest.empty();) {
    const auto got = source_->fetch(bytes - rest.size(), rest, deadline);
    if (!got)
      return got.error();
    hash.add(rest.first(*got));
    bytes_fetched_.fetch_add(*got, std::memory_order_relaxed);
    rest = rest.subspan(*got);
  }
  const auto file = (*std::move(buffer)).seal();
  if (!file)
    return file.error();
  if (Status mapped = copy->map(*file); !mapped)
    return mapped.error();
  return CopyPtr{std::move(copy)};
}

}  // namespace theus::shm

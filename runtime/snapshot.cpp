#include <theus/snapshot.hpp>

#include "runtime/access.hpp"
#include "runtime/state_memory.hpp"

namespace theus {
namespace {

SnapshotPins::Slot* slot_of(void* pin) noexcept { return static_cast<SnapshotPins::Slot*>(pin); }

}  // namespace

Snapshot::Snapshot(const Snapshot& other) noexcept : memory_(other.memory_), pin_(other.pin_), root_(other.root_) {
  if (memory_ != nullptr)
    SnapshotPins::add(slot_of(pin_));
}

Snapshot::Snapshot(Snapshot&& other) noexcept
    : memory_(std::exchange(other.memory_, nullptr)), pin_(other.pin_), root_(other.root_) {}

Snapshot& Snapshot::operator=(Snapshot other) noexcept {
  std::swap(memory_, other.memory_);
  std::swap(pin_, other.pin_);
  std::swap(root_, other.root_);
  return *this;
}

Snapshot::~Snapshot() {
  if (memory_ != nullptr)
    memory_->release(slot_of(pin_));
}

Version Snapshot::version() const noexcept { return root_->version; }

std::optional<Value> Snapshot::find(const Path& path) const {
  auto found = visible(path);
  if (!found)
    raise(found.error());
  return *std::move(found);
}

Result<std::optional<Value>> Snapshot::visible(const Path& path) const {
  if (auto allowed = AccessTable::standard()->check_read(path, Standing::ordinary()); !allowed) [[unlikely]]
    return allowed.error();
  auto value = read(*root_, path);
  if (value && root_->map.zones.has(Zone::internal)) [[unlikely]]
    value = without_private(path, *std::move(value));
  return value;
}

bool Snapshot::contains(const Path& path) const noexcept {
  return path.zone() != Zone::internal && locate(*root_, path.segments()).exists;
}

Version Snapshot::last_change(const Path& path) const noexcept { return theus::last_change(*root_, path.segments()); }

Error Snapshot::absent(const Path& path) {
  return Error{Errc::bad_argument, path.text(), "there is nothing at this path",
               "Pass a default for paths that may be absent"};
}

Error Snapshot::misfit(const Path& path, const Error& why) {
  Error error{why.code(), path.text(), why.cause(), why.remedy()};
  for (const auto fields = why.fields(); const auto [name, value] : fields.members())
    error.set(name, value);
  return error;
}

}  // namespace theus

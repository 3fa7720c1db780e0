#include "runtime/attach/owner_signals.hpp"

#include <sys/eventfd.h>

namespace theus {
namespace {

Error lane_is_full() {
  return Error{Errc::overloaded, "join",
               std::to_string(lane_capacity) + " signals are on their way to the owner of the state already",
               "Try again later, or send less at a time"}
      .with("limit", lane_capacity);
}

}  // namespace

// Sending.

Result<std::uint64_t> OwnerSignals::send(std::string_view name, const Value& payload) {
  std::vector<std::byte> entry;
  append_cbor_text(entry, name);
  append_cbor(entry, payload);
  const std::lock_guard lock{mutex_};
  if (lane_ && lane_->is_full())
    return lane_is_full();
  if (Status posted = post_.post(ToOwner::signals, entry); !posted)
    return posted.error();
  if (lane_)
    put({.word = SignalHead{.form = PayloadForm::large}.word(), .payload = {}});
  return ++sent_;
}

Result<std::uint64_t> OwnerSignals::send(const Topic& topic, const SignalRecord& record) {
  std::unique_lock lock{mutex_};
  if (!lane_) [[unlikely]] {
    lock.unlock();
    return send(topic.text, content_of(record));
  }
  if (lane_->is_full()) [[unlikely]]
    return lane_is_full();
  const bool is_introduced = topic.id < introduced_.size() && introduced_[topic.id];
  if (!is_introduced) [[unlikely]]
    if (Status done = introduce(topic); !done)
      return done.error();
  put(record);
  return ++sent_;
}

Status OwnerSignals::introduce(const Topic& topic) {
  std::vector<std::byte> entry;
  append_cbor_number(entry, topic.id);
  append_cbor_text(entry, topic.text);
  if (Status posted = post_.post(ToOwner::names, entry); !posted)
    return posted;
  if (topic.id >= introduced_.size())
    introduced_.resize(topic.id + std::size_t{1});
  introduced_[topic.id] = true;
  return {};
}

void OwnerSignals::put(const SignalRecord& record) {
  if (lane_->put(record))
    ::eventfd_write(lane_bell_, 1);
}

// The thread.

Status OwnerSignals::join(std::optional<NearSignals> near, bool knows_run) {
  leave();
  if (!near)
    return {};
  auto lane = LaneWriter::open(near->lane);
  if (!lane)
    return lane.error();
  near_.emplace(*std::move(near));
  if (Status joined = pump_->join(*near_, knows_run); !joined)
    return joined;
  near_->ring = {};
  near_->lane = {};
  const std::lock_guard lock{mutex_};
  lane_.emplace(*std::move(lane));
  lane_bell_ = near_->lane_bell.number();
  introduced_.clear();
  return {};
}

void OwnerSignals::leave() {
  {
    const std::lock_guard lock{mutex_};
    lane_.reset();
    lane_bell_ = -1;
  }
  pump_->leave();
  near_.reset();
}

}  // namespace theus

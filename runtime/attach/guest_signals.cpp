#include "runtime/attach/guest_signals.hpp"

#include "runtime/packed_value.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>

#include <algorithm>

namespace theus {
namespace {

constexpr std::size_t message_bytes = std::size_t{48} << 10;
constexpr std::size_t signals_per_look = 512;
constexpr std::size_t records_per_look = 2048;
constexpr std::size_t batch_max = 64;
// Of a process: more than any hub interns unless its user says so.
constexpr std::size_t topics_max = std::size_t{1} << 20;

Descriptor copy_of(int descriptor) { return Descriptor{::fcntl(descriptor, F_DUPFD_CLOEXEC, 3)}; }

}  // namespace

GuestSignals::GuestSignals(SignalHub& hub, bool is_near)
    : hub_(hub), export_(hub), receiver_(hub.try_subscribe({.filter = "**", .name = "joined"}).value()) {
  if (is_near && export_.memory() >= 0) {
    bell_ = Descriptor{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    lane_bell_ = Descriptor{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
    auto lane = LaneReader::make();
    if (bell_ && lane_bell_ && lane)
      lane_.emplace(*std::move(lane));
  }
  begin_ = export_.end();
  if (lane_)
    receiver_.set_waker([bell = bell_.number()] { ::eventfd_write(bell, 1); });
  else
    event_fd_ = receiver_.event_fd();
}

std::vector<Descriptor> GuestSignals::descriptors() const {
  std::vector<Descriptor> all;
  for (const int each : {export_.memory(), lane_->file(), bell_.number(), lane_bell_.number()})
    all.push_back(copy_of(each));
  return all;
}

void GuestSignals::take_signals(CborCursor& in) {
  while (in.failure() == nullptr && !in.is_at_end()) {
    const std::size_t begin = in.offset();
    std::string name{in.text()};
    Value payload = in.value();
    if (in.failure() != nullptr)
      return;
    if (!lane_) {
      (void)hub_.try_send(name, payload);
      continue;
    }
    letter_bytes_ += in.offset() - begin;
    letters_.push_back({std::move(name), std::move(payload), in.offset() - begin});
  }
}

void GuestSignals::take_names(CborCursor& in) {
  while (in.failure() == nullptr && !in.is_at_end()) {
    const std::uint64_t number = in.number();
    std::string name{in.text()};
    if (in.failure() != nullptr)
      return;
    if (!lane_ || number == 0 || number > topics_max)
      return in.fail("a signal's number is out of range");
    if (number >= topics_.size())
      topics_.resize(number + 1);
    const Topic* topic = export_.topic(name);
    topics_[number] = {std::move(name), topic, true};
  }
}

void GuestSignals::take_hear(CborCursor& in) {
  const std::uint64_t place = in.number();
  if (in.failure() != nullptr)
    return;
  if (!lane_)
    return in.fail("it shares no memory");
  SignalExport::skip_to_newest(receiver_);
  if (!receiver_.arm() || export_.end() != place)
    ::eventfd_write(bell_.number(), 1);
}

void GuestSignals::take_fetch(CborCursor& in) {
  const std::uint64_t place = in.number();
  if (in.failure() == nullptr && (!lane_ || fetch_at_))
    in.fail("it shares no memory, or has asked already");
  if (in.failure() == nullptr)
    fetch_at_ = place;
}

Status GuestSignals::look() {
  if (awaits_lane_) {
    eventfd_t rings = 0;
    ::eventfd_read(lane_bell_.number(), &rings);
    awaits_lane_ = false;
  }
  if (lane_) {
    SignalExport::skip_to_newest(receiver_);
    if (const auto published = publish_from_lane(); !published)
      return published.error();
  }
  if (message_.empty())
    fetch_at_ ? fetch() : hear();
  return {};
}

std::vector<std::byte> GuestSignals::take_message() {
  std::vector<std::byte> message = std::exchange(message_, {});
  hear();
  return message;
}

void GuestSignals::drain() {
  for (bool goes_on = lane_.has_value() && !fault_; goes_on;)
    goes_on = publish_from_lane().value_or(false);
}

/// Whether any were.
Result<bool> GuestSignals::publish_from_lane() {
  is_stuck_ = false;
  const auto taken = lane_->take_up_to(records_per_look, [&](const SignalRecord& record) { return take(record); });
  flush();
  if (!taken)
    fault_ = taken.error();
  if (fault_)
    return *fault_;
  return *taken > 0;
}

bool GuestSignals::wait_for_message() noexcept {
  is_stuck_ = true;
  return false;
}

/// False: what belongs to it has not come yet, or it is none at all.
bool GuestSignals::take(const SignalRecord& record) {
  const SignalHead head = record.head();
  if (head.form == PayloadForm::large)
    return take_letter();
  const auto all = std::as_bytes(std::span{record.payload});
  const bool is_sound =
      head.bytes <= all.size() &&
      (head.form == PayloadForm::bytes || (head.form == PayloadForm::packed && is_packed(all.first(head.bytes))));
  if (!is_sound) {
    fault_ = Error{Errc::bad_input, "join", "a joined process has sent a signal that is none"};
    return false;
  }
  if (head.topic >= topics_.size() || !topics_[head.topic].is_known)
    return wait_for_message();
  const PeerTopic& from = topics_[head.topic];
  if (from.topic == nullptr) {
    flush();
    (void)hub_.try_send(from.name, content_of(record));
    return true;
  }
  if (!export_.passes(*from.topic))
    return true;
  batch_.push_back(record);
  batch_.back().word = SignalHead{.topic = from.topic->id, .form = head.form, .bytes = head.bytes}.word();
  if (batch_.size() == batch_max)
    flush();
  return true;
}

bool GuestSignals::take_letter() {
  if (letters_.empty())
    return wait_for_message();
  flush();
  (void)hub_.try_send(letters_.front().name, letters_.front().payload);
  letter_bytes_ -= letters_.front().bytes;
  letters_.pop_front();
  return true;
}

void GuestSignals::flush() {
  if (!batch_.empty())
    export_.admit(batch_);
  batch_.clear();
}

/// By messages, all of it.
void GuestSignals::hear() {
  if (lane_)
    return;
  for (std::size_t taken = 0; taken < signals_per_look && message_.size() < message_bytes; ++taken) {
    const Received received = receiver_.try_recv();
    if (!received && !received.is_lagged())
      return;
    if (message_.empty())
      message_ = message_of(ToJoined::signals);
    add(received, false);
  }
}

/// What stands at a place and behind it, as far as it fits into a message.
void GuestSignals::fetch() {
  const std::uint64_t begin = *std::exchange(fetch_at_, std::nullopt);
  std::uint64_t end = begin;
  auto receiver = hub_.try_subscribe({.from = SignalStart::sequence(begin + 1), .name = "joined, fetching"});
  if (!receiver) {
    append_cbor_number(message_, 0);
    append_loss(message_, 1);
    ++end;
  } else {
    for (std::size_t taken = 0; taken < signals_per_look && message_.size() < message_bytes; ++taken) {
      const Received received = receiver->try_recv();
      if (!received && !received.is_lagged())
        break;
      add(received, true);
      end = received ? received->sequence : end + received.lagged();
    }
  }
  std::vector<std::byte> entries = std::exchange(message_, message_of(ToJoined::fetched));
  append_cbor_number(message_, begin);
  append_cbor_number(message_, end);
  message_.insert(message_.end(), entries.begin(), entries.end());
}

void GuestSignals::add(const Received& received, bool with_topic) {
  const Topic* topic = with_topic && received ? export_.topic(received->name.view()) : nullptr;
  if (with_topic)
    append_cbor_number(message_, topic != nullptr ? topic->id : 0);
  if (received.is_lagged())
    return append_loss(message_, received.lagged());
  append_signal(message_, *received);
  stands_on_ = std::max(stands_on_, received->version);
}

bool GuestSignals::has_news() noexcept {
  if (!lane_ || fault_)
    return false;
  if (fetch_at_ && message_.empty())
    return true;
  // What waits for a message is no news: that comes by the socket.
  if (is_stuck_)
    return false;
  awaits_lane_ = lane_->await();
  return !awaits_lane_;
}

int GuestSignals::wake_descriptor() const noexcept {
  if (lane_)
    return is_stuck_ || fault_ ? -1 : lane_bell_.number();
  return message_.empty() ? event_fd_ : -1;
}

}  // namespace theus

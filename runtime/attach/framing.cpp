#include "runtime/attach/framing.hpp"

#include <algorithm>
#include <cassert>

#include "runtime/attach/protocol.hpp"

namespace theus {
namespace {

constexpr std::byte more_follows{0};
constexpr std::byte last_packet{1};
constexpr std::size_t content_bytes_max = packet_bytes_max - 1;

}  // namespace

Result<std::optional<std::vector<std::byte>>> MessageReader::add(std::span<const std::byte> packet) {
  // Only the last packet may be short, so that nobody makes us count without end.
  const bool is_last = !packet.empty() && packet.front() == last_packet;
  const bool is_full = packet.size() == packet_bytes_max && packet.front() == more_follows;
  if (packet.size() < 2 || packet.size() > packet_bytes_max || (!is_last && !is_full))
    return Error{Errc::bad_input, "attach", "what arrived is no packet of a message"};
  if (packet.size() - 1 > bytes_max_ - message_.size())
    return Error{Errc::too_large, "attach", "a message has more than " + std::to_string(bytes_max_) + " bytes"};
  message_.insert(message_.end(), packet.begin() + 1, packet.end());
  if (!is_last)
    return std::optional<std::vector<std::byte>>{};
  return std::optional{std::exchange(message_, {})};
}

void MessageWriter::add(std::vector<std::byte> message, std::vector<Descriptor> descriptors) {
  assert(!message.empty());
  waiting_.push_back({std::move(message), std::move(descriptors)});
}

std::vector<int> MessageWriter::descriptors() const {
  assert(!empty());
  std::vector<int> numbers;
  if (sent_bytes_ == 0)
    for (const Descriptor& each : waiting_.front().descriptors)
      numbers.push_back(each.number());
  return numbers;
}

std::span<const std::byte> MessageWriter::packet() {
  assert(!empty());
  if (packet_.empty()) {
    const auto rest = std::span{waiting_.front().bytes}.subspan(sent_bytes_);
    const auto content = rest.first(std::min(rest.size(), content_bytes_max));
    packet_.reserve(1 + content.size());
    packet_.push_back(content.size() == rest.size() ? last_packet : more_follows);
    packet_.insert(packet_.end(), content.begin(), content.end());
  }
  return packet_;
}

void MessageWriter::sent() {
  assert(!packet_.empty());
  sent_bytes_ += packet_.size() - 1;
  packet_.clear();
  if (sent_bytes_ < waiting_.front().bytes.size())
    return;
  waiting_.pop_front();
  sent_bytes_ = 0;
}

}  // namespace theus

#include "runtime/attach/tls_relay.hpp"

#include "runtime/attach/protocol.hpp"

#include <poll.h>

#include <algorithm>

namespace theus {
namespace {

// Of one look, each way, so that others get their turn.
constexpr int packets_per_look = 32;

Error late() {
  return Error{Errc::join_refused, "tls", "the other side has not shown a certificate in time",
               "Look at the network, and whether it speaks TLS at all"}
      .with("reason", "tls");
}

Error misread(std::size_t length) {
  return Error{Errc::bad_input, "tls", "a packet of " + std::to_string(length) + " bytes was announced",
               "Join with Theus of the same version"}
      .with("limit", packet_bytes_max);
}

std::size_t length_in(std::span<const std::byte> bytes) noexcept {
  std::size_t length = 0;
  for (const std::byte each : bytes)
    length = length << 8 | std::to_integer<std::size_t>(each);
  return length;
}

}  // namespace

TlsRelay::TlsRelay(TlsStream stream, Time known_by)
    : stream_(std::move(stream)), known_by_(known_by), in_(length_bytes) {}

void TlsRelay::end(std::optional<Error> fault) {
  is_over_ = true;
  fault_ = std::move(fault);
}

void TlsRelay::look(Time now, bool local_left) {
  has_more_ = false;
  if (!is_known())
    return local_left ? end(std::nullopt) : shake_hands(now);
  if (!local_)
    return;
  if (local_left && left_at_ == Time{})
    left_at_ = now;
  // What has come goes on also when there is no room the other way.
  for (int i = 0; i < packets_per_look && !is_over_ && left_at_ == Time{} && bring(); ++i)
    has_more_ = i + 1 == packets_per_look;
  for (int i = 0; i < packets_per_look && !is_over_ && take(); ++i)
    has_more_ |= i + 1 == packets_per_look;
  if (!is_over_ && left_at_ != Time{} && now - left_at_ >= drain_timeout)
    end(std::nullopt);
}

void TlsRelay::shake_hands(Time now) {
  const auto outcome = stream_.shake_hands();
  stream_wants_write_ = outcome == TlsStream::Outcome::wants_write;
  if (outcome == TlsStream::Outcome::gone)
    return end(stream_.fault());
  if (outcome == TlsStream::Outcome::done) {
    secret_ = stream_.shared_secret();
    return is_known() ? void() : end(late());
  }
  if (now >= known_by_)
    end(late());
}

/// A step from the stream to the local side; returns whether there may be another one.
bool TlsRelay::bring() {
  if (has_whole()) {
    const auto sent = local_->send(std::span{in_}.subspan(length_bytes));
    if (sent == PacketSocket::Outcome::gone)
      left_at_ = std::chrono::steady_clock::now();
    if (sent != PacketSocket::Outcome::done)
      return false;
    in_.resize(length_bytes);
    come_ = 0;
  }
  std::size_t got = 0;
  const auto outcome = stream_.read(std::span{in_}.subspan(come_), got);
  stream_wants_write_ = outcome == TlsStream::Outcome::wants_write;
  if (outcome == TlsStream::Outcome::gone)
    end(stream_.fault());
  if (outcome != TlsStream::Outcome::done)
    return false;
  come_ += got;
  if (come_ == length_bytes && in_.size() == length_bytes) {
    const std::size_t length = length_in(in_);
    if (length == 0 || length > packet_bytes_max) {
      end(misread(length));
      return false;
    }
    in_.resize(length_bytes + length);
  }
  return true;
}

/// A step from the local side to the stream; returns whether there may be another one.
bool TlsRelay::take() {
  if (gone_ == out_.size()) {
    const auto outcome = local_->receive(packet_, packet_bytes_max);
    if (outcome == PacketSocket::Outcome::gone) {
      stream_.say_end();
      end(std::nullopt);
    }
    if (outcome != PacketSocket::Outcome::done)
      return false;
    out_.clear();
    gone_ = 0;
    for (int shift = 24; shift >= 0; shift -= 8)
      out_.push_back(static_cast<std::byte>(packet_.size() >> shift & 0xff));
    out_.insert(out_.end(), packet_.begin(), packet_.end());
  }
  std::size_t put = 0;
  const auto outcome = stream_.write(std::span{out_}.subspan(gone_), put);
  if (outcome == TlsStream::Outcome::gone)
    end(stream_.fault());
  if (outcome != TlsStream::Outcome::done)
    return false;
  gone_ += put;
  return true;
}

short TlsRelay::stream_events() const noexcept {
  const bool reads = !is_known() || (!has_whole() && left_at_ == Time{});
  const bool writes = stream_wants_write_ || gone_ < out_.size();
  return static_cast<short>((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
}

short TlsRelay::local_events() const noexcept {
  return static_cast<short>((gone_ == out_.size() ? POLLIN : 0) | (has_whole() ? POLLOUT : 0));
}

TlsRelay::Time TlsRelay::look_at() const noexcept {
  if (has_more_)
    return Time::min();
  if (!is_known())
    return known_by_;
  return left_at_ == Time{} ? Time::max() : left_at_ + drain_timeout;
}

}  // namespace theus

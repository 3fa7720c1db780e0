#include "runtime/attach/session.hpp"

#include "runtime/attach/protocol.hpp"
#include "runtime/attach/wire.hpp"
#include "runtime/cbor.hpp"

namespace theus {

AttachSession::AttachSession(AttachTarget& target, Handshake handshake, Time now, HeavyInvitation invite)
    : target_(target),
      handshake_(std::move(handshake)),
      reader_(request_bytes_max),
      raw_{handshake_.hello()},
      progress_(now),
      next_look_(now),
      next_memory_look_(now) {
  client_.invite = std::move(invite);
}

void AttachSession::receive(std::span<const std::byte> packet, Time now) {
  if (is_over_)
    return;
  if (!has_joined_)
    return receive_handshake(packet, now);
  const auto message = reader_.add(packet);
  progress_ = now;
  if (!message)
    return end(message.error());
  if (*message)
    receive_message(**message, now);
}

void AttachSession::receive_handshake(std::span<const std::byte> packet, Time now) {
  Handshake::Step step = handshake_.receive(packet);
  if (step.answer)
    raw_.push_back(*std::move(step.answer));
  if (step.refused)
    return end(*std::move(step.refused));
  has_joined_ = step.has_joined;
  // Of the whole handshake, not of each packet.
  if (has_joined_)
    progress_ = now;
}

void AttachSession::receive_message(std::span<const std::byte> message, Time now) {
  if (follows()) {
    if (Status heard = client_.follower->receive(message, now); !heard)
      drop(heard.error());
    return;
  }
  const auto request = from_cbor(message, {.bytes_max = request_bytes_max, .depth_max = message_depth_max});
  if (!request)
    return end(request.error());
  client_.now = now;
  const auto answer = answer_request(target_, client_, *request);
  if (!answer)
    return end({Errc::bad_input, "attach", "what arrived is no request"});
  say(*answer, now, std::exchange(client_.passed, {}));
  if (follows())
    reader_ = MessageReader{submission_bytes_max + request_bytes_max};
}

void AttachSession::say(const Value& message, Time now, std::vector<Descriptor> descriptors) {
  if (!has_packet())
    progress_ = now;
  writer_.add(to_cbor(message), std::move(descriptors));
}

void AttachSession::end(Error fault) {
  is_over_ = true;
  fault_ = std::move(fault);
}

/// Tells a joined process why.
void AttachSession::drop(const Error& fault) {
  std::vector<std::byte> message = message_of(ToJoined::dropped);
  append_cbor(message, to_wire(fault));
  writer_.add(std::move(message));
  end(fault);
}

std::span<const std::byte> AttachSession::packet() { return raw_.empty() ? writer_.packet() : raw_.front(); }

void AttachSession::sent(Time now) {
  if (raw_.empty())
    writer_.sent();
  else
    raw_.pop_front();
  if (has_joined_)
    progress_ = now;
}

void AttachSession::look(Time now) {
  if (is_over_)
    return;
  if (const auto limit = deadline(); limit && now >= *limit)
    return end({Errc::deadline, "attach", has_joined_ ? "the client stalls" : "the client does not finish joining"});
  if (follows())
    return look_for_follower(now);
  look_at_memory(now);
  // Nothing is put behind an answer that waits: what a slow client misses is told as one.
  if (has_packet())
    return;
  if (const auto event = news(now))
    say(*event, now);
}

void AttachSession::look_for_follower(Time now) {
  bool is_short = false;
  if (client_.follower->is_sending_state() && now >= next_memory_look_) {
    next_memory_look_ = now + memory_look_interval;
    is_short = target_.is_short_of_memory();
  }
  const bool had_packet = has_packet();
  if (Status said = client_.follower->look(writer_, now, is_short); !said)
    return drop(said.error());
  if (!had_packet)
    progress_ = now;
}

std::optional<Value> AttachSession::news(Time now) {
  if (client_.stream)
    return client_.stream->look(now);
  if (!client_.feed || now < next_look_)
    return std::nullopt;
  next_look_ = now + look_interval;
  return client_.feed->look(target_);
}

AttachSession::Time AttachSession::look_at() const noexcept {
  Time next = deadline().value_or(Time::max());
  if (follows())
    return std::min(next, client_.follower->look_at());
  if (client_.mark)
    next = std::min(next, next_memory_look_);
  if (has_packet())
    return next;
  if (client_.stream)
    return std::min(next, client_.stream->look_at());
  return is_behind() ? std::min(next, next_look_) : next;
}

std::optional<AttachSession::Time> AttachSession::deadline() const noexcept {
  if (!has_joined_)
    return progress_ + handshake_timeout;
  const bool is_under_way = has_packet() || reader_.has_begun();
  if (client_.lending)
    return std::min(client_.lending->progress(), is_under_way ? progress_ : Time::max()) + stall_timeout;
  return is_under_way ? std::optional{progress_ + stall_timeout} : std::nullopt;
}

void AttachSession::look_at_memory(Time now) {
  if (!client_.mark || now < next_memory_look_)
    return;
  next_memory_look_ = now + memory_look_interval;
  client_.lost_mark = target_.is_short_of_memory();
  if (client_.lost_mark)
    client_.mark.reset();
}

void AttachSession::close(Time now) {
  if (is_over_ || !has_joined_)
    return;
  if (client_.feed)
    if (const auto changes = client_.feed->look(target_))
      say(*changes, now);
  if (client_.stream)
    if (const auto last = client_.stream->last())
      say(*last, now);
  if (follows())
    return drop({Errc::owner_down, "join", "the engine was shut down", "Join the next one"});
  say(Value{{"event", "closing"}}, now);
  is_over_ = true;
}

}  // namespace theus

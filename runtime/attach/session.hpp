#pragma once

#include "runtime/attach/framing.hpp"
#include "runtime/attach/handshake.hpp"
#include "runtime/attach/requests.hpp"

#include <chrono>

namespace theus {

/// The engine's side of one connection, as a rule: packets and time go in, packets come out. Whatever arrives, it
/// answers or ends; its memory is bounded by one request, one answer and what AttachedClient keeps.
/// Belongs to one thread. Throws bad_alloc and what its target throws; it must be dropped then.
class AttachSession {
public:
  using Time = std::chrono::steady_clock::time_point;

  /// Changes are told at most this often; several commits in between are told as one.
  static constexpr std::chrono::milliseconds look_interval{10};
  /// How often it asks whether a marked state must be given up.
  static constexpr std::chrono::milliseconds memory_look_interval{250};

  AttachSession(AttachTarget& target, Handshake handshake, Time now, HeavyInvitation invite = {});

  /// Whether it tells of changes, and whether there may be some that it has not told yet.
  bool has_feed() const noexcept { return client_.feed.has_value(); }
  bool is_behind() const noexcept { return client_.feed && client_.feed->is_behind(target_); }

  /// Whether it tells of every commit, and whether there are some that it could tell at once.
  bool follows() const noexcept { return client_.follower != nullptr; }
  bool has_commits() const noexcept { return follows() && client_.follower->has_news(writer_); }

  /// Whether it takes packets now; it takes none while an answer waits to be sent.
  bool wants_packets() const noexcept {
    return !is_over() && (follows() ? client_.follower->wants_messages(writer_) : writer_.empty());
  }
  void receive(std::span<const std::byte> packet, Time now);

  bool has_packet() const noexcept { return !raw_.empty() || !writer_.empty(); }
  std::span<const std::byte> packet();
  /// What goes with it.
  std::vector<int> descriptors() const { return raw_.empty() ? writer_.descriptors() : std::vector<int>{}; }
  void sent(Time now);

  /// Readable when there are signals to tell; -1 when there is nothing to wait for.
  int wake_descriptor() const noexcept {
    if (follows())
      return wants_packets() ? client_.follower->wake_descriptor() : -1;
    return has_packet() || !client_.stream ? -1 : client_.stream->wake_descriptor();
  }

  /// Time has passed, the state may have changed, or there may be signals.
  void look(Time now);
  /// When to look again at the latest, if no packet comes and nothing is committed before.
  Time look_at() const noexcept;
  /// Tells the last changes and that the engine closes.
  void close(Time now);

  bool has_joined() const noexcept { return has_joined_; }
  /// Once its packets are sent, the connection is to be ended.
  bool is_over() const noexcept { return is_over_; }
  /// Why the other side was refused or dropped.
  const std::optional<Error>& fault() const noexcept { return fault_; }

private:
  void receive_handshake(std::span<const std::byte> packet, Time now);
  void receive_message(std::span<const std::byte> message, Time now);
  void say(const Value& message, Time now, std::vector<Descriptor> descriptors = {});
  void end(Error fault);
  void drop(const Error& fault);
  std::optional<Value> news(Time now);
  void look_at_memory(Time now);
  void look_for_follower(Time now);
  std::optional<Time> deadline() const noexcept;

  AttachTarget& target_;
  Handshake handshake_;
  AttachedClient client_;
  MessageReader reader_;
  MessageWriter writer_;
  std::deque<Handshake::Packet> raw_;  // of the handshake, before all messages
  bool has_joined_ = false;
  bool is_over_ = false;
  std::optional<Error> fault_;
  Time progress_;   // the last time that a packet came or went
  Time next_look_;  // at changes
  Time next_memory_look_;
};

}  // namespace theus

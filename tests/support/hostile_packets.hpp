#pragma once

#include "runtime/attach/join_wire.hpp"
#include "runtime/attach/round_wire.hpp"
#include "tests/support/known_peer.hpp"
#include "tests/support/remote_stage.hpp"

#include <random>

namespace theus::testing {

struct HostileResult {
  std::uint64_t packets = 0;
  std::uint64_t peers = 0;   ///< who sent them, each until the engine hung up on it
  std::uint64_t honest = 0;  ///< commits of somebody else meanwhile
  bool was_honest_lost = false;
  std::uint64_t buffers_left = 0;

  std::string text() const {
    return std::to_string(packets) + " packets of " + std::to_string(peers) + " peers, " + std::to_string(honest) +
           " commits of an honest one" + (was_honest_lost ? ", WHO WAS LOST" : "") + ", buffers left " +
           std::to_string(buffers_left);
  }
};

/// Somebody with a certificate who says, in any order, what is nearly right: messages of every kind, with bits turned,
/// cut short, grown, torn apart or replayed; while somebody else goes on with his work.
class HostilePackets {
public:
  using Bytes = KnownPeer::Bytes;

  explicit HostilePackets(std::uint64_t seed) : random_(seed) {}

  HostileResult run(std::uint64_t packets) {
    HostileResult result;
    RemoteStage stage;
    auto made = stage.owner->heavy().alloc<std::uint8_t>({700'000}).value();
    std::ranges::fill(made.span(), std::uint8_t{1});
    std::optional<Value> buffer = made.publish().value();
    handle_ = buffer->as_heavy();
    {
      Engine honest = stage.join().value();
      std::optional<KnownPeer> peer;
      for (; result.packets < packets; ++result.packets) {
        if (!peer) {
          peer.emplace(stage.handle(), certificate());
          ++result.peers;
          enter(*peer);
        }
        if (!send(*peer) || peer->is_cut_within(listening_time))
          peer.reset();
        if (result.packets % 64 == 0) {
          honest.compare_and_swap(honest.version(), {Write::increment("domain.honest", 1)}, {}).value();
          ++result.honest;
        }
      }
      result.was_honest_lost = !honest.owner()->is_up || honest.owner()->joins != 1 ||
                               stage.owner->state().get<std::uint64_t>("domain.honest").value() != result.honest;
    }
    made = stage.owner->heavy().alloc<std::uint8_t>({1}).value();
    buffer.reset();
    turns_true([&] {
      (void)stage.owner->state_statistics();
      return stage.owner->heavy().statistics().buffers <= 1;
    });
    result.buffers_left = stage.owner->heavy().statistics().buffers - 1;
    return result;
  }

private:
  // After each packet, so that most of what is sent is read: an engine that hangs up is given the time to do so.
  static constexpr std::chrono::milliseconds listening_time{1};

  enum class Place : std::uint8_t { outside, joined, following };

  std::uint64_t pick(std::uint64_t count) { return random_() % count; }

  /// How far it goes before it turns hostile.
  void enter(KnownPeer& peer) {
    place_ = static_cast<Place>(std::min<std::uint64_t>(pick(6), 2));
    if (place_ == Place::outside)
      return;
    if (!peer.joins())
      throw std::runtime_error{"somebody with a certificate was not let in"};
    if (place_ == Place::following)
      epoch_ = peer.ask("follow")["ok"]["epoch"].get<std::string>().value();
  }

  bool send(KnownPeer& peer) {
    Bytes message = place_ == Place::following ? to_follower() : place_ == Place::joined ? request() : hello();
    const bool is_message = place_ != Place::outside;
    switch (pick(30)) {
      case 0: return peer.send_raw(noise(1 + pick(300)));
      case 1: return peer.send_packet(noise(1 + pick(300)));
      case 2: return is_message ? peer.send_message(std::move(message)) : peer.send_packet(message);
      case 3: {  // a frame that says more, or less, than follows; then what it says, or the end
        Bytes frame(4);
        const std::size_t at = pick(4);
        frame[at] = static_cast<std::byte>(random_());
        const std::size_t said = std::to_integer<std::size_t>(frame[at]) << 8 * (3 - at);
        frame.insert(frame.end(), message.begin(), message.end());
        const bool ends = pick(2) == 0;
        if (!ends && said > message.size() && said <= packet_bytes_max)
          frame.resize(4 + said);
        return peer.send_raw(frame) && !ends;
      }
      case 4: {  // a packet that is not marked as one should be
        message.insert(message.begin(), static_cast<std::byte>(pick(4)));
        return peer.send_packet(message);
      }
      case 5: last_ = message; break;
      case 6:
        if (!last_.empty())
          message = last_;
        break;
      default: break;
    }
    // What is garbled is mostly hung up on, and then nothing more is heard.
    if (pick(3) == 0)
      garble(message);
    return is_message ? peer.send_message(std::move(message)) : peer.send_packet(message);
  }

  /// REQUIRES and leaves at least one byte.
  void garble(Bytes& bytes) {
    for (std::uint64_t changes = pick(4); changes > 0; --changes)
      switch (pick(6)) {
        case 0: bytes[pick(bytes.size())] ^= static_cast<std::byte>(1U << pick(8)); break;
        case 1: bytes[pick(bytes.size())] = static_cast<std::byte>(random_()); break;
        case 2: bytes.resize(1 + pick(bytes.size())); break;
        case 3: {
          const Bytes more = noise(1 + pick(40));
          bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(pick(bytes.size() + 1)), more.begin(), more.end());
          break;
        }
        case 4: {  // the head of something with up to 2^64 bytes or items
          const std::size_t at = pick(bytes.size());
          bytes[at] = static_cast<std::byte>((pick(8) << 5) | 0x1b);
          for (std::size_t i = at + 1; i < std::min(at + 9, bytes.size()); ++i)
            bytes[i] = static_cast<std::byte>(random_());
          break;
        }
        default: {
          const Bytes again = bytes;
          if (bytes.size() < 100'000)
            bytes.insert(bytes.end(), again.begin(), again.end());
          break;
        }
      }
  }

  Bytes noise(std::size_t count) {
    Bytes bytes(count);
    std::ranges::generate(bytes, [this] { return static_cast<std::byte>(random_()); });
    return bytes;
  }
  Value number() {
    switch (pick(5)) {
      case 0: return 0;
      case 1: return static_cast<std::int64_t>(pick(1'000'000));
      case 2: return std::int64_t{1} << pick(63);
      case 3: return -1;
      default: return std::numeric_limits<std::int64_t>::max();
    }
  }
  Value heavy() {
    HeavyRef ref = handle_;
    if (pick(2) == 0)
      ref.words[pick(8)] ^= std::uint64_t{1} << pick(64);
    return Value::heavy(ref);
  }
  Bytes hello() {
    return Handshake{AttachRole::client, Secret::random(), Secret::random(), attach_version - 1 + std::int64_t(pick(3))}
        .hello();
  }
  Bytes request() {
    const Value path = Value::list({"domain", "hostile"});
    switch (pick(12)) {
      case 0: return KnownPeer::request("lend", {{"handle", heavy()}}, number());
      case 1:
      case 2: return KnownPeer::request("fetch", {{"from", pick(2) == 0 ? Value{0} : number()}}, number());
      case 3: return KnownPeer::request("give_back", Value::map(), number());
      case 4: return KnownPeer::request("get", {{"path", path}}, number());
      case 5: return KnownPeer::request("set", {{"path", path}, {"value", number()}, {"reason", "none"}}, number());
      case 6: return KnownPeer::request("watch", {{"paths", Value::list({path})}, {"since", number()}}, number());
      case 7: return KnownPeer::request("listen", {{"filter", "**"}, {"last", number()}}, number());
      case 8: return KnownPeer::request("heavy", {{"age_ms", number()}, {"buffers_max", number()}}, number());
      case 9: return KnownPeer::request("segment", {{"segment", number()}}, number());
      case 10: return KnownPeer::request("join", Value::map(), number());
      default: return KnownPeer::request("follow", {{"known", number()}}, number());
    }
  }
  Bytes to_follower() {
    Bytes message = message_of(static_cast<ToOwner>(1 + pick(9)));
    switch (static_cast<ToOwner>(message.front())) {
      case ToOwner::submit: {
        append_cbor_text(message, epoch_);
        append_cbor_number(message, pick(1000));
        const std::vector<Write> writes{Write::set("domain.hostile", number())};
        const std::vector<Path> reads{"domain.hostile"};
        append_proposal(message, {.base = pick(1000), .reads = reads, .writes = writes}, {});
        break;
      }
      case ToOwner::ask:
        append_cbor_number(message, pick(1000));
        append_cbor_text(message, "id");
        append_cbor_number(message, random_());
        break;
      case ToOwner::signals:
        append_cbor_text(message, "hostile");
        append_cbor(message, number());
        break;
      case ToOwner::reserve:
        append_cbor_number(message, pick(1000));
        append_cbor_number(message, random_());
        append_cbor_text(message, "domain.hostile");
        break;
      case ToOwner::release: append_cbor_number(message, pick(1000)); break;
      case ToOwner::stepped: append_cbor_text(message, epoch_); break;
      default: break;
    }
    return message;
  }

  std::mt19937_64 random_;
  HeavyRef handle_;
  Place place_ = Place::outside;
  std::string epoch_;
  Bytes last_;
};

}  // namespace theus::testing

// Peers with a valid certificate that then say what nobody should.

#include "runtime/attach/lending.hpp"
#include "tests/support/hostile_packets.hpp"

#include <catch2/catch.hpp>

#include <list>

namespace theus {
namespace {

using namespace std::chrono_literals;
using testing::certificate;
using testing::KnownPeer;
using testing::RemoteStage;
using testing::turns_true;
using Bytes = KnownPeer::Bytes;

Bytes bytes_of(std::string_view text) {
  Bytes bytes(text.size());
  std::ranges::transform(text, bytes.begin(), [](char each) { return static_cast<std::byte>(each); });
  return bytes;
}

/// An engine with an honest peer, and a hostile one.
struct PeerStage : RemoteStage {
  Engine honest = join().value();

  KnownPeer peer() const { return KnownPeer{handle(), certificate()}; }
  KnownPeer joined() const {
    KnownPeer peer{handle(), certificate()};
    REQUIRE(peer.joins());
    return peer;
  }
  struct Following {
    KnownPeer peer;
    std::string epoch;
  };
  Following following() const {
    KnownPeer peer = joined();
    const Value answer = peer.ask("follow");
    return {std::move(peer), answer["ok"]["epoch"].get<std::string>().value()};
  }
  /// Whoever was there before works on, and others are let in.
  bool works() {
    return honest.owner()->joins == 1 && goes_on() &&
           honest.compare_and_swap(honest.version(), {Write::set("domain.works", 1)}).ok();
  }
};

Bytes submission(std::string_view epoch, std::uint64_t number, const ProposalView& proposal) {
  auto message = message_of(ToOwner::submit);
  append_cbor_text(message, epoch);
  append_cbor_number(message, number);
  append_proposal(message, proposal, {});
  return message;
}

/// What the owner answers to proposals, until it has said so much, and why it drops the peer.
struct Heard {
  std::vector<JoinAnswer> answers;
  std::optional<Error> dropped;
};
Heard hear(KnownPeer& peer, std::size_t answers) {
  Heard heard;
  while (heard.answers.size() < answers && !heard.dropped) {
    const auto message = peer.receive_message();
    if (!message)
      break;
    CborCursor in{*message};
    const auto kind = static_cast<ToJoined>(in.number());
    while (kind == ToJoined::answers && !in.is_at_end() && in.failure() == nullptr)
      heard.answers.push_back(read_answer(in));
    if (kind == ToJoined::dropped)
      heard.dropped = error_from_wire(in.value());
  }
  return heard;
}

}  // namespace

TEST_CASE("frames of no length, of too much length and of garbage are cut, in the session and before it [F110][F111]",
          "[remote]") {
  PeerStage stage;
  for (const bool has_joined : {false, true})
    for (const Bytes& bytes : {Bytes(4), Bytes{std::byte{0}, std::byte{1}, std::byte{0}, std::byte{1}},
                               Bytes(64, std::byte{0xff}), bytes_of("GET / HTTP/1.1\r\n\r\n")}) {
      KnownPeer peer = has_joined ? stage.joined() : stage.peer();
      CHECK(peer.send_raw(bytes));
      CHECK(peer.is_cut_within(10s));
    }
  CHECK(turns_true([&] { return stage.has_logged("a packet of 65537 bytes was announced"); }));
  CHECK(stage.works());
}

TEST_CASE("who shows a certificate and then says nothing, or half a packet, is cut as well [F111]", "[remote]") {
  PeerStage stage;
  KnownPeer silent = stage.peer();
  KnownPeer half = stage.peer();
  CHECK(half.send_raw(Bytes{std::byte{0}, std::byte{0}, std::byte{1}, std::byte{0}, std::byte{7}}));
  CHECK(silent.is_cut_within(10s));
  CHECK(half.is_cut_within(10s));
  KnownPeer begun = stage.joined();
  Bytes packet(packet_bytes_max, std::byte{1});
  packet[0] = std::byte{0};  // more follows, which does not come
  CHECK(begun.send_packet(packet));
  CHECK(begun.is_cut_within(stall_timeout + 10s));
  CHECK(stage.works());
}

TEST_CASE("handshakes in the wrong order, twice, with a wrong proof or of another version are refused [F113][F115]",
          "[remote]") {
  PeerStage stage;
  const auto hello = [](const KnownPeer& peer, std::int64_t version = attach_version) {
    return Handshake{AttachRole::client, peer.secret(), Secret::random(), version}.hello();
  };
  {
    KnownPeer peer = stage.peer();
    CHECK(peer.send_packet(to_cbor(Value{{"proof", Value::bytes(Bytes(32))}})));
    CHECK(peer.is_cut_within(10s));
  }
  {
    KnownPeer peer = stage.peer();
    CHECK(peer.send_message(KnownPeer::request("info", Value::map())));
    CHECK(peer.is_cut_within(10s));
  }
  {
    KnownPeer peer = stage.peer();
    CHECK(peer.send_packet(hello(peer)));
    (void)peer.send_packet(hello(peer));
    CHECK(peer.is_cut_within(10s));
  }
  {
    KnownPeer peer = stage.peer();
    CHECK(peer.send_packet(hello(peer)));
    (void)peer.send_packet(to_cbor(Value{{"proof", Value::bytes(Bytes(32))}}));
    CHECK(peer.is_cut_within(10s));
  }
  {
    KnownPeer peer = stage.peer();
    CHECK(peer.send_packet(hello(peer, attach_version + 1)));
    std::optional<Value> refusal;
    while (const auto packet = peer.receive_packet())
      if (Value said = from_cbor(*packet).value(); said.contains("refused"))
        refusal = std::move(said);
    REQUIRE(refusal);
    CHECK((*refusal)["refused"] == Value{"version"});
    CHECK((*refusal)["ours"] == Value{attach_version});
    CHECK((*refusal)["theirs"] == Value{attach_version + 1});
  }
  {
    KnownPeer peer = stage.joined();
    CHECK(peer.send_packet(hello(peer)));
    CHECK(peer.is_cut_within(10s));
  }
  CHECK(stage.works());
}

TEST_CASE("wrong proofs of peers with a certificate keep nobody waiting who comes by the engine's own socket [F120]",
          "[remote]") {
  PeerStage stage;
  for (int i = 0; i < 7; ++i) {
    KnownPeer peer = stage.peer();
    CHECK(peer.send_packet(to_cbor(Value{{"proof", Value::bytes(Bytes(32))}})));
    CHECK(peer.is_cut_within(10s));
  }
  const auto begun = std::chrono::steady_clock::now();
  CHECK(Engine::from_handle(stage.owner->context_handle().value(), {.threads = 1}).ok());
  CHECK(std::chrono::steady_clock::now() - begun < 1500ms);
}

TEST_CASE("what one connection has said is of no use on another [F113]", "[remote]") {
  PeerStage stage;
  KnownPeer first = stage.peer();
  Handshake handshake{AttachRole::client, first.secret(), Secret::random(), attach_version};
  const Bytes hello = handshake.hello();
  CHECK(first.send_packet(hello));
  const auto step = handshake.receive(first.receive_packet().value());
  CHECK(first.send_packet(step.answer.value()));
  CHECK(handshake.receive(first.receive_packet().value()).has_joined);

  KnownPeer second = stage.peer();
  CHECK(second.send_packet(hello));
  (void)second.send_packet(step.answer.value());
  CHECK(second.is_cut_within(10s));
  CHECK(first.ask("info").contains("ok"));
  CHECK(stage.works());
}

TEST_CASE("requests that make no sense are answered by what is wrong, and worse is cut [F110]", "[remote]") {
  PeerStage stage;
  KnownPeer peer = stage.joined();
  CHECK(peer.refusal_of("no_such_thing") == Errc::unsupported);
  CHECK(peer.refusal_of("info", {{"more", 1}}) == Errc::bad_argument);
  CHECK(peer.refusal_of("join") == Errc::join_refused);
  CHECK(peer.refusal_of("segment", {{"segment", 0}}) == Errc::bad_argument);
  CHECK(peer.refusal_of("follow", {{"known", 1'000'000}}) == Errc::stale_epoch);
  CHECK(peer.refusal_of("follow", {{"history", "another"}}) == Errc::stale_epoch);
  CHECK(peer.ask("info").contains("ok"));

  const auto is_cut = [&](const auto& say) {
    KnownPeer worse = stage.joined();
    say(worse);
    return worse.is_cut_within(15s);
  };
  CHECK(is_cut([](KnownPeer& worse) { worse.send_packet(bytes_of("\x02zzz")); }));
  CHECK(is_cut([](KnownPeer& worse) { worse.send_message(bytes_of("\xff\xff\xff")); }));
  CHECK(is_cut([](KnownPeer& worse) { worse.send_message(to_cbor(Value{1})); }));
  CHECK(is_cut([](KnownPeer& worse) { worse.send_message(to_cbor(Value{{"do", "info"}})); }));
  CHECK(is_cut([](KnownPeer& worse) { worse.send_message(Bytes(request_bytes_max + 1, std::byte{0})); }));
  CHECK(is_cut([](KnownPeer& worse) {  // a list that says it has 2^63 items
    worse.send_message(bytes_of("\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"));
  }));
  CHECK(stage.works());
}

TEST_CASE("forged handles and huge lengths in requests for heavy buffers lend nothing [F46][F47]", "[remote]") {
  PeerStage stage;
  const std::uint64_t bytes = 3 * chunk_bytes_max;
  std::optional<Value> buffer = stage.owner->heavy().alloc<std::uint8_t>({bytes}).value().publish().value();
  KnownPeer peer = stage.joined();
  const unsigned seed = 815;
  INFO("seed " << seed);
  std::mt19937_64 random{seed};
  for (int i = 0; i < 300; ++i) {
    HeavyRef forged = buffer->as_heavy();
    const std::size_t word = 1 + random() % 7;
    forged.words[word] = i % 2 == 0 ? random() : forged.words[word] ^ std::uint64_t{1} << random() % 64;
    const auto refused = peer.refusal_of("lend", {{"handle", Value::heavy(forged)}});
    CHECK((refused == Errc::bad_handle || refused == Errc::heavy_lost || refused == Errc::expired_handle));
  }
  CHECK(peer.refusal_of("fetch", {{"from", 0}}) == Errc::bad_argument);
  CHECK(peer.ask("lend", {{"handle", *buffer}})["ok"]["bytes"] == Value{bytes});
  for (const std::int64_t from : {std::int64_t{1}, std::int64_t{-1}, std::int64_t{1} << 40,
                                  std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()})
    CHECK(peer.refusal_of("fetch", {{"from", from}}) == Errc::bad_argument);
  CHECK(peer.refusal_of("fetch", {{"from", 0}, {"bytes", std::int64_t{1} << 40}}) == Errc::bad_argument);
  CHECK(peer.ask("fetch", {{"from", 0}})["ok"]["bytes"].size() == chunk_bytes_max);
  CHECK(peer.refusal_of("fetch", {{"from", 0}}) == Errc::bad_argument);
  CHECK(stage.works());
}

TEST_CASE("a buffer that was lent to somebody who goes away in the midst of it is free again [F04][F116]", "[remote]") {
  PeerStage stage;
  std::optional<Value> buffer =
      stage.owner->heavy().alloc<std::uint8_t>({3 * chunk_bytes_max}).value().publish().value();
  std::list<KnownPeer> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(stage.joined());
    CHECK(peers.back().ask("lend", {{"handle", *buffer}}).contains("ok"));
    CHECK(peers.back().ask("fetch", {{"from", 0}}).contains("ok"));
  }
  buffer.reset();
  // Lent, it stays under the reader; then it goes.
  CHECK(peers.front().ask("fetch", {{"from", chunk_bytes_max}}).contains("ok"));
  CHECK(stage.owner->heavy().statistics().buffers == 1);
  peers.clear();
  CHECK(turns_true([&] { return stage.owner->heavy().statistics().buffers == 0; }));
  CHECK(stage.works());
}

TEST_CASE("proposals of another run, of unknown kinds or torn apart drop the peer, and it is told why [F115][F117]",
          "[remote]") {
  PeerStage stage;
  const std::vector<Write> writes{Write::set("domain.hostile", 1)};
  const auto dropped_for = [&](const auto& say) {
    auto [peer, epoch] = stage.following();
    say(peer, epoch);
    const Heard heard = hear(peer, 1);
    CHECK(peer.is_cut_within(10s));
    return heard.dropped ? heard.dropped->code() : Errc{};
  };
  CHECK(dropped_for([&](KnownPeer& peer, const std::string&) {
          peer.send_message(submission("an earlier run", 1, {.writes = writes}));
        }) == Errc::stale_epoch);
  CHECK(dropped_for([&](KnownPeer& peer, const std::string&) { peer.send_message(bytes_of("\x18\x63")); }) ==
        Errc::bad_input);
  CHECK(dropped_for([&](KnownPeer& peer, const std::string&) { peer.send_message(bytes_of("\xff")); }) ==
        Errc::bad_input);
  CHECK(dropped_for([&](KnownPeer& peer, const std::string& epoch) {
          Bytes torn = submission(epoch, 1, {.writes = writes});
          torn.resize(torn.size() - 3);
          peer.send_message(torn);
        }) == Errc::bad_input);
  CHECK(dropped_for([&](KnownPeer& peer, const std::string&) {  // steps, of somebody who has offered no agents
          peer.send_message(message_of(ToOwner::stepped));
        }) == Errc::bad_input);
  CHECK_FALSE(stage.owner->state().contains("domain.hostile"));
  CHECK(stage.works());
}

TEST_CASE("a proposal that is replayed is refused as stale, or answered as the first time [F02][F117]", "[remote]") {
  PeerStage stage;
  auto [peer, epoch] = stage.following();
  const std::vector<Path> reads{"domain.hostile"};
  const std::vector<Write> writes{Write::increment("domain.hostile", 1)};
  const Bytes once = submission(epoch, 1, {.base = stage.owner->version(), .reads = reads, .writes = writes});
  CHECK(peer.send_message(once));
  CHECK(hear(peer, 1).answers.at(0).outcome.ok());
  CHECK(peer.send_message(once));
  CHECK(hear(peer, 1).answers.at(0).outcome.error().code() == Errc::version_mismatch);

  const Request request{"only once", 77, {}};
  const Bytes named =
      submission(epoch, 2, {.base = stage.owner->version(), .reads = reads, .writes = writes, .request = &request});
  std::vector<Version> versions;
  for (int i = 0; i < 3; ++i) {
    CHECK(peer.send_message(named));
    const Heard heard = hear(peer, 1);
    REQUIRE(heard.answers.at(0).outcome.ok());
    versions.push_back(heard.answers[0].outcome.value()->version);
  }
  CHECK(versions == std::vector(3, versions[0]));
  CHECK(stage.owner->state().get<int>("domain.hostile").value() == 2);
  CHECK(stage.works());
}

TEST_CASE("thousands of hostile packets of peers with a certificate do no harm to others [F46][F110][F120]",
          "[remote]") {
  const auto result = testing::HostilePackets{1}.run(2500);
  INFO(result.text());
  CHECK(result.packets == 2500);
  CHECK(result.peers > 250);
  CHECK_FALSE(result.was_honest_lost);
  CHECK(result.buffers_left == 0);
}

}  // namespace theus

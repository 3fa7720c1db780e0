#pragma once

// The owner's side of a joined process, without sockets: what it says is applied to a turn that follows.

#include "runtime/attach/follower.hpp"
#include "runtime/attach/protocol.hpp"
#include "runtime/snapshot_access.hpp"

#include <theus/json.hpp>

#include <catch2/catch.hpp>

#include <sys/eventfd.h>

namespace theus::testing {

class ToHub final : public CommitListener {
public:
  explicit ToHub(SignalHub& hub) : hub_(hub) {}
  void committed(Version version, std::span<const Signal> signals) noexcept override {
    hub_.publish_commit(version, signals);
  }

private:
  SignalHub& hub_;
};

struct JoinStage {
  Follower::Time now{};
  SignalHub hub = SignalExport::make_hub({});
  ToHub listener{hub};
  CommitFeed feed;
  CommitTurn turn{&listener, system_clock(), {.feed = &feed}};
  FollowTerms terms{turn, feed, hub, {"history", "epoch"}, {}, std::make_shared<const Descriptor>(::eventfd(0, 0)), [] {
                      return Status{};
                    }};
  MessageWriter out;

  // The other side.
  CommitTurn follower;
  PathCache paths;
  std::vector<Write> state;
  int states = 0;
  std::vector<JoinAnswer> answers;
  std::vector<std::uint64_t> starts;
  std::vector<std::string> schemas;
  std::vector<std::string> signals;

  std::vector<std::byte> submission(const ProposalView& proposal, std::uint64_t number = 1,
                                    std::string_view epoch = "epoch", const Cause& cause = {}) const {
    auto message = message_of(ToOwner::submit);
    append_cbor_text(message, epoch);
    append_cbor_number(message, number);
    append_proposal(message, proposal, cause);
    return message;
  }
  static std::vector<std::byte> reservation(std::uint64_t id) {
    auto message = message_of(ToOwner::reserve);
    append_cbor_number(message, id);
    append_cbor_number(message, 1000);
    append_cbor_text(message, "domain.x");
    return message;
  }
  /// Lets it speak until it has nothing to say.
  void hear(Follower& sut) {
    MessageReader reader{feed_bytes_max};
    do {
      sut.look(out, now, false).value();
      for (; !out.empty(); out.sent())
        if (auto message = reader.add(out.packet()).value())
          take(*message);
    } while (sut.has_news(out));
  }
  void take(const std::vector<std::byte>& message) {
    CborCursor in{message};
    switch (static_cast<ToJoined>(in.number())) {
      case ToJoined::commits: {
        Version version = in.number();
        for (std::uint64_t left = in.number(); left > 0; --left, ++version)
          if (const auto writes = read_writes(in, paths); version > follower.version()) {
            REQUIRE(version == follower.version() + 1);
            follower.follow(version, writes).value();
          }
        break;
      }
      case ToJoined::state: {
        const Version version = in.number();
        const bool is_last = in.number() != 0;
        while (!in.is_at_end()) {
          Path path = paths.path(in.text()).value();
          state.push_back(Write::set(std::move(path), in.value()));
        }
        if (is_last) {
          ++states;
          follower.follow(version, std::exchange(state, {})).value();
        }
        break;
      }
      case ToJoined::answers:
        while (!in.is_at_end())
          answers.push_back(read_answer(in));
        break;
      case ToJoined::starts:
        while (!in.is_at_end())
          starts.push_back(in.number());
        break;
      case ToJoined::schema: schemas.emplace_back(in.text()); break;
      case ToJoined::signals:
        while (!in.is_at_end()) {
          const RelayedSignal signal = read_signal(in);
          // Whoever hears of a commit's signal can read the commit.
          CHECK(signal.version <= follower.version());
          signals.push_back(signal.lost > 0 ? "lost " + std::to_string(signal.lost)
                                            : std::string{signal.name} + " " + to_json(signal.payload) + " " +
                                                  std::to_string(signal.version) + "." + std::to_string(signal.index));
        }
        break;
      default: break;
    }
    CHECK(in.failure() == nullptr);
  }
  static Value whole(const CommitTurn& turn) {
    return SnapshotAccess::find(turn.snapshot(), Path{}).value_or(Value::map());
  }
  Version commit(std::vector<Write> writes, std::vector<Signal> signals_of = {}) {
    return turn.commit({.base = turn.version(), .writes = writes, .signals = signals_of}).value();
  }
};

}  // namespace theus::testing

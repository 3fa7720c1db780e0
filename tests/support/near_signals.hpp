#pragma once

#include "runtime/attach/guest_signals.hpp"
#include "runtime/attach/owner_signals.hpp"

#include <theus/json.hpp>

#include <poll.h>

#include <deque>

namespace theus::testing {

/// Both sides of the signals of one joined process on the owner's host, without sockets: messages are carried, or not,
/// as a test says.
class NearSignalsStage : public OwnerPost {
public:
  explicit NearSignalsStage(std::size_t capacity = 1024, std::size_t local_capacity = 1024)
      : owner{SignalExport::make_hub({.capacity = capacity})}, here{local_capacity}, guest{std::in_place, owner, true} {
    signals.start(here);
    join(false);
  }

  void join(bool knows_run) {
    signals.join(near(), knows_run).value();
    to_owner.clear();
  }
  NearSignals near() const {
    std::vector<Descriptor> all = guest->descriptors();
    return {std::move(all[0]), std::move(all[1]), std::move(all[2]), std::move(all[3]), guest->begin()};
  }

  Status post(ToOwner kind, std::span<const std::byte> entry) override {
    if (refuses)
      return Error{Errc::overloaded, "test", "refused"};
    insist(kind, entry);
    return {};
  }
  void insist(ToOwner kind, std::span<const std::byte> entry) override {
    auto message = message_of(kind);
    message.insert(message.end(), entry.begin(), entry.end());
    to_owner.push_back(std::move(message));
  }

  void ring() noexcept override { ++rings; }

  /// Carries the oldest message to the owner.
  void carry_one() {
    const std::vector<std::byte> message = std::move(to_owner.front());
    to_owner.pop_front();
    CborCursor in{message};
    ++carried[static_cast<ToOwner>(in.number())];
    take(in, message);
    if (in.failure() != nullptr)
      fault = in.failure();
  }
  /// What the owner has to say, when everything that it stands on is there.
  void answer() {
    if (!guest->has_message() || guest->stands_on() > visible)
      return;
    const std::vector<std::byte> message = guest->take_message();
    CborCursor in{message};
    if (static_cast<ToJoined>(in.number()) == ToJoined::fetched)
      signals.pump().take_fetched(in);
    else
      signals.pump().take_signals(in);
    if (in.failure() != nullptr)
      fault = in.failure();
  }
  /// Lets both sides work until nothing moves.
  void settle() {
    for (int quiet = 0; quiet < 3;) {
      const bool moves = !to_owner.empty() || guest->has_message();
      while (!to_owner.empty())
        carry_one();
      guest->look().value();
      answer();
      signals.pump().look(visible);
      quiet = moves || signals.pump().pause() == std::chrono::nanoseconds{} || guest->has_news() ? 0 : quiet + 1;
      if (guest->has_message() && guest->stands_on() > visible)
        return;
    }
  }

  SignalHub owner;
  SignalHub here;
  std::optional<GuestSignals> guest;
  OwnerSignals signals{*this};
  Version visible = 0;
  std::atomic<int> rings{0};
  bool refuses = false;
  std::deque<std::vector<std::byte>> to_owner;
  std::map<ToOwner, int> carried;
  std::string fault;

private:
  void take(CborCursor& in, std::span<const std::byte> message) {
    CborCursor again{message};
    switch (static_cast<ToOwner>(again.number())) {
      case ToOwner::signals: return guest->take_signals(in);
      case ToOwner::names: return guest->take_names(in);
      case ToOwner::hear: return guest->take_hear(in);
      case ToOwner::fetch: return guest->take_fetch(in);
      default: return;
    }
  }
};

inline std::string text_of(const Event& event) {
  return event.name.str() + " " + to_json(event.payload.value()) +
         (event.version != 0 ? " " + std::to_string(event.version) + "." + std::to_string(event.index) : "");
}

inline std::vector<std::string> all_of(SignalReceiver& receiver) {
  std::vector<std::string> heard;
  while (true) {
    const Received received = receiver.try_recv();
    if (received.is_lagged())
      heard.push_back("lost " + std::to_string(received.lagged()));
    else if (received)
      heard.push_back(text_of(*received));
    else
      return heard;
  }
}

inline bool is_readable(int descriptor) {
  pollfd waiting{descriptor, POLLIN, 0};
  return ::poll(&waiting, 1, 0) == 1;
}

}  // namespace theus::testing

#pragma once

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/duration.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>

namespace theus::bench {

/// The engine's own scheduling policy.
struct CafConfig : caf::actor_system_config {
  CafConfig() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::max(1U, std::thread::hardware_concurrency()));
    set("scheduler.max-throughput", 300);
  }
};

inline const caf::duration caf_deadline{std::chrono::seconds{30}};

using increment_atom = caf::atom_constant<caf::atom("increment")>;
using read_atom = caf::atom_constant<caf::atom("read")>;

using CafMap = std::unordered_map<std::string, std::int64_t>;

/// The least that an actor which owns state does: it looks an entry of its map up, changes it perhaps, and answers.
inline caf::behavior map_owner(caf::event_based_actor*, std::shared_ptr<CafMap> map) {
  return {[map](increment_atom, const std::string& key) { return ++(*map)[key]; },
          [map](read_atom, const std::string& key) { return (*map)[key]; }};
}

/// Where such an actor is asked by a thread or by another actor.
class CafPeer {
public:
  /// One request of a thread.
  void request(const std::string& key) {
    self_->request(owner_, caf_deadline, increment_atom::value, key).receive([](std::int64_t) {}, [](caf::error&) {});
  }

  /// Requests per second of one actor that sends the next when the last is answered.
  template <class Atom>
  double requests_per_second(Atom what, const std::string& key, caf::duration deadline, std::uint64_t count) {
    const auto begin = std::chrono::steady_clock::now();
    auto client = system_.spawn([=, owner = owner_](caf::event_based_actor* self) -> caf::behavior {
      return {[=](std::uint64_t requests) {
        auto promise = self->make_response_promise<std::uint64_t>();
        ask(self, owner, what, key, deadline, requests, promise);
        return promise;
      }};
    });
    self_->request(client, caf::infinite, count).receive([](std::uint64_t) {}, [](caf::error&) {});
    return static_cast<double>(count) / std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }

private:
  template <class Atom>
  static void ask(caf::event_based_actor* self, const caf::actor& owner, Atom what, const std::string& key,
                  caf::duration deadline, std::uint64_t left, caf::typed_response_promise<std::uint64_t> promise) {
    self->request(owner, deadline, what, key).then([=](std::int64_t) mutable {
      if (left > 1)
        return ask(self, owner, what, key, deadline, left - 1, promise);
      promise.deliver(std::uint64_t{0});
      self->quit();
    });
  }

  CafConfig config_;
  caf::actor_system system_{config_};
  caf::scoped_actor self_{system_};
  caf::actor owner_ = system_.spawn(map_owner, std::make_shared<CafMap>());
};

}  // namespace theus::bench

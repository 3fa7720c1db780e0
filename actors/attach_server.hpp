#pragma once

#include "actors/core.hpp"
#include "actors/heavy_host.hpp"
#include "actors/visitors.hpp"
#include "runtime/attach/engine_entry.hpp"
#include "runtime/attach/session.hpp"
#include "runtime/attach/warning_throttle.hpp"

#include <theus/engine.hpp>

#include <atomic>
#include <list>
#include <memory>
#include <thread>

namespace theus::actors {

/// Lets other processes of the same user attach to an engine: one thread that accepts connections and moves packets
/// between their sockets and sessions. A client that is silent, slow or hostile costs a place for a bounded time, and
/// nobody else anything.
class AttachServer {
public:
  /// Opens the engine's entry in the folder and starts the thread.
  /// `target` makes it for a thread that is woken by this eventfd.
  static Result<std::unique_ptr<AttachServer>> start(
      const AttachOptions& options, CorePtr core,
      const std::function<std::unique_ptr<AttachTarget>(std::shared_ptr<const Descriptor> wake)>& target);
  /// Tells the clients, then hangs up; within a fraction of a second.
  ~AttachServer();
  AttachServer(const AttachServer&) = delete;
  AttachServer& operator=(const AttachServer&) = delete;

  std::string handle() const { return entry_.handle(); }
  /// By which others are let in who come from elsewhere, and can map no heavy buffers.
  const std::shared_ptr<Visitors>& visitors() const noexcept { return visitors_; }

private:
  using Time = AttachSession::Time;

  struct Connection {
    PacketSocket socket;
    AttachSession session;
    bool is_visitor = false;
    bool is_gone = false;
  };

  AttachServer(EngineEntry entry, std::size_t clients_max, CorePtr core, std::unique_ptr<AttachTarget> target,
               std::shared_ptr<const Descriptor> wake);

  void run();
  void turn();
  void wait(std::vector<short>& ready);
  Time next_time();
  void accept(Time now);
  void admit(PacketSocket socket, Time now);
  void serve(Connection& connection, short ready, Time now);
  void receive(Connection& connection, Time now);
  static void send(Connection& connection, Time now);
  void part(const Connection& connection, Time now);
  void tell(const std::optional<Error>& warning) const;
  void look_after_heavy(Time now);
  void admit(Visitors::Visitor visitor, Time now);
  void say_goodbye();
  void warn(const Error& error) const;

  // Constant after construction.
  EngineEntry entry_;
  const std::size_t clients_max_;
  const CorePtr core_;
  const std::unique_ptr<AttachTarget> target_;
  const std::shared_ptr<const Descriptor> wake_;  // an eventfd
  const std::shared_ptr<WatchPoint> any_commit_;  // writes to it
  const std::shared_ptr<Visitors> visitors_;

  std::atomic<bool> is_stopping_{false};

  // The thread's own.
  HeavyHost heavy_;
  std::list<Connection> connections_;
  std::vector<std::byte> packet_;
  int failures_ = 0;  // to join, one after the other
  Time accept_after_{};
  WarningThrottle warnings_{std::chrono::steady_clock::now()};  // about clients

  std::thread thread_;  // last: it uses all of the above
};

}  // namespace theus::actors

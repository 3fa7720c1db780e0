#include "actors/attach_server.hpp"

#include "actors/guarded.hpp"
#include "actors/signals_blocked.hpp"
#include "actors/user_callback.hpp"
#include "runtime/attach/protocol.hpp"
#include "runtime/cbor.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <cerrno>

namespace theus::actors {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

// Of one client in one turn, so that the others get theirs.
constexpr int packets_per_turn = 16;
constexpr std::size_t connections_place = 3;
constexpr auto pause_without_descriptors = 100ms;
constexpr auto goodbye_timeout = 250ms;

/// No connections are accepted for so long after that many failures to join.
std::chrono::milliseconds pause_after(int failures) {
  return std::min(100ms * (1 << std::min(failures - 1, 5)), 2000ms);
}

}  // namespace

Result<std::unique_ptr<AttachServer>> AttachServer::start(
    const AttachOptions& options, CorePtr core,
    const std::function<std::unique_ptr<AttachTarget>(std::shared_ptr<const Descriptor> wake)>& target) {
  auto wake = std::make_shared<const Descriptor>(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!*wake)
    return Error{Errc::resource_exhausted, "attach", "the system gave no eventfd", "Raise the limit of open files"};
  auto entry = EngineEntry::make(options.folder);
  if (!entry)
    return entry.error();
  std::unique_ptr<AttachServer> server{
      new AttachServer{*std::move(entry), options.clients_max, std::move(core), target(wake), wake}};
  if (Status added = server->core_->turn.add_watch(server->any_commit_); !added)
    return added.error();
  const SignalsBlocked blocked;
  server->thread_ = std::thread{[running = server.get()] { running->run(); }};
  return server;
}

AttachServer::AttachServer(EngineEntry entry, std::size_t clients_max, CorePtr core,
                           std::unique_ptr<AttachTarget> target, std::shared_ptr<const Descriptor> wake)
    : entry_(std::move(entry)),
      clients_max_(clients_max),
      core_(std::move(core)),
      target_(std::move(target)),
      wake_(std::move(wake)),
      any_commit_(std::make_shared<WatchPoint>(std::vector<Path>{Path{}}, wake_->number())),
      visitors_(std::make_shared<Visitors>(wake_)),
      heavy_(core_->heavy) {}

AttachServer::~AttachServer() {
  is_stopping_ = true;
  ::eventfd_write(wake_->number(), 1);
  if (thread_.joinable())
    thread_.join();
  visitors_->close();
  core_->turn.remove_watch(*any_commit_);
}

void AttachServer::run() {
  while (!is_stopping_)
    if (Status done = guarded("attach", [this] { turn(); }); !done) {
      connections_.clear();
      warn(done.error());
    }
  tell(warnings_.last());
  if (Status done = guarded("attach", [this] { say_goodbye(); }); !done)
    warn(done.error());
}

void AttachServer::turn() {
  std::vector<short> ready;
  wait(ready);
  const Time now = Steady::now();
  eventfd_t rings = 0;
  ::eventfd_read(wake_->number(), &rings);
  std::size_t place = connections_place;
  for (auto connection = connections_.begin(); connection != connections_.end(); ++place) {
    serve(*connection, ready[place], now);
    const bool is_done = connection->is_gone || (connection->session.is_over() && !connection->session.has_packet());
    if (is_done)
      part(*connection, now);
    connection = is_done ? connections_.erase(connection) : std::next(connection);
  }
  tell(warnings_.look(now));
  if (ready[1] != 0)
    accept(now);
  for (Visitors::Visitor& visitor : visitors_->take())
    admit(std::move(visitor), now);
  if (ready[2] != 0 || heavy_.next_look().value_or(Time::max()) <= now)
    look_after_heavy(now);
}

/// Sleeps until there is something to do; what, stands in `ready`: for the wake-up, the listener, the deaths of
/// readers, and from connections_place on for each connection, then for the signals of each.
void AttachServer::wait(std::vector<short>& ready) {
  const bool accepts = Steady::now() >= accept_after_;
  std::vector<pollfd> waiting{{wake_->number(), POLLIN, 0},
                              {accepts ? entry_.listener().number() : -1, POLLIN, 0},
                              {heavy_.death_signal(), POLLIN, 0}};
  for (const Connection& connection : connections_) {
    const int events =
        (connection.session.wants_packets() ? POLLIN : 0) | (connection.session.has_packet() ? POLLOUT : 0);
    waiting.push_back({connection.socket.number(), static_cast<short>(events), 0});
  }
  for (const Connection& connection : connections_)
    waiting.push_back({connection.session.wake_descriptor(), POLLIN, 0});
  const Time next = next_time();
  constexpr std::chrono::milliseconds longest = 1h;
  const auto left = next == Time::max()   ? longest
                    : next == Time::min() ? 0ms
                                          : std::chrono::ceil<std::chrono::milliseconds>(next - Steady::now());
  ::poll(waiting.data(), waiting.size(), static_cast<int>(std::clamp(left, 0ms, longest).count()));
  for (const pollfd& each : waiting)
    ready.push_back(each.revents);
}

AttachServer::Time AttachServer::next_time() {
  // Armed before the look at the version, see watch_points.hpp; but commits need not wake whom the time will.
  any_commit_->arm();
  if (std::ranges::any_of(connections_, [](const Connection& each) { return each.session.follows(); }))
    core_->feed.arm(wake_->number());
  Time next = accept_after_ > Steady::now() ? accept_after_ : Time::max();
  next = std::min({next, heavy_.next_look().value_or(Time::max()), warnings_.look_at()});
  bool waits_for_commit = false;
  bool waits_for_time = false;
  for (const Connection& connection : connections_) {
    next = connection.session.has_commits() ? Time::min() : std::min(next, connection.session.look_at());
    if (next == Time::min())
      break;
    (connection.session.is_behind() ? waits_for_time : waits_for_commit) |= connection.session.has_feed();
  }
  if (waits_for_time || !waits_for_commit)
    any_commit_->disarm();
  return next;
}

void AttachServer::accept(Time now) {
  for (int i = 0; i < packets_per_turn; ++i) {
    auto socket = entry_.listener().accept();
    if (!socket) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
        accept_after_ = now + pause_without_descriptors;
      return;
    }
    admit(*std::move(socket), now);
  }
}

void AttachServer::admit(PacketSocket socket, Time now) {
  constexpr std::uint32_t nobody = UINT32_MAX;
  auto refusal = check_uid(::geteuid(), socket.peer_uid().value_or(nobody));
  if (!refusal && connections_.size() >= clients_max_)
    refusal = AttachRefusal{AttachRefusal::Reason::full, clients_max_, connections_.size()};
  if (refusal) {
    socket.send(to_cbor(refusal->to_value()));
    return tell(warnings_.add(refusal->error(), now));
  }
  // Looked up now, while the process that connected can hardly have been followed by another of its pid.
  const auto peer = socket.peer_pid();
  auto invitation = heavy_.invitation(peer ? shm::living_process(*peer) : std::nullopt);
  Handshake handshake{AttachRole::engine, entry_.token(), Secret::random(), attach_version};
  connections_.push_back(
      {std::move(socket), AttachSession{*target_, std::move(handshake), now, std::move(invitation)}});
}

/// Somebody whose identity was proved on his way here.
void AttachServer::admit(Visitors::Visitor visitor, Time now) {
  if (connections_.size() >= clients_max_) {
    const AttachRefusal refusal{AttachRefusal::Reason::full, clients_max_, connections_.size()};
    visitor.socket.send(to_cbor(refusal.to_value()));
    return tell(warnings_.add(refusal.error(), now));
  }
  Handshake handshake{AttachRole::engine, visitor.token, Secret::random(), attach_version};
  connections_.push_back({.socket = std::move(visitor.socket),
                          .session = AttachSession{*target_, std::move(handshake), now},
                          .is_visitor = true});
}

void AttachServer::serve(Connection& connection, short ready, Time now) {
  const Status served = guarded("attach", [&] {
    if ((ready & ~POLLOUT) != 0)
      receive(connection, now);
    connection.session.look(now);
    send(connection, now);
    // Whoever is dropped because he does not listen will not listen to that either.
    connection.is_gone |= connection.session.is_over() && connection.session.has_packet();
  });
  if (served)
    return;
  connection.is_gone = true;
  tell(warnings_.add(served.error(), now));
}

void AttachServer::receive(Connection& connection, Time now) {
  const bool had_joined = connection.session.has_joined();
  for (int i = 0; i < packets_per_turn && connection.session.wants_packets(); ++i) {
    const auto outcome = connection.socket.receive(packet_, packet_bytes_max);
    connection.is_gone = outcome == PacketSocket::Outcome::gone;
    if (outcome != PacketSocket::Outcome::done)
      break;
    connection.session.receive(packet_, now);
  }
  if (!had_joined && connection.session.has_joined())
    failures_ = 0;
}

void AttachServer::send(Connection& connection, Time now) {
  for (int i = 0; i < packets_per_turn && connection.session.has_packet() && !connection.is_gone; ++i) {
    const auto outcome = connection.socket.send(connection.session.packet(), connection.session.descriptors());
    connection.is_gone = outcome == PacketSocket::Outcome::gone;
    if (outcome != PacketSocket::Outcome::done)
      return;
    connection.session.sent(now);
  }
}

/// A connection ends; whoever could not join keeps the next ones waiting.
void AttachServer::part(const Connection& connection, Time now) {
  const auto& fault = connection.session.fault();
  if (!fault)
    return;
  tell(warnings_.add(*fault, now));
  // A visitor has shown a certificate, and what he does wrong is no guess at a secret.
  if (!connection.session.has_joined() && !connection.is_visitor)
    accept_after_ = now + pause_after(++failures_);
}

void AttachServer::tell(const std::optional<Error>& warning) const {
  if (warning)
    warn(*warning);
}

void AttachServer::look_after_heavy(Time now) {
  for (const shm::LostLeases& lost : heavy_.look(now)) {
    if (lost.leases == 0)
      continue;
    (void)call_user([&] {
      core_->log({.level = LogLevel::warning,
                  .text = "process " + std::to_string(lost.consumer.pid) + " ended; " + std::to_string(lost.leases) +
                          " heavy buffers that it read are free again",
                  .fields = {{"event", "lease_lost"},
                             {"pid", lost.consumer.pid},
                             {"leases", lost.leases},
                             {"bytes", lost.bytes},
                             {"age_us", std::chrono::duration_cast<std::chrono::microseconds>(lost.age).count()}},
                  .process = "attach",
                  .execution = 0,
                  .version = target_->version(),
                  .time = core_->clock->wall()});
    });
  }
}

void AttachServer::say_goodbye() {
  const Time deadline = Steady::now() + goodbye_timeout;
  for (Connection& connection : connections_)
    connection.session.close(Steady::now());
  for (Time now = Steady::now(); now < deadline && !connections_.empty(); now = Steady::now()) {
    std::vector<pollfd> waiting;
    for (Connection& connection : connections_) {
      send(connection, now);
      waiting.push_back({connection.socket.number(), POLLOUT, 0});
    }
    std::erase_if(connections_, [](const Connection& each) { return each.is_gone || !each.session.has_packet(); });
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - now);
    if (!connections_.empty())
      ::poll(waiting.data(), waiting.size(), static_cast<int>(left.count()));
  }
}

void AttachServer::warn(const Error& error) const {
  (void)call_user([&] {
    core_->log({.level = LogLevel::warning,
                .text = error.text(),
                .fields = Value::map(),
                .process = "attach",
                .execution = 0,
                .version = target_->version(),
                .time = core_->clock->wall()});
  });
}

}  // namespace theus::actors

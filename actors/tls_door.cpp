#include "actors/tls_door.hpp"

#include "actors/signals_blocked.hpp"
#include "actors/user_callback.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace theus::actors {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

constexpr int accepted_per_turn = 16;
constexpr auto pause_without_descriptors = 100ms;
constexpr std::size_t relays_place = 2;
constexpr auto certificate_timeout_min = 10ms;
constexpr auto certificate_timeout_max = 60s;

Error resources(const std::string& what) {
  return {Errc::resource_exhausted, "tls", what, "Raise the limit of open files"};
}

}  // namespace

Result<std::unique_ptr<TlsDoor>> TlsDoor::open(const RemoteOptions& options, std::size_t clients_max,
                                               std::shared_ptr<Visitors> visitors,
                                               std::function<void(const Error&)> warn) {
  auto context = TlsContext::load(options.tls, AttachRole::engine);
  if (!context)
    return context.error();
  if (options.certificate_timeout < certificate_timeout_min || options.certificate_timeout > certificate_timeout_max)
    return Error{Errc::bad_argument, "tls",
                 std::to_string(options.certificate_timeout.count()) + " ms is no time to show a certificate in",
                 "Set RemoteOptions::certificate_timeout to 10 ms at least, and 60 s at most"};
  const auto address = TcpAddress::parse(options.listen);
  if (!address)
    return address.error();
  auto listener = listen_at(*address, static_cast<int>(unknown_max));
  if (!listener)
    return listener.error();
  Descriptor wake{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  if (!wake)
    return resources("the system gave no eventfd");
  std::unique_ptr<TlsDoor> door{new TlsDoor{*std::move(context), options.certificate_timeout, *std::move(listener),
                                            std::move(wake), clients_max + unknown_max, std::move(visitors),
                                            std::move(warn)}};
  const SignalsBlocked blocked;
  door->thread_ = std::thread{[running = door.get()] { running->run(); }};
  return door;
}

TlsDoor::TlsDoor(std::shared_ptr<const TlsContext> context, std::chrono::milliseconds certificate_timeout,
                 Descriptor listener, Descriptor wake, std::size_t relays_max, std::shared_ptr<Visitors> visitors,
                 std::function<void(const Error&)> warn)
    : context_(std::move(context)),
      certificate_timeout_(certificate_timeout),
      listener_(std::move(listener)),
      wake_(std::move(wake)),
      relays_max_(relays_max),
      visitors_(std::move(visitors)),
      warn_(std::move(warn)) {}

TlsDoor::~TlsDoor() {
  is_stopping_ = true;
  ::eventfd_write(wake_.number(), 1);
  if (thread_.joinable())
    thread_.join();
}

void TlsDoor::run() {
  while (!is_stopping_ || !relays_.empty())
    if (Status done = call_user([this] { turn(); }); !done) {
      relays_.clear();  // out of memory: who was let in joins again
      warn_(done.error());
    }
  tell(warnings_.last());
}

void TlsDoor::tell(const std::optional<Error>& warning) const {
  if (warning)
    warn_(*warning);
}

void TlsDoor::turn() {
  Time next = std::min(warnings_.look_at(), accept_after_ > Steady::now() ? accept_after_ : Time::max());
  std::vector<pollfd> waiting{{wake_.number(), POLLIN, 0},
                              {accepts(Steady::now()) ? listener_.number() : -1, POLLIN, 0}};
  for (const TlsRelay& relay : relays_) {
    waiting.push_back({relay.stream_number(), relay.stream_events(), 0});
    waiting.push_back({relay.local_number(), relay.local_events(), 0});
    next = std::min(next, relay.look_at());
  }
  constexpr std::chrono::milliseconds longest = 1h;
  const auto left = next == Time::max()   ? longest
                    : next == Time::min() ? 0ms
                                          : std::chrono::ceil<std::chrono::milliseconds>(next - Steady::now());
  ::poll(waiting.data(), waiting.size(), static_cast<int>(std::clamp(left, 0ms, longest).count()));
  eventfd_t rings = 0;
  ::eventfd_read(wake_.number(), &rings);
  const Time now = Steady::now();
  std::size_t place = relays_place;
  for (auto relay = relays_.begin(); relay != relays_.end(); place += 2) {
    const bool is_ready = waiting[place].revents != 0 || waiting[place + 1].revents != 0 || relay->look_at() <= now;
    if (is_ready || is_stopping_)
      relay->look(now, is_stopping_ || (waiting[place + 1].revents & (POLLHUP | POLLERR)) != 0);
    if (relay->is_known() && !relay->is_connected() && !relay->is_over())
      let_in(*relay);
    if (relay->is_over() && relay->fault())
      tell(warnings_.add(*relay->fault(), now));
    relay = relay->is_over() ? relays_.erase(relay) : std::next(relay);
  }
  tell(warnings_.look(now));
  if (waiting[1].revents != 0 && !is_stopping_)
    accept(now);
}

bool TlsDoor::accepts(Time now) const {
  return !is_stopping_ && now >= accept_after_ && relays_.size() < relays_max_ &&
         static_cast<std::size_t>(std::ranges::count_if(
             relays_, [](const TlsRelay& each) { return !each.is_known(); })) < unknown_max;
}

void TlsDoor::accept(Time now) {
  for (int i = 0; i < accepted_per_turn && accepts(now); ++i) {
    Descriptor socket = accept_from(listener_.number());
    if (!socket) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
        accept_after_ = now + pause_without_descriptors;
      return;
    }
    if (auto stream = TlsStream::make(context_, std::move(socket), ""))
      relays_.emplace_back(*std::move(stream), now + certificate_timeout_).look(now, false);
  }
}

void TlsDoor::let_in(TlsRelay& relay) {
  std::array<int, 2> ends{-1, -1};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    accept_after_ = Steady::now() + pause_without_descriptors;
    return relay.look(Steady::now(), true);
  }
  relay.connect(PacketSocket{Descriptor{ends[0]}});
  visitors_->add({PacketSocket{Descriptor{ends[1]}}, relay.secret()});
  relay.look(Steady::now(), false);
}

}  // namespace theus::actors

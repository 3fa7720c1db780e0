#include "actors/tls_tunnel.hpp"

#include "actors/signals_blocked.hpp"
#include "actors/user_callback.hpp"
#include "runtime/attach/tcp_socket.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <utility>

namespace theus::actors {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

Error without_descriptors() {
  return {Errc::resource_exhausted, "tls", "the system gave no sockets", "Raise the limit of open files"};
}

}  // namespace

Result<std::unique_ptr<TlsTunnel>> TlsTunnel::open(std::string_view handle, const TlsOptions& options,
                                                   std::chrono::steady_clock::time_point deadline) {
  const auto address = TcpAddress::of_handle(handle);
  if (!address)
    return address.error();
  auto context = TlsContext::load(options, AttachRole::client);
  if (!context)
    return context.error();
  auto socket = connect_to(*address, deadline);
  if (!socket)
    return socket.error();
  auto stream = TlsStream::make(*std::move(context), *std::move(socket), address->host);
  if (!stream)
    return stream.error();
  std::array<int, 2> ends{-1, -1};
  Descriptor wake{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  if (!wake || ::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return without_descriptors();
  std::unique_ptr<TlsTunnel> tunnel{new TlsTunnel{*std::move(stream), PacketSocket{Descriptor{ends[0]}},
                                                  PacketSocket{Descriptor{ends[1]}}, std::move(wake), deadline}};
  std::unique_lock lock{tunnel->mutex_};
  tunnel->changed_.wait_until(lock, deadline, [&] { return tunnel->is_known_ || tunnel->is_over_; });
  if (tunnel->is_known_)
    return tunnel;
  if (tunnel->fault_)
    return *tunnel->fault_;
  if (tunnel->is_over_)
    return Error{Errc::peer_down, "tls", "the other side hung up before it showed a certificate",
                 "Look whether an engine listens there, and what it has logged"};
  return Error{Errc::deadline, "tls", "the other side has not shown a certificate in time",
               "Look at the network, and whether an engine listens there"};
}

TlsTunnel::TlsTunnel(TlsStream stream, PacketSocket ours, PacketSocket theirs, Descriptor wake, TlsRelay::Time known_by)
    : wake_(std::move(wake)), socket_(std::move(ours)), relay_(std::in_place, std::move(stream), known_by) {
  const SignalsBlocked blocked;
  thread_ = std::thread{[this, local = std::make_shared<PacketSocket>(std::move(theirs))] {
    if (Status done = call_user([&] { run(std::move(*local)); }); !done) {
      const std::lock_guard lock{mutex_};
      fault_ = done.error();
    }
    tell();
    relay_.reset();  // the local side hears of the end, and can ask why
    *local = PacketSocket{Descriptor{}};
  }};
}

TlsTunnel::~TlsTunnel() {
  socket_.reset();
  is_stopping_ = true;
  ::eventfd_write(wake_.number(), 1);
  if (thread_.joinable())
    thread_.join();
}

std::optional<Error> TlsTunnel::fault() const {
  const std::lock_guard lock{mutex_};
  return fault_;
}

void TlsTunnel::run(PacketSocket local) {
  relay_->look(Steady::now(), false);  // this side speaks first
  while (!relay_->is_over()) {
    constexpr std::chrono::milliseconds longest = 1h;
    const auto next = relay_->look_at();
    const auto left = next == TlsRelay::Time::max() ? longest
                      : next == TlsRelay::Time::min()
                          ? 0ms
                          : std::chrono::ceil<std::chrono::milliseconds>(next - Steady::now());
    std::array<pollfd, 3> waiting{pollfd{wake_.number(), POLLIN, 0},
                                  pollfd{relay_->stream_number(), relay_->stream_events(), 0},
                                  pollfd{relay_->local_number(), relay_->local_events(), 0}};
    ::poll(waiting.data(), waiting.size(), static_cast<int>(std::clamp(left, 0ms, longest).count()));
    eventfd_t rings = 0;
    ::eventfd_read(wake_.number(), &rings);
    relay_->look(Steady::now(), is_stopping_ || (waiting[2].revents & (POLLHUP | POLLERR)) != 0);
    if (!relay_->is_known() || relay_->is_connected() || relay_->is_over())
      continue;
    relay_->connect(std::exchange(local, PacketSocket{Descriptor{}}));
    {
      const std::lock_guard lock{mutex_};
      secret_ = relay_->secret();
      is_known_ = true;
    }
    changed_.notify_all();
  }
}

void TlsTunnel::tell() {
  const std::lock_guard lock{mutex_};
  is_over_ = true;
  if (relay_->fault())
    fault_ = relay_->fault();
  changed_.notify_all();
}

}  // namespace theus::actors

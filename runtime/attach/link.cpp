#include "runtime/attach/link.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <thread>

#include "runtime/attach/engine_entry.hpp"
#include "runtime/attach/wire.hpp"
#include "runtime/backoff.hpp"
#include "runtime/cbor.hpp"

namespace theus {
namespace {

using Steady = std::chrono::steady_clock;

// An engine keeps at most one event waiting; more than a few at once are not its own.
constexpr std::size_t events_max = 1024;

Error late(std::string_view what) {
  return {Errc::deadline, "attach", std::string{what} + " took too long",
          "Look whether the engine's process is stopped"};
}

Error interrupted() { return {Errc::cancelled, "attach", "the call was interrupted"}; }

Error senseless() {
  return {Errc::peer_down, "attach", "what the engine sent makes no sense; the connection was ended"};
}

struct Target {
  std::filesystem::path folder;
  std::string name;
};

Result<Target> target_of(std::string_view handle) {
  const std::filesystem::path path{handle.substr(std::min(handle.size(), handle_scheme.size()))};
  if (!handle.starts_with(handle_scheme) || !path.has_filename() || handle.find('\0') != std::string_view::npos)
    return Error{Errc::bad_argument, "attach", "'" + std::string{handle} + "' is no handle",
                 "Engine::attach_handle() gives one, such as unix:/home/me/shop/.theus/engine-4711"};
  return Target{path.has_parent_path() ? path.parent_path() : ".", path.filename().string()};
}

Error nobody(std::string_view handle) {
  return {Errc::owner_down, std::string{handle}, "no engine listens there", "Its program has ended; start it again"};
}

/// Tries again while too many others wait for the engine.
Result<PacketSocket> connect(const AttachFolder& folder, const Target& target, std::string_view handle,
                             Steady::time_point deadline) {
  for (int attempt = 1;; ++attempt) {
    if (auto socket = PacketSocket::connect(folder.number(), target.name))
      return *std::move(socket);
    if (errno != EAGAIN)
      return nobody(handle);
    if (Steady::now() >= deadline)
      return late("connecting");
    std::this_thread::sleep_for(std::max<std::chrono::microseconds>(
        backoff(attempt + 1, static_cast<std::uint64_t>(::getpid())), std::chrono::milliseconds{1}));
  }
}

}  // namespace

Result<std::unique_ptr<AttachedEngine::Link>> AttachedEngine::Link::open(std::string_view handle, Timeout timeout) {
  const auto deadline = Steady::now() + timeout;
  const auto target = target_of(handle);
  if (!target)
    return target.error();
  const auto folder = AttachFolder::open(target->folder);
  if (!folder)
    return folder.error();
  if (!*folder)
    return nobody(handle);
  const auto token = read_token(**folder, target->name);
  if (!token)
    return token.error();
  auto socket = connect(**folder, *target, handle, deadline);
  if (!socket)
    return socket.error();
  if (const auto uid = socket->peer_uid(); !uid || *uid != ::geteuid())
    return AttachRefusal{AttachRefusal::Reason::uid, ::geteuid(), uid ? Value{*uid} : Value{}}.error();
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now());
  return open(*std::move(socket), *token, left);
}

Result<std::unique_ptr<AttachedEngine::Link>> AttachedEngine::Link::open(PacketSocket socket, const Secret& token,
                                                                         Timeout timeout) {
  const auto deadline = Steady::now() + timeout;
  Descriptor wake{::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
  if (!wake)
    return Error{Errc::resource_exhausted, "attach", "the system gave no eventfd", "Raise the limit of open files"};
  auto link = std::make_unique<Link>(std::move(socket), std::move(wake));
  if (Status joined = link->join(token, deadline); !joined)
    return joined.error();
  return link;
}

AttachedEngine::Link::Link(PacketSocket socket, Descriptor wake) noexcept
    : socket_(std::move(socket)), wake_(std::move(wake)) {}

void AttachedEngine::Link::interrupt() noexcept {
  is_interrupted_ = true;
  ::eventfd_write(wake_.number(), 1);
}

Error AttachedEngine::Link::gone() const {
  if (is_closing_)
    return {Errc::owner_down, "attach", "the engine was shut down", "Attach to the next one"};
  return {Errc::peer_down, "attach", "the engine went away", "Look why its process ended; attach to the next one"};
}

Status AttachedEngine::Link::wait(short events, Time deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now());
  std::array<pollfd, 2> waiting{pollfd{wake_.number(), POLLIN, 0}, pollfd{socket_.number(), events, 0}};
  const int ready =
      ::poll(waiting.data(), waiting.size(), static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, INT32_MAX)));

  if (ready == 0 && Steady::now() >= deadline)
    return late("the engine's answer");
  return {};
}

Status AttachedEngine::Link::send(std::span<const std::byte> packet, Time deadline) {
  while (true) {
    if (is_interrupted_)
      return interrupted();
    const auto outcome = socket_.send(packet);
    if (outcome == PacketSocket::Outcome::done)
      return {};
    if (outcome == PacketSocket::Outcome::gone)
      return gone();
    if (Status ready = wait(POLLOUT, deadline); !ready)
      return ready;
  }
}

Result<Handshake::Packet> AttachedEngine::Link::receive(std::size_t bytes_max, Time deadline) {
  Handshake::Packet packet;
  while (true) {
    if (is_interrupted_)
      return interrupted();
    std::vector<Descriptor> came;
    const auto outcome = socket_.receive(packet, bytes_max, came);
    if (outcome == PacketSocket::Outcome::done) {
      if (!came.empty())
        descriptors_ = std::move(came);
      return packet;
    }
    if (outcome == PacketSocket::Outcome::gone)
      return gone();
    if (Status ready = wait(POLLIN, deadline); !ready)
      return ready.error();
  }
}

Status AttachedEngine::Link::join(const Secret& token, Time deadline) {
  Handshake handshake{AttachRole::client, token, Secret::random(), attach_version};
  // An engine that hangs up may have said why before.
  const auto is_final = [](const Status& sent) { return !sent && sent.error().code() != Errc::peer_down; };
  if (Status sent = send(handshake.hello(), deadline); is_final(sent))
    return sent;
  while (true) {
    const auto packet = receive(handshake_bytes_max, deadline);
    if (!packet)
      return packet.error();
    const auto step = handshake.receive(*packet);
    if (step.refused)
      return *step.refused;
    if (step.has_joined)
      return {};
    if (step.answer)
      if (Status sent = send(*step.answer, deadline); is_final(sent))
        return sent;
  }
}

Result<Value> AttachedEngine::Link::receive_message(Time deadline) {
  while (true) {
    const auto packet = receive(packet_bytes_max, deadline);
    if (!packet)
      return packet.error();
    const auto bytes = reader_.add(*packet);
    if (bytes && !*bytes)
      continue;
    auto message = bytes ? from_cbor(**bytes, {.bytes_max = answer_bytes_max, .depth_max = message_depth_max})
                         : Result<Value>{bytes.error()};
    if (message && message->is_map())
      return message;
    return senseless();
  }
}

Result<Value> AttachedEngine::Link::request(std::string_view name, Value fields, Timeout timeout) {
  const auto deadline = Steady::now() + timeout;
  const auto id = ask(name, std::move(fields), timeout);
  if (!id)
    return id.error();
  return answer(*id, std::max(std::chrono::ceil<Timeout>(deadline - Steady::now()), Timeout{0}));
}

Result<std::int64_t> AttachedEngine::Link::ask(std::string_view name, Value fields, Timeout timeout) {
  if (fault_)
    return *fault_;
  descriptors_.clear();
  fields.set("id", ++last_id_);
  fields.set("do", name);
  auto bytes = to_cbor(fields);
  if (bytes.size() > request_bytes_max)
    return Error{Errc::too_large, "attach", "a request has at most " + std::to_string(request_bytes_max) + " bytes",
                 "Set the parts of the value one by one"}
        .with("limit", request_bytes_max)
        .with("asked", bytes.size());
  if (Status sent = send_message(std::move(bytes), Steady::now() + timeout); !sent) {
    fault_ = sent.error();
    return *fault_;
  }
  return last_id_;
}

Result<Value> AttachedEngine::Link::answer(std::int64_t id, Timeout timeout) {
  if (fault_)
    return *fault_;
  const auto message = receive_answer(id, Steady::now() + timeout);
  if (!message) {
    // Half a request, or an answer that nobody awaited, would be taken for what belongs to the next one.
    fault_ = message.error();
    return *fault_;
  }
  const Value* answer = message->find("ok");
  return answer != nullptr ? Result<Value>{*answer} : error_from_wire((*message)["error"]);
}

Status AttachedEngine::Link::send_message(std::vector<std::byte> message, Time deadline) {
  MessageWriter writer;
  for (writer.add(std::move(message)); !writer.empty(); writer.sent())
    if (Status sent = send(writer.packet(), deadline); !sent)
      return sent;
  return {};
}

Result<Value> AttachedEngine::Link::receive_answer(std::int64_t id, Time deadline) {
  while (true) {
    auto message = receive_message(deadline);
    if (!message || (*message)["id"] == Value{id})
      return message;
    if (!message->contains("event") || events_.size() == events_max)
      return senseless();
    is_closing_ = is_closing_ || (*message)["event"] == Value{"closing"};
    events_.push_back(*std::move(message));
  }
}

Result<Version> AttachedEngine::Link::request_version(std::string_view name, Value fields, Timeout timeout) {
  const auto answer = request(name, std::move(fields), timeout);
  return answer ? version_from_wire((*answer)["version"]) : Result<Version>{answer.error()};
}

Result<Value> AttachedEngine::Link::next_event(std::string_view name, Timeout timeout) {
  const auto deadline = Steady::now() + timeout;
  while (true) {
    if (events_.empty() && fault_)
      return *fault_;
    if (events_.empty()) {
      auto message = receive_message(deadline);
      // What came of a message stays, and the rest may still come.
      if (!message && message.error().code() == Errc::deadline)
        return Error{Errc::timeout, "attach", "nothing has come"};
      if (!message) {
        fault_ = message.error();
        continue;
      }
      events_.push_back(*std::move(message));
    }
    const Value event = std::move(events_.front());
    events_.pop_front();
    if (event["event"] == Value{name})
      return event;
    if (event["event"] == Value{"closing"})
      is_closing_ = true;
    else
      fault_ = senseless();
  }
}

}  // namespace theus

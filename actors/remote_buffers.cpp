#include "actors/remote_buffers.hpp"

#include "actors/tls_tunnel.hpp"
#include "runtime/attach/lending.hpp"
#include "runtime/attach/link.hpp"

#include <algorithm>
#include <cstring>

namespace theus::actors {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::size_t chunks_ahead = 8;

std::chrono::milliseconds until(Steady::time_point deadline) {
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(deadline - Steady::now()), std::chrono::milliseconds{0});
}

/// What went wrong with the connection, to who waits for a buffer.
Error cut_off(const Error& why) {
  switch (why.code()) {
    case Errc::deadline:
      return {Errc::timeout, "heavy zone", "the buffer has not come in time: " + why.cause(),
              "Raise FetchOptions::timeout, or look at the network"};
    case Errc::cancelled:
    case Errc::peer_down:
      return {Errc::owner_down, "heavy zone", "the link to the engine was lost before the buffer had come",
              "Look at the buffer again when Engine::owner() is up"};
    default: return why;
  }
}

Error senseless() {
  return {Errc::peer_down, "heavy zone", "what the engine sent is no part of the buffer; the connection was ended",
          "Join with Theus of the same version"};
}

}  // namespace

class RemoteBuffers::Door : public AttachedEngine {
public:
  using AttachedEngine::Link;
};

struct RemoteBuffers::Connection {
  std::unique_ptr<TlsTunnel> tunnel;
  std::unique_ptr<Door::Link> link;  // goes first
};

RemoteBuffers::RemoteBuffers(std::shared_ptr<const OwnerAddress> owner, JoinOptions options)
    : owner_(std::move(owner)), options_(std::move(options)) {}

RemoteBuffers::~RemoteBuffers() = default;

Result<std::shared_ptr<RemoteBuffers::Connection>> RemoteBuffers::connect(Time deadline) const {
  deadline = std::min(deadline, Steady::now() + options_.patience);
  auto tunnel = TlsTunnel::open(owner_->get(), options_.tls, deadline);
  if (!tunnel)
    return tunnel.error();
  auto link = Door::Link::open((*tunnel)->take_socket(), (*tunnel)->secret(), until(deadline));
  if (!link)
    return (*tunnel)->fault().value_or(link.error());
  return std::make_shared<Connection>(Connection{*std::move(tunnel), *std::move(link)});
}

/// The one there is, or a new one.
Result<std::shared_ptr<RemoteBuffers::Connection>> RemoteBuffers::connected(Time deadline) {
  if (connection_ != nullptr)
    return connection_;
  auto made = connect(deadline);
  if (!made)
    return cut_off(made.error());
  const std::lock_guard lock{mutex_};
  connection_ = *made;
  return connection_;
}

Result<Value> RemoteBuffers::request(std::string_view name, Value fields, Time deadline) {
  const auto connection = connection_;
  if (connection == nullptr)
    return Error{Errc::peer_down, "heavy zone", "there is no connection"};
  auto answer = connection->link->request(name, std::move(fields), until(deadline));
  if (connection->link->has_fault())
    hang_up();
  return answer;
}

/// What was said may take a moment to go out, for which nobody else waits.
void RemoteBuffers::hang_up() {
  ahead_.clear();
  std::shared_ptr<Connection> gone;
  const std::lock_guard lock{mutex_};
  gone.swap(connection_);
}

Result<std::uint64_t> RemoteBuffers::lend(const HeavyRef& ref, Time deadline) {
  while (true) {
    const bool is_old = connection_ != nullptr;
    if (const auto there = connected(deadline); !there)
      return there.error();
    const auto answer = request("lend", {{"handle", Value::heavy(ref)}}, deadline);
    // What has stood idle may have been lost long ago.
    if (!answer && connection_ == nullptr && is_old && answer.error().code() != Errc::deadline)
      continue;
    if (!answer)
      return connection_ == nullptr ? cut_off(answer.error()) : answer.error();
    const auto bytes = (*answer)["bytes"].get<std::uint64_t>();
    bytes_ = bytes.value_or(0);
    asked_ = 0;
    return bytes ? Result<std::uint64_t>{bytes_} : senseless();
  }
}

/// So many chunks are under way that a long line is full.
Status RemoteBuffers::ask_ahead(Time deadline) {
  while (connection_ != nullptr && asked_ < bytes_ && ahead_.size() < chunks_ahead) {
    const auto id = connection_->link->ask("fetch", {{"from", asked_}}, until(deadline));
    if (!id)
      return id.error();
    ahead_.push_back(*id);
    asked_ += chunk_bytes_max;
  }
  return {};
}

Result<std::size_t> RemoteBuffers::fetch(std::uint64_t from, std::span<std::byte> into, Time deadline) {
  const Status asked = ask_ahead(deadline);
  if (!asked || ahead_.empty()) {
    hang_up();
    return asked ? senseless() : cut_off(asked.error());
  }
  const auto answer = connection_->link->answer(ahead_.front(), until(deadline));
  ahead_.pop_front();
  if (!answer) {
    hang_up();
    return cut_off(answer.error());
  }
  const Value& chunk = (*answer)["bytes"];
  if ((*answer)["from"] != Value{from} || !chunk.is_bytes() ||
      chunk.as_bytes().size() != std::min(into.size(), chunk_bytes_max)) {
    hang_up();
    return senseless();
  }
  std::memcpy(into.data(), chunk.as_bytes().data(), chunk.as_bytes().size());
  return chunk.as_bytes().size();
}

Result<std::optional<Digest>> RemoteBuffers::give_back(Time deadline) {
  if (!ahead_.empty())  // with the connection goes what is lent
    hang_up();
  const auto answer = request("give_back", Value::map(), deadline);
  if (!answer)
    return cut_off(answer.error());
  const Value& bytes = (*answer)["digest"];
  std::optional<Digest> digest;
  if (bytes.is_bytes() && bytes.as_bytes().size() == sizeof(Digest::bytes))
    std::memcpy(digest.emplace().bytes.data(), bytes.as_bytes().data(), sizeof(Digest::bytes));
  return digest;
}

void RemoteBuffers::interrupt() noexcept {
  const std::lock_guard lock{mutex_};
  if (connection_ != nullptr)
    connection_->link->interrupt();
}

}  // namespace theus::actors

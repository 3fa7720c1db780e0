// Clients of a running engine, over its real socket.

#include <theus/attach.hpp>
#include <theus/engine.hpp>
#include <theus/errors.hpp>

#include "runtime/attach/engine_entry.hpp"
#include "runtime/attach/handshake.hpp"
#include "runtime/attach/protocol.hpp"
#include "runtime/cbor.hpp"
#include "tests/support/folder.hpp"

#include <catch2/catch.hpp>

#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <random>
#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;
using testing::Folder;

/// What an engine has logged.
class Log {
public:
  LogSink sink() {
    return [this](const LogEntry& entry) {
      const std::lock_guard lock{mutex_};
      texts_.push_back(entry.text);
      changed_.notify_all();
    };
  }
  bool wait_for(std::string_view text) {
    std::unique_lock lock{mutex_};
    return changed_.wait_for(lock, 30s, [&] {
      return std::ranges::any_of(texts_, [&](const std::string& each) { return each.find(text) != std::string::npos; });
    });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> texts_;
};

struct AttachStage {
  Folder folder;
  Log log;
  Engine engine;

  explicit AttachStage(std::size_t clients_max = 32)
      : engine{{.threads = 1, .log = log.sink(), .attach = {folder.path() / ".theus", clients_max}}} {}

  std::string handle() const { return engine.attach_handle().value(); }
  AttachedEngine attach() const { return AttachedEngine::attach(handle()).value(); }
  void set(const Path& path, Value value) {
    engine.update(path, [&](const Value&) { return value; }).value();
  }
};

/// A client that says what a test wants it to say.
class RawClient {
public:
  explicit RawClient(const AttachStage& stage)
      : folder_(AttachFolder::open(stage.folder.path() / ".theus").value().value()),
        name_(stage.handle().substr(stage.handle().rfind('/') + 1)),
        token(read_token(folder_, name_).value()),
        socket_(PacketSocket::connect(folder_.number(), name_).value()) {}

  void send(const Handshake::Packet& packet) { REQUIRE(socket_.send(packet) == PacketSocket::Outcome::done); }

  /// The next packet, or nothing when the engine hangs up. A watchdog ends what takes too long.
  std::optional<Handshake::Packet> receive() {
    while (true) {
      Handshake::Packet packet;
      const auto outcome = socket_.receive(packet, packet_bytes_max);
      if (outcome == PacketSocket::Outcome::gone)
        return std::nullopt;
      if (outcome == PacketSocket::Outcome::done)
        return packet;
      pollfd ready{socket_.number(), POLLIN, 0};
      if (::poll(&ready, 1, 30'000) == 0)
        throw std::runtime_error{"the engine says nothing"};
    }
  }
  bool is_hung_up_on() {
    while (receive())
      continue;
    return true;
  }

  /// Up to the engine's word on the proof that `known` gives.
  Value proof_with(const Secret& known) {
    Handshake client{AttachRole::client, known, Secret::random(), attach_version};
    send(client.hello());
    send(client.receive(receive().value()).answer.value());
    return from_cbor(receive().value()).value();
  }

private:
  AttachFolder folder_;
  std::string name_;

public:
  const Secret token;

private:
  PacketSocket socket_;
};

std::vector<std::string> lines(const Diff& diff) {
  std::vector<std::string> all;
  for (const Difference& each : diff.entries)
    all.push_back(to_text(each));
  return all;
}

using Lines = std::vector<std::string>;

}  // namespace

TEST_CASE("an attached client reads, sets and compares a running engine's state", "[attach]") {
  AttachStage stage;
  stage.set("domain.count", 1);
  AttachedEngine sut = stage.attach();
  CHECK(sut.info()->pid == ::getpid());
  CHECK(sut.info()->version == 1);

  CHECK(sut.get("domain.count")->value == std::optional<Value>{1});
  CHECK(sut.get("domain.other")->value == std::nullopt);
  CHECK(sut.get("")->value == std::optional{Value{{"domain", Value{{"count", 1}}}}});

  CHECK(sut.mark().value() == 1);
  CHECK(sut.set("domain.count", 2).value() == 2);
  CHECK(sut.set("domain.name", "Ada", {.expected = 2, .reason = "the form was wrong"}).value() == 3);
  CHECK(sut.set("domain.count", 9, {.expected = 1}).error().code() == Errc::version_mismatch);
  CHECK(sut.set("const_x", 9).error().code() == Errc::contract_violation);
  const auto changes = sut.changes({Path{}}, 100).value();
  CHECK(lines(changes.diff) == Lines{"~ domain.count: 1 -> 2", "+ domain.name = \"Ada\""});

  const auto audit = stage.engine.audit_log();
  REQUIRE(audit.size() == 1);
  CHECK(audit[0].reason == "the form was wrong");
  CHECK(audit[0].version == 3);
}

TEST_CASE("values of many packets pass both ways", "[attach]") {
  AttachStage stage;
  AttachedEngine sut = stage.attach();
  Value large = Value::list();
  for (int i = 0; i < 30'000; ++i)
    large.push_back("item number " + std::to_string(i));
  REQUIRE(encoded_size(large) > 4 * packet_bytes_max);
  CHECK(sut.set("domain.large", large).value() == 1);
  CHECK(sut.get("domain.large")->value == std::optional{large});
  CHECK(sut.set("domain.x", std::string(request_bytes_max, 'x')).error().code() == Errc::too_large);
  CHECK(sut.info()->version == 1);
}

TEST_CASE("a watch hears of every change without asking", "[attach]") {
  AttachStage stage;
  stage.set("domain.count", 0);
  AttachedEngine sut = stage.attach();
  CHECK(sut.watch({"domain"}).value() == 1);
  CHECK(sut.next(0ms).error().code() == Errc::timeout);
  for (int i = 1; i <= 3; ++i) {
    stage.set("elsewhere", i);
    stage.set("domain.count", i);
    Value last;
    Version version = 0;
    while (!(last == Value{i})) {
      const auto changes = sut.next(30s).value();
      CHECK(changes.since >= version);
      version = changes.version;
      last = changes.diff.entries.back().after;
    }
  }
  // Between events the client can ask for other things.
  stage.set("domain.count", 4);
  CHECK(sut.get("domain.count")->value == std::optional<Value>{4});
  CHECK(sut.next(30s)->diff.entries.back().after == Value{4});
}

TEST_CASE("a watcher sees the sum of all changes under fast commits", "[attach]") {
  AttachStage stage;
  AttachedEngine sut = stage.attach();
  sut.watch({"domain.count"}).value();
  std::thread writer{[&] {
    for (int i = 1; i <= 20'000; ++i)
      stage.set("domain.count", i);
  }};
  Value seen;
  Version told = 0;
  while (!(seen == Value{20'000})) {
    const auto changes = sut.next(30s);
    if (!changes || changes->since != told || changes->diff.entries.size() != 1 ||
        !(changes->diff.entries[0].before == seen)) {
      FAIL_CHECK("an event does not continue the one before");
      break;
    }
    told = changes->version;
    seen = changes->diff.entries[0].after;
  }
  writer.join();
}

TEST_CASE("a shut down engine tells its clients, and leaves no file", "[attach]") {
  AttachStage stage;
  const std::string handle = stage.handle();
  AttachedEngine watcher = stage.attach();
  watcher.watch({""}).value();
  stage.set("domain.last", 1);
  REQUIRE(stage.engine.shutdown(10s).ok());
  CHECK(watcher.next(30s)->version == 1);
  CHECK(watcher.next(30s).error().code() == Errc::owner_down);
  CHECK(watcher.get("").error().code() == Errc::owner_down);
  CHECK_FALSE(std::filesystem::exists(stage.folder.path() / ".theus"));
  CHECK(AttachedEngine::attach(handle).error().code() == Errc::owner_down);
  CHECK(stage.engine.attach_handle().error().code() == Errc::closed);
}

TEST_CASE("interrupt ends a call that waits, from another thread", "[attach]") {
  AttachStage stage;
  AttachedEngine sut = stage.attach();
  sut.watch({""}).value();
  std::thread other{[&] { sut.interrupt(); }};
  CHECK(sut.next(30s).error().code() == Errc::cancelled);
  other.join();
  CHECK(sut.get("").error().code() == Errc::cancelled);
}

TEST_CASE("an engine that was not asked lets nobody attach", "[attach]") {
  Engine engine{{.threads = 1}};
  CHECK(engine.attach_handle().error().code() == Errc::unsupported);
}

TEST_CASE("an engine that cannot let others attach says why, and runs", "[attach][F119]") {
  const Folder folder;
  REQUIRE(::chmod(folder.path().c_str(), 0755) == 0);
  Log log;
  Engine engine{{.threads = 1, .log = log.sink(), .attach = {folder.path()}}};
  CHECK(engine.attach_handle().error().code() == Errc::join_refused);
  CHECK(log.wait_for("others can enter the folder"));
  CHECK(engine.compare_and_swap(0, {{"domain.a", 1}}).ok());
}

TEST_CASE("what is no handle, and what leads nowhere, is refused", "[attach]") {
  const Folder folder;
  for (const char* handle : {"", "engine-1", "unix:", "unix:/tmp/", "tcp:localhost:1"})
    CHECK(AttachedEngine::attach(handle).error().code() == Errc::bad_argument);
  CHECK(AttachedEngine::attach("unix:" + (folder.path() / ".theus" / "engine-1").string()).error().code() ==
        Errc::owner_down);
}

TEST_CASE("a wrong proof is refused, logged, and keeps the next ones waiting [F113]", "[attach][F113]") {
  AttachStage stage;
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) {
    RawClient sut{stage};
    CHECK(sut.proof_with(Secret::random())["refused"] == Value{"token"});
    CHECK(sut.is_hung_up_on());
  }
  // 100 ms after the first failure, 200 ms after the second.
  CHECK(std::chrono::steady_clock::now() - begun >= 300ms);
  CHECK(stage.log.wait_for("the proof does not fit the token"));
  // Who knows the token joins all the same, a little later.
  CHECK(stage.attach().info().ok());
  RawClient right{stage};
  CHECK(right.proof_with(right.token).contains("proof"));
}

TEST_CASE("a proof that was overheard is of no use [F113]", "[attach][F113]") {
  AttachStage stage;
  RawClient first{stage};
  Handshake known{AttachRole::client, first.token, Secret::random(), attach_version};
  first.send(known.hello());
  const auto heard = known.receive(first.receive().value()).answer.value();
  first.send(heard);
  CHECK(known.receive(first.receive().value()).has_joined);

  RawClient second{stage};
  second.send(known.hello());
  CHECK(second.receive().has_value());
  second.send(heard);
  CHECK(from_cbor(second.receive().value())->find("refused") != nullptr);
  CHECK(second.is_hung_up_on());
}

TEST_CASE("a silent client loses its place within the time to join [F111]", "[attach][F111]") {
  AttachStage stage{1};
  RawClient silent{stage};
  CHECK(silent.receive().has_value());
  CHECK(silent.is_hung_up_on());
  CHECK(stage.log.wait_for("does not finish joining"));
  CHECK(stage.attach().info().ok());
}

TEST_CASE("clients over the limit are refused, and let in when others leave", "[attach]") {
  AttachStage stage{2};
  AttachedEngine first = stage.attach();
  {
    AttachedEngine second = stage.attach();
    const auto third = AttachedEngine::attach(stage.handle());
    REQUIRE_FALSE(third.ok());
    CHECK(*third.error().field("reason") == Value{"full"});
    CHECK(*third.error().field("theirs") == Value{2});
  }
  // The engine hears of the end a moment later.
  auto next = AttachedEngine::attach(stage.handle());
  for (int i = 0; i < 1000 && !next; ++i)
    next = AttachedEngine::attach(stage.handle());
  CHECK(next.ok());
  CHECK(first.info().ok());
}

TEST_CASE("another user cannot attach, even through an open door [F112]", "[attach][F112]") {
  if (::geteuid() != 0)
    return;  // only root can become somebody else
  AttachStage stage;
  const std::string handle = stage.handle();
  const auto as_nobody = [](const auto& work) {
    // The system call changes the calling thread only.
    std::thread{[&] {
      ::syscall(SYS_setresuid, -1, 65534, -1);
      work();
    }}.join();
  };
  std::optional<Error> refusal;
  as_nobody([&] { refusal = AttachedEngine::attach(handle).error(); });
  CHECK(refusal->code() == Errc::join_refused);
  CHECK(*refusal->field("reason") == Value{"folder"});

  // Somebody opens the folder and the socket to all.
  const auto place = stage.folder.path() / ".theus";
  const auto folder = AttachFolder::open(place).value().value();
  const std::string name = handle.substr(handle.rfind('/') + 1);
  for (const auto& path : {stage.folder.path(), place, place / name})
    REQUIRE(::chmod(path.c_str(), 0777) == 0);
  std::optional<PacketSocket> socket;
  as_nobody([&] { socket = PacketSocket::connect(folder.number(), name); });
  REQUIRE(socket);
  pollfd ready{socket->number(), POLLIN, 0};
  REQUIRE(::poll(&ready, 1, 30'000) == 1);
  Handshake::Packet packet;
  REQUIRE(socket->receive(packet, handshake_bytes_max) == PacketSocket::Outcome::done);
  const Value told = from_cbor(packet).value();
  CHECK(told["refused"] == Value{"uid"});
  CHECK(told["theirs"] == Value{65534});
  CHECK(stage.log.wait_for("belongs to another user"));
}

TEST_CASE("hostile packets cost their sender the connection, and nobody else anything [F111]", "[attach][F111]") {
  AttachStage stage;
  AttachedEngine bystander = stage.attach();
  const auto seed = std::random_device{}();
  INFO("seed " << seed);
  std::mt19937 random{seed};
  const auto noise = [&](std::size_t bytes_max) {
    Handshake::Packet packet(1 + random() % bytes_max);
    for (std::byte& byte : packet)
      byte = static_cast<std::byte>(random());
    return packet;
  };
  for (int i = 0; i < 8; ++i) {
    RawClient sut{stage};
    CHECK(sut.proof_with(sut.token).contains("proof"));
    sut.send(noise(packet_bytes_max - 1));
    CHECK(sut.is_hung_up_on());
  }
  {
    RawClient early{stage};
    early.send(noise(packet_bytes_max));
    CHECK(early.is_hung_up_on());
  }
  CHECK(bystander.info().ok());
}

}  // namespace theus

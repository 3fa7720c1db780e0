// Engines that join another one by TLS, as if from another host.

#include <theus/digest.hpp>
#include <theus/engine.hpp>

#include "tests/support/remote_stage.hpp"

#include <catch2/catch.hpp>

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <csignal>
#include <list>
#include <mutex>
#include <optional>
#include <thread>

namespace theus {
namespace {

using namespace std::chrono_literals;
using testing::authority;
using testing::RemoteStage;
using testing::turns_true;
using Clock = std::chrono::steady_clock;

/// A plain TCP connection.
class Plain {
public:
  explicit Plain(std::uint16_t port) : number_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(number_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
  }
  ~Plain() { ::close(number_); }
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;

  void send(std::string_view bytes) const { (void)::send(number_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  bool is_cut_within(std::chrono::milliseconds time) const {
    const auto deadline = Clock::now() + time;
    while (Clock::now() < deadline) {
      pollfd waiting{number_, POLLIN, 0};
      ::poll(&waiting, 1, 100);
      std::array<char, 256> answer{};
      const auto got = ::recv(number_, answer.data(), answer.size(), MSG_DONTWAIT);
      if (got == 0 || (got < 0 && errno != EAGAIN))
        return true;
    }
    return false;
  }

private:
  const int number_;
};

Errc code_of(const auto& result) { return result ? Errc{} : result.error().code(); }

}  // namespace

TEST_CASE("an engine on another host reads, commits, runs processes and hears signals [F110]", "[remote]") {
  RemoteStage stage;
  Engine joined = stage.join().value();
  CHECK(joined.state().get<int>("domain.count").value() == 0);
  const auto version = joined.compare_and_swap(joined.version(), {Write::set("domain.count", 5)}).value();
  CHECK(stage.owner->state().get<int>("domain.count").value() == 5);
  CHECK(joined.version() >= version);
  joined
      .register_process({.name = "count",
                         .inputs = {"domain.count"},
                         .outputs = {"domain.count"},
                         .body = [](Context& context) { return context.get<std::int64_t>("domain.count") + 1; }})
      .value();
  CHECK(joined.execute("count").value().value == Value{6});
  auto heard = joined.signals().subscribe({.filter = "news"});
  stage.owner->signals().send("news", 7);
  CHECK(heard.recv(30s)->payload.value() == Value{7});
  // More than a packet and more than the sockets hold.
  const Value large = std::string(6 << 20, 'x');
  joined.compare_and_swap(joined.version(), {Write::set("domain.large", large)}).value();
  CHECK(stage.owner->state().get("domain.large").value() == large);
  CHECK(turns_true([&] { return joined.version() == stage.owner->version(); }));
  CHECK(digest(joined.state().find(Path{}).value()) == digest(stage.owner->state().find(Path{}).value()));
}

TEST_CASE("transactions, updates and watches of an engine on another host work as anywhere", "[remote]") {
  RemoteStage stage;
  Engine joined = stage.join().value();
  const Version before = joined.version();
  joined
      .transaction([](Transaction& transaction) -> Status {
        const auto count = transaction.get<std::int64_t>("domain.count");
        return count ? transaction.set("domain.count", *count + 10) : Status{count.error()};
      })
      .value();
  joined.update("domain.count", [](const Value& count) { return Value{count.get<std::int64_t>().value() + 1}; })
      .value();
  CHECK(stage.owner->state().get<int>("domain.count").value() == 11);
  const Version seen = joined.wait_for_change({"domain.count"}, before, 30s).value();
  const Version written =
      stage.owner->compare_and_swap(stage.owner->version(), {Write::set("domain.count", 0)}).value();
  CHECK(seen < written);
  CHECK(joined.wait_for_change({"domain.count"}, written - 1, 30s).value() == written);
}

TEST_CASE("nobody listens for other hosts unless asked to [F110]", "[remote]") {
  const testing::Folder folder;
  const Engine engine{{.threads = 1, .attach = {.folder = folder.path() / ".theus"}}};
  CHECK(code_of(engine.remote_handle()) == Errc::unsupported);
  CHECK(code_of(Engine::from_handle("tls://127.0.0.1:1", {.threads = 1})) == Errc::bad_argument);
}

TEST_CASE("certificate, key and CA are all required, and named when they are missing [F114]", "[remote]") {
  for (const auto& [without, name] : {std::pair{&TlsOptions::certificate, "certificate"},
                                      std::pair{&TlsOptions::key, "key"}, std::pair{&TlsOptions::ca, "ca"}}) {
    TlsOptions some = testing::certificate();
    (some.*without).clear();
    RemoteStage stage{some};
    const auto refused = stage.owner->remote_handle();
    REQUIRE(code_of(refused) == Errc::bad_argument);
    CHECK(*refused.error().field("missing") == Value{name});
    CHECK(stage.has_logged("nobody can join from another host"));
    CHECK(code_of(Engine::from_handle("tls://127.0.0.1:1", {.threads = 1, .join = {.tls = some}})) ==
          Errc::bad_argument);
  }
}

TEST_CASE("files that do not fit, and keys that others can read, are refused [F114]", "[remote]") {
  const testing::Folder folder;
  const auto refuses = [&](const TlsOptions& tls, std::string_view why) {
    RemoteStage stage{tls};
    const auto refused = stage.owner->remote_handle();
    return code_of(refused) == Errc::bad_argument && refused.error().text().find(why) != std::string::npos;
  };
  TlsOptions wrong = testing::certificate();
  wrong.key = authority().at("ca.key");
  CHECK(refuses(wrong, "does not hold the key"));
  wrong = testing::certificate();
  wrong.ca = folder.file("nothing.pem", "nothing");
  CHECK(refuses(wrong, "no certificate of a CA"));
  wrong = testing::certificate();
  wrong.certificate = folder.path() / "nowhere.pem";
  CHECK(refuses(wrong, "no certificate that can be read"));
  wrong = testing::certificate();
  wrong.key = folder.path() / "open.key";
  std::filesystem::copy_file(testing::certificate().key, wrong.key);
  for (const unsigned mode : {0644U, 0640U, 0604U, 0620U, 0601U}) {
    std::filesystem::permissions(wrong.key, std::filesystem::perms{mode});
    CHECK(refuses(wrong, "can be used by others"));
    CHECK(code_of(Engine::from_handle("tls://127.0.0.1:1", {.threads = 1, .join = {.tls = wrong}})) ==
          Errc::bad_argument);
  }
  std::filesystem::permissions(wrong.key, std::filesystem::perms{0400});
  CHECK(RemoteStage{wrong}.owner->remote_handle().ok());
  RemoteStage nowhere{testing::certificate(), {.listen = "203.0.113.1:0"}};
  CHECK(code_of(nowhere.owner->remote_handle()) == Errc::bad_argument);
}

TEST_CASE("a certificate of another CA, an expired one and one for another host are refused [F114]", "[remote]") {
  RemoteStage stage;
  const testing::Authority other;
  TlsOptions foreign = other.issue("foreign", "IP:127.0.0.1");
  auto refused = stage.join(foreign);
  REQUIRE(code_of(refused) == Errc::join_refused);
  CHECK(*refused.error().field("reason") == Value{"tls"});
  // It trusts the engine; the engine does not trust it.
  foreign.ca = testing::certificate().ca;
  refused = stage.join(foreign);
  REQUIRE(code_of(refused) == Errc::join_refused);
  CHECK(refused.error().text().find("unknown ca") != std::string::npos);
  CHECK(turns_true([&] { return stage.has_logged("certificate is refused"); }));

  refused = stage.join(authority().issue("old", "IP:127.0.0.1", "-1"));
  REQUIRE(code_of(refused) == Errc::bad_argument);
  CHECK(refused.error().text().find("expired") != std::string::npos);

  RemoteStage elsewhere{authority().issue("elsewhere", "IP:192.0.2.7")};
  refused = elsewhere.join();
  REQUIRE(code_of(refused) == Errc::join_refused);
  CHECK(refused.error().text().find("mismatch") != std::string::npos);
  CHECK(stage.goes_on());
}

TEST_CASE("plain text, garbage and lengths of gigabytes before a certificate are cut at once [F110][F111]",
          "[remote]") {
  RemoteStage stage;
  for (const std::string& bytes :
       {std::string{"GET / HTTP/1.1\r\nHost: x\r\n\r\n"}, std::string(32, '\xff'), std::string(32, '\0'),
        std::string{"\xff\xff\xff\xff"} + std::string(64, 'x'), std::string(100'000, 'z')}) {
    const Plain peer{stage.port()};
    peer.send(bytes);
    CHECK(peer.is_cut_within(5s));
  }
  CHECK(stage.goes_on());
}

TEST_CASE("who connects and says nothing is cut after a second, and keeps nobody out [F111][F120]", "[remote]") {
  RemoteStage stage;
  const auto begun = Clock::now();
  std::list<Plain> silent;
  for (int i = 0; i < 40; ++i)
    silent.emplace_back(stage.port());
  CHECK(stage.goes_on());
  CHECK(silent.front().is_cut_within(15s));
  CHECK(silent.back().is_cut_within(15s));
  const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun);
  INFO("cut after " << taken.count() << " ms");
  CHECK(taken >= 900ms);
  CHECK(taken < 4s);
  CHECK(stage.goes_on());
}

TEST_CASE("who sends a handshake byte by byte has no more time than who sends nothing [F111]", "[remote]") {
  RemoteStage stage{testing::certificate(), {.listen = "127.0.0.1:0", .certificate_timeout = 200ms}};
  const Plain slow{stage.port()};
  const auto begun = Clock::now();
  bool is_cut = false;
  // A record of a handshake with 512 bytes, which never comes to its end.
  slow.send(std::string_view{"\x16\x03\x01\x02\x00\x01", 6});
  while (!is_cut && Clock::now() - begun < 15s) {
    slow.send(std::string_view{"\0", 1});
    is_cut = slow.is_cut_within(20ms);
  }
  CHECK(is_cut);
  CHECK(Clock::now() - begun >= 180ms);
  CHECK(turns_true([&] { return stage.has_logged("has not shown a certificate in time"); }));
  CHECK(stage.goes_on());
}

TEST_CASE("slow networks get the time that the owner's options give them, within bounds [F111]", "[remote]") {
  RemoteStage stage{testing::certificate(), {.listen = "127.0.0.1:0", .certificate_timeout = 60s}};
  const Plain slow{stage.port()};
  CHECK_FALSE(slow.is_cut_within(1500ms));
  for (const auto wrong : {0ms, -5ms, 9ms, 60'001ms}) {
    RemoteStage refused{testing::certificate(), {.listen = "127.0.0.1:0", .certificate_timeout = wrong}};
    CHECK(code_of(refused.owner->remote_handle()) == Errc::bad_argument);
  }
}

TEST_CASE("a flood of refused peers costs a few lines of the log, which tell how many there were [F111][F120]",
          "[remote]") {
  RemoteStage stage;
  const auto begun = Clock::now();
  constexpr std::size_t peers = 200;
  for (std::size_t i = 0; i < peers; ++i) {
    const Plain peer{stage.port()};
    peer.send(std::string(32, 'z'));
    CHECK(peer.is_cut_within(15s));
  }
  std::size_t lines = 0;
  std::size_t told = 0;
  CHECK(turns_true([&] {
    const std::lock_guard lock{stage.mutex};
    lines = told = 0;
    for (const std::string& each : stage.log)
      if (each.find("what arrived was refused") != std::string::npos) {
        ++lines;
        const auto left_out = each.find("(");
        told += 1 + (left_out == std::string::npos ? 0 : std::stoul(each.substr(left_out + 1)));
      }
    return told == peers;
  }));
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(Clock::now() - begun).count();
  INFO(lines << " lines tell of " << told << " peers");
  CHECK(lines >= 8);
  CHECK(lines <= 9 + static_cast<std::size_t>(seconds));
  CHECK(stage.goes_on());
}

TEST_CASE("TLS without a certificate, or with another protocol inside, changes nothing [F110][F114]", "[remote]") {
  RemoteStage stage;
  const std::string at = "127.0.0.1:" + std::to_string(stage.port());
  const auto client = [&](std::vector<std::string> more) {
    std::vector<std::string> words{"/usr/bin/timeout", "10", "/usr/bin/openssl", "s_client", "-quiet", "-connect", at};
    words.insert(words.end(), more.begin(), more.end());
    return testing::run(words);
  };
  CHECK(client({}).exit != 0);
  CHECK(turns_true([&] { return stage.has_logged("peer did not return a certificate"); }));
  CHECK(client({"-tls1_2", "-cert", testing::certificate().certificate.string(), "-key",
                testing::certificate().key.string()})
            .exit != 0);
  // Known, but what it sends claims four gigabytes.
  const auto known = testing::run({"/bin/sh", "-c",
                                   "(printf '\\377\\377\\377\\377hello'; sleep 5) | timeout 10 openssl s_client -quiet "
                                   "-connect " +
                                       at + " -cert " + testing::certificate().certificate.string() + " -key " +
                                       testing::certificate().key.string()});
  CHECK(turns_true([&] { return stage.has_logged("a packet of 4294967295 bytes was announced"); }));
  CHECK(stage.goes_on());
}

TEST_CASE("when the owner goes away it is told at once, and commits are refused [F116]", "[remote]") {
  std::optional<Engine> joined;
  {
    RemoteStage stage;
    joined.emplace(stage.join().value());
    CHECK(joined->owner()->is_up);
  }
  CHECK(turns_true([&] { return !joined->owner()->is_up; }, 5s));
  CHECK(code_of(joined->compare_and_swap(joined->version(), {Write::set("domain.count", 1)})) == Errc::owner_down);
  CHECK(joined->state().get<int>("domain.count").value() == 0);
}

}  // namespace theus

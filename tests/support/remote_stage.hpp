#pragma once

#include <theus/engine.hpp>

#include "tests/support/certificates.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>
#include <optional>
#include <thread>

namespace theus::testing {

/// The certification authority of a test program, and one certificate for the loopback interface.
inline const Authority& authority() {
  static const Authority made;
  return made;
}
inline const TlsOptions& certificate() {
  static const TlsOptions issued = authority().issue("engine", "IP:127.0.0.1,DNS:localhost");
  return issued;
}

template <class Condition>
bool turns_true(const Condition& condition, std::chrono::seconds patience = std::chrono::seconds{30}) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!condition() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  return condition();
}

/// An engine that listens on the loopback interface.
struct RemoteStage {
  Folder folder;
  std::mutex mutex;
  std::vector<std::string> log;  // guarded by mutex
  std::optional<Engine> owner;

  explicit RemoteStage(const TlsOptions& tls = certificate(), RemoteOptions remote = {.listen = "127.0.0.1:0"},
                       HeavyOptions heavy = {}) {
    EngineOptions options;
    options.threads = 1;
    options.heavy = heavy;
    options.attach.folder = folder.path() / ".theus";
    options.remote = std::move(remote);
    options.remote.tls = tls;
    options.initial = {Write::set("domain.count", 0)};
    options.log = [this](const LogEntry& entry) {
      const std::lock_guard lock{mutex};
      log.push_back(entry.text);
    };
    owner.emplace(std::move(options));
  }
  std::string handle() const { return owner->remote_handle().value(); }
  Result<Engine> join(const TlsOptions& tls = certificate(), const FetchOptions& fetch = {}) const {
    return Engine::from_handle(handle(), {.threads = 1, .join = {.tls = tls, .fetch = fetch}});
  }
  std::size_t logged(std::string_view text) {
    const std::lock_guard lock{mutex};
    return static_cast<std::size_t>(
        std::ranges::count_if(log, [&](const std::string& each) { return each.find(text) != std::string::npos; }));
  }
  bool has_logged(std::string_view text) { return logged(text) > 0; }
  std::uint16_t port() const {
    const std::string text = handle();
    return static_cast<std::uint16_t>(std::stoi(text.substr(text.rfind(':') + 1)));
  }
  /// Whether somebody with a certificate is still let in, and what he writes counts.
  bool goes_on() const {
    auto joined = join();
    return joined && joined->compare_and_swap(joined->version(), {Write::increment("domain.count", 1)});
  }
};

}  // namespace theus::testing

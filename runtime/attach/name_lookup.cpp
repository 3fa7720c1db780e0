#include "runtime/attach/name_lookup.hpp"

#include <theus/value.hpp>

#include <sys/socket.h>

#include <condition_variable>
#include <csignal>
#include <map>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace theus {
namespace {

struct Lookup {
  std::optional<int> outcome;  // of getaddrinfo(3); nothing: it is under way
  std::shared_ptr<const addrinfo> found;
};

/// Those under way. Outlives the threads, which nobody waits for.
struct Lookups {
  std::mutex mutex;
  std::condition_variable changed;
  std::map<std::pair<std::string, std::string>, std::shared_ptr<Lookup>> under_way;  // guarded by mutex, as all in it
};

const std::shared_ptr<Lookups>& lookups() {
  static const auto* all = new auto(std::make_shared<Lookups>());
  return *all;
}

int resolve(const std::string& host, const std::string& port, int flags, Addresses& found) {
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int failed = ::getaddrinfo(host.c_str(), port.c_str(), &wanted, &list);
  if (failed == 0)
    found.reset(list);
  return failed;
}

Error nowhere(Errc code, const std::string& host, int failed) {
  return {code, "tls", "'" + host + "' leads nowhere: " + ::gai_strerror(failed),
          "Name a host by its address, or by a name that the system knows"};
}

/// Throws system_error when there is no thread to be had.
void start(const std::shared_ptr<Lookups>& all, const std::shared_ptr<Lookup>& lookup, const std::string& host,
           const std::string& port, const Resolver& resolver) {
  // Signals are for the threads of the program.
  sigset_t every{};
  sigset_t before{};
  sigfillset(&every);
  pthread_sigmask(SIG_SETMASK, &every, &before);
  struct Restored {
    const sigset_t& mask;
    ~Restored() { pthread_sigmask(SIG_SETMASK, &mask, nullptr); }
  } const restored{before};
  std::thread{[all, lookup, host, port, resolver] {
    Addresses found;
    const int failed = resolver(host, port, found);
    {
      const std::lock_guard lock{all->mutex};
      lookup->outcome = failed;
      lookup->found = std::move(found);
      all->under_way.erase({host, port});
    }
    all->changed.notify_all();
  }}.detach();
}

}  // namespace

Result<std::shared_ptr<const addrinfo>> look_up(const std::string& host, const std::string& port,
                                                std::chrono::steady_clock::time_point deadline,
                                                const Resolver& resolver) {
  const auto& all = lookups();
  std::unique_lock lock{all->mutex};
  auto& place = all->under_way[{host, port}];
  if (place == nullptr) {
    if (all->under_way.size() > lookups_max) {
      all->under_way.erase({host, port});
      return Error{Errc::overloaded, "tls", "'" + host + "' is not looked up: so many other names are, and do not come",
                   "Name the host by its address, or look at the system's name servers"}
          .with("limit", lookups_max);
    }
    place = std::make_shared<Lookup>();
    start(all, place, host, port, resolver);
  }
  const auto lookup = place;
  if (!all->changed.wait_until(lock, deadline, [&] { return lookup->outcome.has_value(); }))
    return Error{Errc::timeout, "tls", "the system has not found out in time where '" + host + "' is",
                 "Name the host by its address, or look at the system's name servers"}
        .with("host", host);
  if (*lookup->outcome != 0)
    return nowhere(Errc::owner_down, host, *lookup->outcome);
  return lookup->found;
}

Result<std::shared_ptr<const addrinfo>> look_up_number(const std::string& host, const std::string& port) {
  Addresses found;
  if (const int failed = resolve(host, port, AI_NUMERICHOST, found); failed != 0)
    return nowhere(Errc::bad_argument, host, failed);
  return std::shared_ptr<const addrinfo>{std::move(found)};
}

Result<std::shared_ptr<const addrinfo>> look_up(const std::string& host, const std::string& port,
                                                std::chrono::steady_clock::time_point deadline) {
  if (auto number = look_up_number(host, port))
    return number;
  return look_up(host, port, deadline, [](const std::string& name, const std::string& service, Addresses& into) {
    return resolve(name, service, AI_ADDRCONFIG, into);
  });
}

}  // namespace theus

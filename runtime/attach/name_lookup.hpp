#pragma once

#include <theus/result.hpp>

#include <netdb.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace theus {

struct FreeAddresses {
  void operator()(addrinfo* list) const noexcept { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

/// What stands for getaddrinfo(3): 0, or why not. May take as long as it likes, on a thread of its own.
using Resolver = std::function<int(const std::string& host, const std::string& port, Addresses& found)>;

/// Of a numeric address, without asking anybody. Errors: bad_argument.
Result<std::shared_ptr<const addrinfo>> look_up_number(const std::string& host, const std::string& port);
/// Where a host is. Numeric addresses are found at once; names are looked up by a thread which is left behind when the
/// deadline comes first: at most lookups_max of them, and who asks again meanwhile waits for the one that is under way.
/// Thread-safe. Errors: owner_down for a name that leads nowhere; timeout, which names the host; overloaded.
Result<std::shared_ptr<const addrinfo>> look_up(const std::string& host, const std::string& port,
                                                std::chrono::steady_clock::time_point deadline);
Result<std::shared_ptr<const addrinfo>> look_up(const std::string& host, const std::string& port,
                                                std::chrono::steady_clock::time_point deadline,
                                                const Resolver& resolver);

inline constexpr std::size_t lookups_max = 8;

}  // namespace theus

#pragma once

#include "benchmarks/peers/temporary_folder.hpp"

#include <hiredis/hiredis.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

namespace theus::bench {

/// A Redis server of our own that listens on a unix socket only; it ends with this object.
class RedisServer {
public:
  /// On disk: nothing, or everything, synced before it answers.
  enum class Keeps { nothing, all };

  explicit RedisServer(Keeps keeps = Keeps::nothing) {
    const char* const append = keeps == Keeps::all ? "yes" : "no";
    const std::string folder = folder_.path().string();
    const char* arguments[] = {"redis-server",
                               "--port",
                               "0",
                               "--unixsocket",
                               socket_.c_str(),
                               "--save",
                               "",
                               "--appendonly",
                               append,
                               "--appendfsync",
                               "always",
                               "--daemonize",
                               "no",
                               "--loglevel",
                               "warning",
                               "--dir",
                               folder.c_str(),
                               "--logfile",
                               "redis.log",
                               nullptr};
    if (::posix_spawnp(&process_, "redis-server", nullptr, nullptr, const_cast<char**>(arguments), environ) != 0)
      throw std::runtime_error("cannot start redis-server");
  }
  ~RedisServer() {
    ::kill(process_, SIGTERM);
    ::waitpid(process_, nullptr, 0);
  }
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  const std::string& socket() const noexcept { return socket_; }

private:
  TemporaryFolder folder_;
  std::string socket_ = (folder_.path() / "redis.sock").string();
  ::pid_t process_ = 0;
};

/// One client's connection.
class RedisMap {
public:
  explicit RedisMap(const std::string& socket) {
    for (int tries = 0; tries < 500; ++tries) {
      connection_.reset(redisConnectUnix(socket.c_str()));
      if (connection_ != nullptr && connection_->err == 0)
        break;
      std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    script_ = call("SCRIPT LOAD %s", swap_script)->str;
  }

  /// As LmdbMap::swap.
  bool swap(const std::string& key, std::uint64_t& expected, std::int64_t value) {
    const auto reply = call("EVALSHA %s 1 %s %llu %lld", script_.c_str(), key.c_str(),
                            static_cast<unsigned long long>(expected), static_cast<long long>(value));
    const auto found = static_cast<std::uint64_t>(reply->integer);
    if (reply->type != REDIS_REPLY_INTEGER)
      throw std::runtime_error("redis: the script gave no number");
    const bool swapped = found == expected;
    expected = swapped ? expected + 1 : found;
    return swapped;
  }

private:
  struct Free {
    void operator()(redisContext* connection) const { redisFree(connection); }
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
  };
  using Reply = std::unique_ptr<redisReply, Free>;

  // Answers the version found; it was the expected one when the entry has been set.
  static constexpr const char* swap_script = R"(
    local found = tonumber(redis.call('HGET', KEYS[1], 'version') or '0')
    if found == tonumber(ARGV[1]) then
      redis.call('HSET', KEYS[1], 'version', found + 1, 'value', ARGV[2])
    end
    return found)";

  template <class... Arguments>
  Reply call(const char* format, Arguments... arguments) {
    Reply reply{static_cast<redisReply*>(redisCommand(connection_.get(), format, arguments...))};
    if (reply == nullptr || reply->type == REDIS_REPLY_ERROR)
      throw std::runtime_error(std::string{"redis: "} + (reply ? reply->str : connection_->errstr));
    return reply;
  }

  std::unique_ptr<redisContext, Free> connection_;
  std::string script_;
};

}  // namespace theus::bench

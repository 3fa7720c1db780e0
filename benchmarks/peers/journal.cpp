#include "benchmarks/journal.hpp"

#include "benchmarks/contention.hpp"
#include "benchmarks/peers/redis_map.hpp"
#include "benchmarks/peers/rocksdb_map.hpp"

namespace theus::bench {
namespace {

constexpr std::chrono::milliseconds round_span{1000};

std::string key_of(unsigned client) { return "client" + std::to_string(client); }

template <class MakeMap>
double swaps(unsigned clients, const MakeMap& make_map) {
  return contest(
             clients,
             [&](unsigned client) {
               return [map = make_map(), key = key_of(client), known = std::uint64_t{0}]() mutable {
                 return map->swap(key, known, static_cast<std::int64_t>(known) + 1);
               };
             },
             round_span)
      .successes_per_second();
}

}  // namespace

void add_packaged_journal_peers(Case& subject, unsigned clients) {
  subject.optional_peer("redis always", [server = std::make_shared<RedisServer>(RedisServer::Keeps::all), clients] {
    return swaps(clients, [&] { return std::make_shared<RedisMap>(server->socket()); });
  });
  subject.optional_peer("rocksdb sync", [map = std::make_shared<RocksdbMap>(true), clients] {
    return swaps(clients, [&] { return map; });
  });
}

}  // namespace theus::bench

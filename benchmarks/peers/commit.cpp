#include "benchmarks/commit/cases.hpp"
#include "benchmarks/contention.hpp"
#include "benchmarks/peers/lmdb_map.hpp"
#include "benchmarks/peers/redis_map.hpp"
#include "benchmarks/peers/rocksdb_map.hpp"

namespace theus::bench {
namespace {

template <class Map>
auto client_of(std::shared_ptr<Map> map) {
  return [map = std::move(map), key = std::string{counter_path}, known = std::uint64_t{0}]() mutable {
    return map->swap(key, known, static_cast<std::int64_t>(known) + 1);
  };
}

template <class Map>
Measure shared_by(unsigned threads, std::shared_ptr<Map> map = std::make_shared<Map>()) {
  return [map = std::move(map), threads] {
    return contest(threads, [&](unsigned) { return client_of(map); }).successes_per_second();
  };
}

}  // namespace

void add_packaged_cas_peers(Case& subject, unsigned threads) {
  subject.optional_peer("lmdb", shared_by<LmdbMap>(threads));
  subject.optional_peer("lmdb writable map", shared_by(threads, std::make_shared<LmdbMap>(true)));
  subject.optional_peer("rocksdb", shared_by<RocksdbMap>(threads));
  subject.optional_peer("redis", [server = std::make_shared<RedisServer>(), threads] {
    return contest(threads, [&](unsigned) { return client_of(std::make_shared<RedisMap>(server->socket())); })
        .successes_per_second();
  });
}

}  // namespace theus::bench

#include "benchmarks/read.hpp"

#include "benchmarks/peers/lmdb_map.hpp"

#include <memory>

namespace theus::bench {
namespace {

std::shared_ptr<LmdbMap> map_with_keys() {
  auto map = std::make_shared<LmdbMap>();
  for (int i = 0; i < keys_of_reads; ++i) {
    std::uint64_t none = 0;
    map->swap(key_of_reads(i), none, i);
  }
  return map;
}

struct Abort {
  void operator()(MDB_txn* transaction) const { mdb_txn_abort(transaction); }
};
using ReadTransaction = std::unique_ptr<MDB_txn, Abort>;

}  // namespace

void add_packaged_read_peers(Case& subject) {
  subject.optional_peer("lmdb", [map = map_with_keys(), key = key_of_reads(7)] {
    const ReadTransaction transaction{map->begin_read()};
    return per_second([&] { keep(map->get(transaction.get(), key).value); });
  });
  subject.optional_peer("lmdb, own transaction", [map = map_with_keys(), key = key_of_reads(7)] {
    const ReadTransaction transaction{map->begin_read()};
    return per_second([&] {
      mdb_txn_reset(transaction.get());
      check_lmdb(mdb_txn_renew(transaction.get()));
      keep(map->get(transaction.get(), key).value);
    });
  });
}

// Resetting and renewing is the cheapest way that LMDB has.
void add_packaged_pin_peers(Case& subject) {
  subject.optional_peer("lmdb", [map = map_with_keys()] {
    const ReadTransaction transaction{map->begin_read()};
    return per_second([&] {
      mdb_txn_reset(transaction.get());
      check_lmdb(mdb_txn_renew(transaction.get()));
    });
  });
}

}  // namespace theus::bench

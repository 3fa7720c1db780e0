#pragma once

#include "benchmarks/peers/temporary_folder.hpp"

#include <rocksdb/utilities/optimistic_transaction_db.h>
#include <rocksdb/utilities/transaction.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>

namespace theus::bench {

/// RocksDB with optimistic transactions, whose log is written, but synced at each commit only if wanted.
class RocksdbMap {
public:
  explicit RocksdbMap(bool syncs = false) {
    write_.sync = syncs;
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::OptimisticTransactionDB* opened = nullptr;
    check(rocksdb::OptimisticTransactionDB::Open(options, folder_.path().string(), &opened));
    database_.reset(opened);
  }

  /// As LmdbMap::swap. A conflict that is found at the commit leaves `expected` as it was.
  bool swap(const std::string& key, std::uint64_t& expected, std::int64_t value) {
    const std::unique_ptr<rocksdb::Transaction> transaction{database_->BeginTransaction(write_)};
    std::string text;
    Entry found;
    const auto read = transaction->GetForUpdate(rocksdb::ReadOptions{}, key, &text);
    if (read.ok())
      std::memcpy(&found, text.data(), sizeof found);
    else if (!read.IsNotFound())
      check(read);
    if (found.version != expected) {
      expected = found.version;
      return false;
    }
    const Entry next{expected + 1, value};
    check(transaction->Put(key, rocksdb::Slice{reinterpret_cast<const char*>(&next), sizeof next}));
    const auto done = transaction->Commit();
    if (done.IsBusy() || done.IsTryAgain())
      return false;
    check(done);
    ++expected;
    return true;
  }

private:
  struct Entry {
    std::uint64_t version = 0;
    std::int64_t value = 0;
  };

  static void check(const rocksdb::Status& status) {
    if (!status.ok())
      throw std::runtime_error("rocksdb: " + status.ToString());
  }

  TemporaryFolder folder_;
  rocksdb::WriteOptions write_;
  std::unique_ptr<rocksdb::OptimisticTransactionDB> database_;
};

}  // namespace theus::bench

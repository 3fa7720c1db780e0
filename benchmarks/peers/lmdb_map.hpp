#pragma once

#include "benchmarks/peers/temporary_folder.hpp"

#include <lmdb.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace theus::bench {

inline void check_lmdb(int code) {
  if (code != MDB_SUCCESS)
    throw std::runtime_error(std::string{"lmdb: "} + mdb_strerror(code));
}

/// An LMDB environment that never syncs, with entries of a version and a number. With a writable map it makes no system
/// call per commit either, and a stray pointer of the program can destroy it.
class LmdbMap {
public:
  struct Entry {
    std::uint64_t version = 0;
    std::int64_t value = 0;
  };

  explicit LmdbMap(bool writable_map = false) {
    check_lmdb(mdb_env_create(&environment_));
    check_lmdb(mdb_env_set_mapsize(environment_, std::size_t{64} << 20));
    const unsigned flags = MDB_NOSYNC | MDB_NOMETASYNC | (writable_map ? MDB_WRITEMAP : 0U);
    check_lmdb(mdb_env_open(environment_, folder_.path().c_str(), flags, 0600));
    MDB_txn* transaction = nullptr;
    check_lmdb(mdb_txn_begin(environment_, nullptr, 0, &transaction));
    check_lmdb(mdb_dbi_open(transaction, nullptr, 0, &table_));
    check_lmdb(mdb_txn_commit(transaction));
  }
  ~LmdbMap() { mdb_env_close(environment_); }
  LmdbMap(const LmdbMap&) = delete;
  LmdbMap& operator=(const LmdbMap&) = delete;

  /// Sets the entry if its version is the expected one, which then becomes the next; else tells the version found.
  bool swap(std::string_view key, std::uint64_t& expected, std::int64_t value) {
    MDB_txn* transaction = nullptr;
    check_lmdb(mdb_txn_begin(environment_, nullptr, 0, &transaction));
    const Entry found = get(transaction, key);
    if (found.version != expected) {
      mdb_txn_abort(transaction);
      expected = found.version;
      return false;
    }
    Entry next{++expected, value};
    MDB_val name = bytes_of(key), data{sizeof next, &next};
    check_lmdb(mdb_put(transaction, table_, &name, &data, 0));
    check_lmdb(mdb_txn_commit(transaction));
    return true;
  }

  /// An absent entry is all zero.
  Entry get(MDB_txn* transaction, std::string_view key) const {
    MDB_val name = bytes_of(key), data{};
    const int code = mdb_get(transaction, table_, &name, &data);
    if (code == MDB_NOTFOUND)
      return {};
    check_lmdb(code);
    Entry entry;
    std::memcpy(&entry, data.mv_data, sizeof entry);
    return entry;
  }

  /// A transaction that only reads; the caller ends it.
  MDB_txn* begin_read() const {
    MDB_txn* transaction = nullptr;
    check_lmdb(mdb_txn_begin(environment_, nullptr, MDB_RDONLY, &transaction));
    return transaction;
  }

private:
  static MDB_val bytes_of(std::string_view key) { return {key.size(), const_cast<char*>(key.data())}; }

  TemporaryFolder folder_;
  MDB_env* environment_ = nullptr;
  MDB_dbi table_ = 0;
};

}  // namespace theus::bench

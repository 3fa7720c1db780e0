#pragma once

#include "benchmarks/harness.hpp"

#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>

namespace theus::bench {

/// What a mutex and a map give by hand for the same call: values of several kinds at some keys, all of them or none,
/// with versions. It keeps no history, no snapshots and no tree, and locks as the commit turn does.
class LockedMap {
public:
  struct Change {
    std::string key;
    std::variant<std::int64_t, double, std::string> value;
  };

  /// Sets the values if no key changed after the expected version, which then becomes the new one; else the newest.
  bool swap(std::uint64_t& expected, std::span<const Change> changes) {
    const std::lock_guard lock{mutex_};
    for (const Change& change : changes)
      if (const auto found = entries_.find(change.key); found != entries_.end() && found->second.version > expected) {
        expected = version_;
        return false;
      }
    expected = ++version_;
    for (const Change& change : changes)
      entries_[change.key] = {version_, change.value};
    return true;
  }

private:
  struct Entry {
    std::uint64_t version = 0;
    std::variant<std::int64_t, double, std::string> value;
  };

  std::mutex mutex_;
  std::uint64_t version_ = 0;                       // guarded by mutex_
  std::unordered_map<std::string, Entry> entries_;  // guarded by mutex_
};

inline constexpr std::string_view counter_path = "domain.count";

// Compare-and-swap of one counter by several threads.
void cas_1_thread(Case& subject);
void cas_8_threads(Case& subject);
/// The peers that need packages of their own: lmdb, rocksdb, redis.
void add_packaged_cas_peers(Case& subject, unsigned threads);

// The state owner's door.
void actor_single(Case& subject);
void actor_batch(Case& subject);

// What the size of the state costs.
void million_keys(Case& subject);

// What others' commits cost: latency, tries, shares.
void thread_latency(Case& subject, double share);
void actor_latency(Case& subject, double share);
void attempts_per_update(Case& subject);
void shares_of_updates(Case& subject);
void disjoint_clients(Case& subject);
void long_transaction(Case& subject);

}  // namespace theus::bench

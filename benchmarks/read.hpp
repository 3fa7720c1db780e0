#pragma once

#include "benchmarks/harness.hpp"

#include <string>

namespace theus::bench {

constexpr int keys_of_reads = 1000;

inline std::string key_of_reads(int number) { return "key" + std::to_string(number); }

// The peers that need packages of their own: lmdb.

/// Reads of one key in a transaction that is open.
void add_packaged_read_peers(Case& subject);
/// Beginnings and ends of transactions that only read.
void add_packaged_pin_peers(Case& subject);

}  // namespace theus::bench

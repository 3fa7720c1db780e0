#pragma once

#include "benchmarks/harness.hpp"

namespace theus::bench {

/// With --peers: a Redis that syncs its append-only file, and a RocksDB that syncs its log, before they answer.
void add_packaged_journal_peers(Case& subject, unsigned clients);

}  // namespace theus::bench

#include "benchmarks/commit/cases.hpp"

int main(int argc, char** argv) {
  using namespace theus::bench;
  Program program{"commit"};
  program.add("cas 1 thread", "swaps/s", cas_1_thread);
  program.add("cas 8 threads", "swaps/s", cas_8_threads);
  program.add("actor single", "commits/s", actor_single);
  program.add("actor batch 100", "swaps/s", actor_batch);
  program.add("1M keys", "ns", million_keys);
  program.add("thread p50 of 8", "ns", [](Case& subject) { thread_latency(subject, 0.5); });
  program.add("thread p99 of 8", "ns", [](Case& subject) { thread_latency(subject, 0.99); });
  program.add("actor p50 of 8", "ns", [](Case& subject) { actor_latency(subject, 0.5); });
  program.add("actor p99 of 8", "ns", [](Case& subject) { actor_latency(subject, 0.99); });
  program.add("attempts per update", "attempts", attempts_per_update);
  program.add("updates max to min", "times", shares_of_updates);
  program.add("64 disjoint clients", "commits/s", disjoint_clients);
  program.add("long transaction", "commits/s", long_transaction);
  return program.run(argc, argv);
}

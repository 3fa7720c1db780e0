#include "benchmarks/read.hpp"

#include "benchmarks/caf_peer.hpp"

#include <theus/engine.hpp>

#include <memory>

namespace {

using namespace theus;
using namespace theus::bench;

constexpr std::uint64_t requests_per_round = 100'000;

std::shared_ptr<Engine> engine_with_keys() {
  auto engine = std::make_shared<Engine>();
  std::vector<Write> writes;
  for (int i = 0; i < keys_of_reads; ++i)
    writes.push_back(Write::set(Path{"domain"}.key(key_of_reads(i)), i));
  engine->compare_and_swap(0, writes).value();
  return engine;
}

void add_request_peer(Case& subject) {
  subject.peer("owner request", [caf = std::make_shared<CafPeer>()] {
    return caf->requests_per_second(read_atom::value, key_of_reads(0), caf_deadline, requests_per_round);
  });
  subject.peer("owner request, no deadline", [caf = std::make_shared<CafPeer>()] {
    return caf->requests_per_second(read_atom::value, key_of_reads(0), caf::infinite, requests_per_round);
  });
}

// A path that is known beforehand, in a snapshot that is held: what a process does for each of its inputs.
void declared_path(Case& subject) {
  subject.ours([engine = engine_with_keys(), path = Path{"domain"}.key(key_of_reads(7))] {
    const Snapshot snapshot = engine->state();
    return per_second([&] { keep(snapshot.get<std::int64_t>(path).value()); });
  });
  add_request_peer(subject);
#ifdef THEUS_BENCHMARK_PEERS
  add_packaged_read_peers(subject);
#endif
}

// Taking the newest state and letting it go.
void snapshot_pin(Case& subject) {
  subject.ours([engine = engine_with_keys()] { return per_second([&] { keep(engine->state().version()); }); });
  add_request_peer(subject);
#ifdef THEUS_BENCHMARK_PEERS
  add_packaged_pin_peers(subject);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  Program program{"read"};
  program.add("declared path", "reads/s", declared_path);
  program.add("snapshot pin", "pins/s", snapshot_pin);
  return program.run(argc, argv);
}

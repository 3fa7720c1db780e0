#include "benchmarks/schema.hpp"

#include <theus/json.hpp>
#include <theus/schema.hpp>

#include <stdexcept>

namespace {

using namespace theus;
using namespace theus::bench;

constexpr double nanoseconds_per_second = 1e9;

void three_fields(Case& subject) {
  const Schema schema = Schema::parse(three_fields_schema).value();
  const Value value = parse_json(three_fields_value).value();
  if (!schema.fits(value) || schema.fits(Value{{"id", 0}}))
    throw std::logic_error{"the schema does not do what is measured"};
  subject.ours([schema, value] { return nanoseconds_per_second / per_second([&] { keep(schema.fits(value)); }); });
#ifdef THEUS_BENCHMARK_PEERS
  add_packaged_schema_peers(subject);
#endif
}

}  // namespace

int main(int argc, char** argv) {
  Program program{"schema"};
  program.add("3 fields", "ns", three_fields);
  return program.run(argc, argv);
}

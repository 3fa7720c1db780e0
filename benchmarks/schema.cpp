#include "benchmarks/schema.hpp"

#include <theus/engine.hpp>
#include <theus/json.hpp>
#include <theus/schema.hpp>

#include <memory>
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

// A commit of such a value, each time another one, to a state that must fit, and to one that need not.
double nanoseconds_per_commit(Engine& engine, const Value& value) {
  Write write = Write::set("domain.order", value);
  return nanoseconds_per_second / per_second([&, id = std::int64_t{0}]() mutable {
           write.value.set("id", ++id);
           keep(engine.compare_and_swap(engine.version(), {&write, 1}).value());
         });
}

void commit(Case& subject) {
  const Value value = parse_json(three_fields_value).value();
  auto guarded = std::make_shared<Engine>();
  guarded->compare_and_swap(0, {{"domain.order", value}}).value();
  guarded->set_schema("domain.order", Schema::parse(three_fields_schema).value()).value();
  if (guarded->compare_and_swap(guarded->version(), {{"domain.order", Value{{"id", 0}}}}))
    throw std::logic_error{"the schema is not in force"};
  subject.ours([guarded, value] { return nanoseconds_per_commit(*guarded, value); });
  subject.peer("no schema",
               [bare = std::make_shared<Engine>(), value] { return nanoseconds_per_commit(*bare, value); });
}

}  // namespace

int main(int argc, char** argv) {
  Program program{"schema"};
  program.add("3 fields", "ns", three_fields);
  program.add("commit of 3 fields", "ns", commit);
  return program.run(argc, argv);
}

// Prints digests and the bytes of a record, for cmake/check_golden.sh: they stand in journals, so every compiler must
// make the same at every level of optimisation.
#include "runtime/commit_record.hpp"
#include "runtime/sha256.hpp"

#include <theus/digest.hpp>

#include <cmath>
#include <cstdio>

namespace {

using theus::Value;

Value sample() {
  Value many = Value::map();
  Value roots = Value::list();
  double sum = 0;
  for (int i = 0; i < 3000; ++i) {
    sum += 0.1;
    many.set("key" + std::to_string(i * 7919 % 10'000), Value::list({i, sum, std::sqrt(i)}));
    roots.push_back(std::sqrt(static_cast<double>(i)) / 3.0);
  }
  roots.splice(100, 700, Value::list({"cut", -0.0, 5e-324}));
  return {{"many", many}, {"roots", roots}, {"text", "naïve"}, {"int", std::int64_t{-1} << 62}, {"null", Value{}}};
}

}  // namespace

int main() {
  const Value value = sample();
  std::printf("value  %s\n", theus::digest(value).text().c_str());
  const std::vector<theus::Write> writes{{"domain.sample", value}, theus::Write::max("domain['a b'].c", 2.5)};
  const std::vector<theus::Signal> signals{{"tick", {{"n", 1}}}};
  const theus::Cause cause{.kind = theus::Cause::Kind::process,
                           .name = "sell",
                           .number = 12,
                           .attempt = 2,
                           .time = std::chrono::system_clock::time_point{std::chrono::seconds{1'700'000'000}},
                           .contract = 0x0123456789abcdefULL,
                           .arguments = {{"customer", "Ada"}}};
  std::vector<std::byte> record;
  theus::append_record(record, {.base = 41, .writes = writes, .signals = signals}, cause);
  theus::Sha256 sha;
  sha.add(record);
  std::printf("record %s\n", sha.finish().text().c_str());
}

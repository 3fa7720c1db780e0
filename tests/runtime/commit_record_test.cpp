#include "runtime/commit_record.hpp"
#include "runtime/cbor.hpp"
#include "tests/support/generators.hpp"
#include "tests/support/property.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

std::vector<std::byte> record_of(const ProposalView& proposal, const Cause& cause = {}) {
  std::vector<std::byte> bytes;
  append_record(bytes, proposal, cause);
  return bytes;
}

const std::vector<Write> writes_of_all_kinds{
    Write::set("domain.a", {{"x", 1}}),    Write::erase("domain['odd key']"),
    Write::append("log_history", "entry"), Write::splice("domain.list", 1, 2, Value::list({1.5, nullptr})),
    Write::increment("domain.count", -3),  Write::max("domain.high", 2.5),
    Write::insert("domain.set", "member")};

TEST_CASE("a record tells effects and cause of its commit", "[commit_record]") {
  const std::vector<Signal> signals{{"done", {{"ok", true}}}, {"empty", {}}};
  const Request request{"id-1", 0xfedcba9876543210ULL, "answer"};
  const Cause cause{.kind = Cause::Kind::process,
                    .name = "pay",
                    .number = 7,
                    .attempt = 2,
                    .time = std::chrono::system_clock::time_point{std::chrono::nanoseconds{1'700'000'000'123'456'789}},
                    .contract = 0xffffffffffffffffULL,
                    .arguments = {{"amount", 3}}};
  PathCache paths;
  const auto record = read_record(
      record_of({.base = 41, .writes = writes_of_all_kinds, .signals = signals, .request = &request}, cause), paths);

  REQUIRE(record);
  CHECK(record->base == 41);
  CHECK(record->cause == cause);
  REQUIRE(record->writes.size() == writes_of_all_kinds.size());
  for (std::size_t i = 0; i < writes_of_all_kinds.size(); ++i) {
    CHECK(record->writes[i].kind == writes_of_all_kinds[i].kind);
    CHECK(record->writes[i].path == writes_of_all_kinds[i].path);
    CHECK(record->writes[i].value == writes_of_all_kinds[i].value);
    CHECK(record->writes[i].position == writes_of_all_kinds[i].position);
    CHECK(record->writes[i].removed == writes_of_all_kinds[i].removed);
  }
  REQUIRE(record->signals.size() == 2);
  CHECK(record->signals[0].payload == Value{{"ok", true}});
  REQUIRE(record->request);
  CHECK(record->request->id == "id-1");
  CHECK(record->request->fingerprint == request.fingerprint);
  CHECK(record->request->value == Value{"answer"});
}

TEST_CASE("a record tells of which joined process its commit is", "[commit_record]") {
  PathCache paths;
  const auto record = read_record(record_of({.writes = writes_of_all_kinds}, {.name = "x", .origin = 3}), paths);
  REQUIRE(record);
  CHECK(record->cause.origin == 3);
  CHECK(text_of(record->cause) == "external 'x' of the joined process 3");
  // That of the owner itself stands as it did before there were others.
  CHECK((*from_cbor(record_of({.writes = writes_of_all_kinds})))[1].size() == 7);
}

TEST_CASE("a record is canonical CBOR that any reader of CBOR can read", "[commit_record]") {
  const auto value = from_cbor(record_of({.base = 4, .writes = writes_of_all_kinds}));
  REQUIRE(value);
  CHECK((*value)[0] == Value{4});
  CHECK((*value)[2].size() == writes_of_all_kinds.size());
  CHECK((*value)[4].is_null());
}

TEST_CASE("what is written below the meta zone is not kept", "[commit_record]") {
  const std::vector<Write> writes{Write::set("meta.progress", 1), Write::set("domain.meta_note", 2),
                                  Write::set("domain.a", 3), Write::set("log_a.meta_b", 4)};
  PathCache paths;
  const auto record = read_record(record_of({.writes = writes}), paths);
  REQUIRE(record);
  REQUIRE(record->writes.size() == 2);
  CHECK(record->writes[0].path.text() == "domain.a");
  CHECK(record->writes[1].path.text() == "log_a.meta_b");
}

TEST_CASE("a record that was cut or changed anywhere is refused or differs, and never crashes its reader [F27][F28]",
          "[commit_record][F27][F28]") {
  const std::vector<Signal> signals{{"done", 1}};
  const Request request{"id", 5, {}};
  const auto bytes = record_of({.base = 300, .writes = writes_of_all_kinds, .signals = signals, .request = &request},
                               {.kind = Cause::Kind::agent, .name = "a", .arguments = {{"k", "v"}}});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    PathCache paths;
    const auto cut = read_record(std::span{bytes}.first(size), paths);
    REQUIRE_FALSE(cut);
    CHECK(cut.error().code() == Errc::journal_corrupt);
  }
  for (std::size_t at = 0; at < bytes.size(); ++at)
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = bytes;
      changed[at] ^= static_cast<std::byte>(1 << bit);
      PathCache paths;
      if (const auto record = read_record(changed, paths)) {
        const ProposalView again{.base = record->base,
                                 .writes = record->writes,
                                 .signals = record->signals,
                                 .request = record->request ? &*record->request : nullptr};
        CHECK(record_of(again, record->cause) != bytes);
      }
    }
}

TEST_CASE("a list that announces more than there are bytes costs no memory [F28]", "[commit_record][F28]") {
  std::vector<std::byte> bytes;
  for (const int byte : {0x85, 0x00, 0x9b, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff})
    bytes.push_back(static_cast<std::byte>(byte));
  PathCache paths;
  CHECK(read_record(bytes, paths).error().code() == Errc::journal_corrupt);
}

}  // namespace
}  // namespace theus

#include "runtime/commit_turn.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

Outcome append(CommitTurn& turn, const std::string& id, const Value& item) {
  const std::vector<Write> writes{Write::append("domain.list", item)};
  const Request request{id, fingerprint_of(0, writes)};
  return turn.commit({.writes = writes, .request = &request});
}

std::size_t length(const CommitTurn& turn) { return turn.snapshot().find("domain.list").value_or(Value{}).size(); }

TEST_CASE("a request that comes again commits nothing and gets its first version [F88]", "[request_log][F88]") {
  CommitTurn turn;
  CHECK(append(turn, "a", 1).value() == 1);
  CHECK(append(turn, "b", 2).value() == 2);
  CHECK(append(turn, "a", 1).value() == 1);
  CHECK(length(turn) == 2);
  CHECK(turn.version() == 2);
}

TEST_CASE("a request id that comes with other contents is refused", "[request_log][F88]") {
  CommitTurn turn;
  append(turn, "a", 1).value();
  const Outcome refused = append(turn, "a", 2);
  CHECK(refused.error().code() == Errc::bad_argument);
  CHECK(length(turn) == 1);
}

TEST_CASE("a request that was refused may be tried again under its id", "[request_log][F88]") {
  CommitTurn turn;
  const std::vector<Write> text{Write::set("domain.list", "no list")};
  turn.commit({.writes = text}).value();
  CHECK_FALSE(append(turn, "a", 1).ok());
  const std::vector<Write> gone{Write::erase("domain.list")};
  turn.commit({.base = 1, .writes = gone}).value();
  CHECK(append(turn, "a", 1).value() == 3);
}

TEST_CASE("requests are remembered up to the retention window", "[request_log][F88]") {
  CommitTurn turn{nullptr, system_clock(), {.requests_kept_max = 2}};
  append(turn, "a", 1).value();
  append(turn, "b", 2).value();
  append(turn, "c", 3).value();
  CHECK(append(turn, "b", 2).value() == 2);
  CHECK(append(turn, "c", 3).value() == 3);
  CHECK(append(turn, "a", 1).value() == 4);  // forgotten, so it counts as new
  CHECK(length(turn) == 4);
}

TEST_CASE("a request that changes nothing is remembered too", "[request_log][F88]") {
  CommitTurn turn;
  const Request request{"a", 1};
  CHECK(turn.commit({.request = &request}).value() == 0);
  const std::vector<Write> writes{Write::set("domain.x", 1)};
  turn.commit({.writes = writes}).value();
  CHECK(turn.commit({.request = &request}).value() == 0);
}

TEST_CASE("a request id has a bound", "[request_log]") {
  CommitTurn turn;
  CHECK(append(turn, std::string(255, 'x'), 1).ok());
  CHECK(append(turn, std::string(256, 'x'), 1).error().code() == Errc::bad_argument);
}

}  // namespace
}  // namespace theus

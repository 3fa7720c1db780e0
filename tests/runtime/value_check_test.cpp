#include "runtime/commit_turn.hpp"

#include <catch2/catch.hpp>

#include <limits>

namespace theus {
namespace {

Error refused(CommitTurn& turn, const Write& write) {
  const Version before = turn.version();
  const Outcome outcome = turn.commit({.base = before, .writes = {&write, 1}});
  CHECK(turn.version() == before);
  return outcome ? Error{Errc::internal, "it was committed", ""} : outcome.error();
}

TEST_CASE("no commit takes a number that is not finite, wherever it stands [F67]", "[commit][F67]") {
  CommitTurn turn;
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const Write& write :
       {Write::set("domain.x", nan), Write::set("domain.x", -infinity), Write::append("domain.l", nan),
        Write::increment("domain.n", infinity), Write::max("domain.n", nan),
        Write::insert("domain.l", Value::list({1, nan})), Write::splice("domain.l", 0, 0, Value::list({infinity}))})
    CHECK(refused(turn, write).code() == Errc::bad_argument);
  const Error deep = refused(turn, Write::set("domain.x", Value{{"rows", Value::list({0.5, nan})}}));
  CHECK(deep.where() == "domain.x");
  CHECK(deep.cause().find("rows[1]") != std::string::npos);
}

TEST_CASE("a sum that leaves the finite numbers is refused [F67]", "[commit][F67]") {
  CommitTurn turn;
  const double largest = std::numeric_limits<double>::max();
  const Write first = Write::set("domain.x", largest);
  turn.commit({.writes = {&first, 1}}).value();
  CHECK(refused(turn, Write::increment("domain.x", largest)).code() == Errc::bad_argument);
}

TEST_CASE("no commit takes a value that is too deep or too large [F74]", "[commit][F74]") {
  CommitTurn turn;
  Value deep = 1;
  for (int i = 0; i < 65; ++i)
    deep = Value::list({deep});
  CHECK(refused(turn, Write::set("domain.x", deep)).code() == Errc::too_deep);
  CHECK(refused(turn, Write::set("domain.x", std::string(std::size_t{64} << 20, 'x'))).code() == Errc::too_large);
  CHECK(refused(turn, Write::set("domain.x", "\xff")).code() == Errc::bad_argument);
}

TEST_CASE("in a batch only the proposal with the bad value is refused [F74]", "[commit][F74]") {
  CommitTurn turn;
  const Write bad = Write::set("domain.x", std::numeric_limits<double>::quiet_NaN());
  const Write good = Write::set("domain.y", 1);
  const std::vector<ProposalView> proposals{{.writes = {&bad, 1}}, {.writes = {&good, 1}}};
  std::vector<std::optional<Outcome>> outcomes(2);
  turn.commit(proposals, outcomes);
  CHECK_FALSE(outcomes[0]->ok());
  CHECK(outcomes[1]->value() == 1);
}

}  // namespace
}  // namespace theus

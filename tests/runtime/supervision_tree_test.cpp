#include "runtime/supervision_tree.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using namespace std::chrono_literals;
using Kind = SupervisionTree::Verdict::Kind;

constexpr SupervisionTree::Time start{};
constexpr SupervisionTree::Terms twice{2, 60s};

TEST_CASE("an agent without a group is stopped when it fails more often than its terms allow", "[supervision]") {
  SupervisionTree tree;
  CHECK(tree.failed(1, twice, "", start).kind == Kind::restart_agent);
  CHECK(tree.failed(1, twice, "", start).kind == Kind::restart_agent);
  CHECK(tree.failed(2, twice, "", start).kind == Kind::restart_agent);
  CHECK(tree.failed(1, twice, "", start).kind == Kind::stop_agent);
}

TEST_CASE("failures count only within their span", "[supervision]") {
  SupervisionTree tree;
  for (int i = 0; i < 20; ++i)
    CHECK(tree.failed(1, twice, "", start + 31s * i).kind == Kind::restart_agent);
}

TEST_CASE("what is too much in one place is one failure of the place above", "[supervision]") {
  SupervisionTree tree;
  tree.set_terms("a.b", {1, 60s});
  tree.set_terms("a", {1, 60s});
  const SupervisionTree::Terms never{0, 60s};
  const auto first = tree.failed(1, never, "a.b", start);
  CHECK((first.kind == Kind::restart_group && first.group == "a.b"));
  const auto second = tree.failed(2, never, "a.b", start);
  CHECK((second.kind == Kind::restart_group && second.group == "a"));
  const auto third = tree.failed(3, never, "a.b", start);
  CHECK((third.kind == Kind::stop_group && third.group == "a"));
  // The group starts anew, on its terms.
  CHECK(tree.failed(4, never, "a", start).kind == Kind::restart_group);
  CHECK(tree.failed(5, never, "a", start).kind == Kind::stop_group);
}

TEST_CASE("groups include those below them by whole names", "[supervision]") {
  CHECK(SupervisionTree::includes("a", "a"));
  CHECK(SupervisionTree::includes("a", "a.b"));
  CHECK_FALSE(SupervisionTree::includes("a", "ab"));
  CHECK_FALSE(SupervisionTree::includes("a.b", "a"));
}

}  // namespace
}  // namespace theus

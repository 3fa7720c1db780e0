#include "tests/layout/source.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include <catch2/catch.hpp>

namespace theus::testing {
namespace {

bool is_fault_id(std::string_view text) {
  return text.size() >= 3 && text.size() <= 4 && text[0] == 'F' &&
         std::ranges::all_of(text.substr(1), [](unsigned char c) { return std::isdigit(c) != 0; });
}

// All ids that stand between `open` and `close` in the text.
std::set<std::string> ids_between(std::string_view text, std::string_view open, char close) {
  std::set<std::string> ids;
  for (std::size_t at = text.find(open); at != std::string_view::npos; at = text.find(open, at + 1)) {
    const std::size_t from = at + open.size();
    const std::string_view id = text.substr(from, std::min(text.find(close, from), text.size()) - from);
    if (is_fault_id(id))
      ids.emplace(id);
  }
  return ids;
}

}  // namespace

TEST_CASE("every fault that a test names stands in the fault table", "[faults]") {
  std::set<std::string> rows;
  std::map<std::string, std::string> named;
  for (const Source& source : project_sources()) {
    if (source.path == "tests/faults.yaml")
      rows = ids_between(source.text, "- {id: ", ',');
    else if (source.in("tests/") && source.path.ends_with("_test.cpp"))
      for (const std::string& id : ids_between(source.text, "[", ']'))
        named.emplace(id, source.path);
  }
  REQUIRE(rows.size() > 90);

  std::string covered;
  for (const auto& [id, path] : named) {
    INFO(path << " names " << id);
    CHECK(rows.contains(id));
    covered += " " + id;
  }
  WARN(named.size() << " of " << rows.size() << " fault rows have a test:" << covered);
}

}  // namespace theus::testing

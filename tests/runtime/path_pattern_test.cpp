#include "runtime/path_pattern.hpp"

#include <catch2/catch.hpp>

#include <random>

namespace theus {
namespace {

PathPattern pattern(std::string_view text) { return PathPattern::parse(text).value(); }
bool grants(std::string_view text, const Path& path) { return pattern(text).grants(path); }
bool leads_below(std::string_view text, const Path& path) { return pattern(text).leads_below(path); }

TEST_CASE("a pattern without wildcards grants its path and everything below it", "[path_pattern]") {
  CHECK(grants("domain.user", "domain.user"));
  CHECK(grants("domain.user", "domain.user.name"));
  CHECK(grants("domain.user", "domain.user[3].name"));
  CHECK_FALSE(grants("domain.user", "domain"));
  CHECK_FALSE(grants("domain.user", "domain.username"));
  CHECK_FALSE(grants("domain.user", "other.user"));
}

TEST_CASE("a star stands for exactly one segment, key or index", "[path_pattern]") {
  CHECK(grants("domain.*.name", "domain.alice.name"));
  CHECK(grants("domain.*.name", "domain.alice.name.first"));
  CHECK(grants("domain.list.*", "domain.list[2]"));
  CHECK_FALSE(grants("domain.*.name", "domain.name"));
  CHECK_FALSE(grants("domain.*.name", "domain.a.b.name"));
  CHECK_FALSE(grants("domain.*.name", "domain.alice"));
  CHECK_FALSE(grants("domain.*.name", "domain.alice.email"));
}

TEST_CASE("two stars stand for any number of segments, none included", "[path_pattern]") {
  CHECK(grants("domain.**.name", "domain.name"));
  CHECK(grants("domain.**.name", "domain.a.b.c.name"));
  CHECK(grants("domain.**.name", "domain.a.name.b"));
  CHECK(grants("domain.**", "domain"));
  CHECK(grants("**", "anything.at.all"));
  CHECK(grants("**", ""));
  CHECK_FALSE(grants("domain.**.name", "domain"));
  CHECK_FALSE(grants("domain.**.name", "domain.a.email"));
  CHECK_FALSE(grants("domain.**.name", "other.name"));
}

TEST_CASE("a star within a longer key is an ordinary character", "[path_pattern]") {
  CHECK_FALSE(pattern("domain.a*").has_wildcards());
  CHECK(grants("domain.a*", "domain.a*"));
  CHECK_FALSE(grants("domain.a*", "domain.ab"));
}

TEST_CASE("a pattern leads below the ancestors of what it may match", "[path_pattern]") {
  CHECK(leads_below("domain.user.name", ""));
  CHECK(leads_below("domain.user.name", "domain"));
  CHECK(leads_below("domain.user.name", "domain.user"));
  CHECK_FALSE(leads_below("domain.user.name", "domain.user.name"));
  CHECK_FALSE(leads_below("domain.user.name", "domain.order"));
  CHECK(leads_below("domain.*.name", "domain.anyone"));
  CHECK_FALSE(leads_below("domain.*.name", "domain.anyone.email"));
  CHECK(leads_below("domain.**.name", "domain.a.b.c"));
  CHECK_FALSE(leads_below("domain.**.name", "other"));
}

TEST_CASE("a declared path that is empty or malformed is refused", "[path_pattern]") {
  CHECK(PathPattern::parse("").error().code() == Errc::bad_argument);
  CHECK(PathPattern::parse("domain..x").error().code() == Errc::bad_argument);
}

// The definition of a match, by trying every split: slow, and plainly right.
bool matches_prefix(std::span<const Segment> pattern, std::span<const Segment> path) {
  if (pattern.empty())
    return true;
  if (pattern.front().key == "**") {
    for (std::size_t skipped = 0; skipped <= path.size(); ++skipped)
      if (matches_prefix(pattern.subspan(1), path.subspan(skipped)))
        return true;
    return false;
  }
  return !path.empty() && (pattern.front().key == "*" || pattern.front().key == path.front().key) &&
         matches_prefix(pattern.subspan(1), path.subspan(1));
}

Path random_path(std::mt19937& random, std::vector<std::string> keys, std::size_t segments_max) {
  Path path;
  for (auto left = 1 + random() % segments_max; left > 0; --left)
    path = path.key(keys[random() % keys.size()]);
  return path;
}

TEST_CASE("the matcher agrees with trying every split of the path", "[path_pattern]") {
  std::mt19937 random{7};
  for (int i = 0; i < 20'000; ++i) {
    const Path wild = random_path(random, {"a", "b", "*", "**"}, 5);
    const Path path = random_path(random, {"a", "b", "c"}, 6);
    INFO(wild.text() << " on " << path.text());
    REQUIRE(grants(wild.text(), path) == matches_prefix(wild.segments(), path.segments()));
  }
}

TEST_CASE("a pattern leads below a path exactly when it grants some path strictly below it", "[path_pattern]") {
  std::mt19937 random{8};
  const std::vector<std::string> keys{"a", "b"};
  for (int i = 0; i < 2'000; ++i) {
    const Path wild = random_path(random, {"a", "b", "*", "**"}, 4);
    const Path path = random_path(random, keys, 3);
    bool grants_below = false;
    for (unsigned below = 2; below < 64 && !grants_below; ++below) {
      Path longer = path;
      for (unsigned bits = below; bits > 1; bits /= 2)
        longer = longer.key(keys[bits % 2]);
      grants_below = grants(wild.text(), longer);
    }
    INFO(wild.text() << " on " << path.text());
    const bool reaches = grants(wild.text(), path) || leads_below(wild.text(), path);
    REQUIRE(reaches == grants_below);
  }
}

TEST_CASE("a pattern of many stars is decided at once", "[path_pattern]") {
  std::string wild = "a";
  Path path{"a"};
  for (int i = 0; i < 30; ++i) {
    wild += ".**.b";
    path = path.key("b").key("c");
  }
  CHECK(grants(wild, path));
  CHECK_FALSE(grants(wild + ".x", path));
}

TEST_CASE("a name pattern takes any characters for a star and one for a question mark", "[path_pattern]") {
  CHECK(matches_name("sensor.*", "sensor.kitchen.temperature"));
  CHECK(matches_name("*", ""));
  CHECK(matches_name("a?c", "abc"));
  CHECK(matches_name("*a*b", "xxaxxb"));
  CHECK_FALSE(matches_name("a?c", "ac"));
  CHECK_FALSE(matches_name("sensor.*", "sensors"));
  CHECK_FALSE(matches_name("", "a"));
}

}  // namespace
}  // namespace theus

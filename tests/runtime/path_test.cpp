#include <theus/path.hpp>

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

namespace theus {
namespace {

TEST_CASE("spellings of one path are the same path", "[path]") {
  CHECK(Path{"domain.a.b"} == Path{"domain['a']['b']"});
  CHECK(Path{"domain.a.b"} == Path{R"(domain["a"].b)"});
  CHECK(Path{"domain['a.b']"}.text() == "domain['a.b']");
  CHECK(Path{"domain['it\\'s']"}.segments()[1].key == "it's");
  CHECK(Path{"domain.list[12].x"}.segments()[2].index == 12);
}

TEST_CASE("a malformed path is refused with its cause", "[path]") {
  for (const char* text : {".a", "a.", "a..b", "a[", "a[]", "a[-1]", "a[01]", "a['b", "a['']", "a]b", "a[1]b", "a.b'c",
                           "a\x01", "a.\xff", "a[99999999999999999999]"})
    CHECK(Path::parse(text).error().code() == Errc::bad_argument);
  CHECK(Path::parse(std::string(5000, 'a')).error().code() == Errc::too_large);
  CHECK(Path::parse(std::string(256, 'a')).error().code() == Errc::bad_argument);
  std::string deep = "a";
  for (int i = 0; i < 64; ++i)
    deep += ".a";
  CHECK(Path::parse(deep).error().code() == Errc::too_deep);
  CHECK_THROWS_AS(Path{"a..b"}, LogicError);
}

TEST_CASE("the leftmost prefix names the zone of a path", "[path]") {
  CHECK(Path{"domain.count"}.zone() == Zone::data);
  CHECK(Path{"domain.heavy_embeddings"}.zone() == Zone::heavy);
  CHECK(Path{"domain.log_history.meta_x"}.zone() == Zone::log);
  CHECK(Path{"signal.cmd_stop"}.zone() == Zone::signal);
  CHECK(Path{"const_max_retries"}.zone() == Zone::constant);
  CHECK(Path{"domain.internal_data.x"}.zone() == Zone::internal);
  CHECK(Path{"domain.login"}.zone() == Zone::data);
  CHECK(Path{"domain.signals"}.zone() == Zone::data);
}

TEST_CASE("a path covers itself and what stands below it", "[path]") {
  CHECK(Path{"domain.a"}.covers("domain.a.b[2]"));
  CHECK(Path{"domain.a"}.covers("domain.a"));
  CHECK_FALSE(Path{"domain.a"}.covers("domain.ab"));
  CHECK_FALSE(Path{"domain.a[1]"}.covers("domain.a"));
  CHECK(Path{}.covers("domain"));
}

}  // namespace
}  // namespace theus

#include "tests/support/folder.hpp"

#include <theus/engine.hpp>

#include <catch2/catch.hpp>

#include <thread>

namespace theus {
namespace {

bool comes_true(const auto& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (!condition() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  return condition();
}

}  // namespace

TEST_CASE("a joined engine tells the owner's schema, and the next one", "[join]") {
  const testing::Folder folder;
  Engine owner{
      {.threads = 1, .initial = {Write::set("domain.count", 0)}, .attach = {.folder = folder.path() / ".theus"}}};
  const auto integer = Schema::parse(R"({"type": "integer"})").value();
  owner.set_schema("domain.count", integer).value();
  Engine joined = Engine::from_handle(owner.context_handle().value(), {.threads = 1}).value();
  CHECK(joined.schema().document() == owner.schema().document());
  CHECK(joined.schema().check("domain.count", "seven").error().code() == Errc::schema_violation);
  // This one makes no commit.
  owner.set_schema("domain.other", integer).value();
  CHECK(comes_true([&] { return joined.schema().schemas().contains("domain.other"); }));
  StateSchema next{1};
  next.at("domain.count", integer).rule("positive", Expression::compile("domain.count >= 0").value());
  const Version version = owner.set_schema(next).value();
  REQUIRE(comes_true([&] { return joined.version() >= version; }));
  CHECK(joined.schema().document() == next.document());
  CHECK(joined.set_schema(StateSchema{}).error().code() == Errc::unsupported);
}

}  // namespace theus

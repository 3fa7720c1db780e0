#include "tests/support/folder.hpp"

#include <theus/attach.hpp>
#include <theus/engine.hpp>
#include <theus/replay.hpp>

#include <catch2/catch.hpp>

namespace theus {
namespace {

TEST_CASE("a journal tells through which door a caller came", "[replay]") {
  const testing::Folder folder;
  const auto path = folder.path() / "run.journal";
  {
    Engine engine{{.journal = {.path = path, .level = Durability::os}, .attach = {folder.path() / ".theus"}}};
    engine.compare_and_swap(0, {{"domain.count", 1}}).value();
    engine.transaction([](Transaction& transaction) { return transaction.set("domain.count", 2); }).value();
    for (const int value : {3, 4}) {
      Transaction edit = engine.edit("the count was wrong").value();
      edit.set("domain.count", value).value();
      edit.commit().value();
    }
    engine.set_schema("domain.count", Schema::parse("{type: integer}").value()).value();
    AttachedEngine client = AttachedEngine::attach(engine.attach_handle().value()).value();
    client.set("domain.count", 5).value();
    client.set("domain.count", 6, {.expected = engine.version()}).value();
    client.set("domain.count", 7, {.reason = "it was wrong again"}).value();
  }
  auto causes = replay(path).value().causes;
  causes.erase("migration");  // a schema that changes nothing leaves no record
  CHECK(causes == std::map<std::string, std::uint64_t>{{"swap", 1}, {"transaction", 1}, {"edit", 2}, {"attached", 3}});
}

}  // namespace
}  // namespace theus

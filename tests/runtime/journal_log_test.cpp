// The write-ahead log of a journal: made beforehand, and moved before it grows.

#include "runtime/store/journal_tables.hpp"
#include "tests/support/folder.hpp"
#include "tests/support/journalled_turn.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using testing::Folder;
using testing::JournalledTurn;

JournalOptions in(const Folder& folder) { return {.path = folder.path() / "state.journal"}; }

TEST_CASE("commits overwrite room that the log has from the beginning, and never make it grow", "[journal]") {
  const Folder folder;
  const auto log = store::JournalFiles::log_of(in(folder).path);
  constexpr store::LogPages pages{.wanted = 30, .most = 60};
  std::uintmax_t reserved = 0;
  for (int program = 0; program < 2; ++program) {
    JournalledTurn turn{in(folder), pages};
    const auto room = std::filesystem::file_size(log);
    CHECK(room >= store::log_bytes(60, store::page_bytes));
    for (int i = 1; i <= 200; ++i)
      turn.commit({{"domain.count", i}}).value();
    CHECK(std::filesystem::file_size(log) < room + (16U << 10));  // a commit is whole when it goes over the bound
    CHECK((reserved == 0 || room < reserved + (16U << 10)));
    reserved = room;
  }
  CHECK(JournalledTurn{in(folder), pages}.found().version == 400);
}

}  // namespace
}  // namespace theus

#include "tests/support/folder.hpp"
#include "tests/support/journalled_turn.hpp"

#include <theus/errors.hpp>

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <fstream>
#include <random>
#include <thread>

namespace theus {
namespace {

using testing::Folder;
using testing::JournalledTurn;

JournalOptions in(const Folder& folder) { return {.path = folder.path() / "state.journal"}; }

std::string bytes_of(const std::filesystem::path& path) {
  std::ifstream file{path, std::ios::binary};
  return {std::istreambuf_iterator<char>{file}, {}};
}

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream{path, std::ios::binary | std::ios::trunc} << bytes;
}

/// Why the journal cannot be opened, or is no longer what it was.
Error refusal(const JournalOptions& options) {
  try {
    const JournalledTurn opened{options};
    return Error{Errc::internal, "the journal", "it was opened, at version " + std::to_string(opened.found().version)};
  } catch (const TheusError& error) {
    return error.error();
  }
}

TEST_CASE("an engine goes on with the state that its journal has", "[journal]") {
  const Folder folder;
  Digest digest;
  {
    JournalledTurn first{in(folder)};
    CHECK(first.found().version == 0);
    first.commit({{"domain.count", 1}, {"domain.list", Value::list({1, 2})}}).value();
    first.commit({Write::increment("domain.count", 41), Write::append("domain.list", 3)}).value();
    first.commit({Write::set("domain.gone", true)}).value();
    first.commit({Write::erase("domain.gone")}).value();
    digest = first.digest();
    CHECK(first.end());
  }
  JournalledTurn second{in(folder)};
  CHECK(second.found().version == 4);
  CHECK(second.found().commits == 4);
  CHECK(second.found().pages_cut == 0);
  CHECK(second.turn().version() == 4);
  CHECK(second.at("domain.count") == Value{42});
  CHECK(second.at("domain.list") == Value::list({1, 2, 3}));
  CHECK(second.at("domain.gone").is_null());
  CHECK(second.digest() == digest);
  CHECK(second.warnings().empty());
  CHECK(second.commit({{"domain.count", 0}}).value() == 5);
}

TEST_CASE("a journal that was not closed has everything that was acknowledged [F06]", "[journal][F06]") {
  const Folder folder;
  const Folder copy;
  JournalledTurn turn{in(folder)};
  for (int i = 1; i <= 100; ++i)
    turn.commit({{"domain.count", i}}).value();
  for (const auto& file : std::filesystem::directory_iterator{folder.path()})
    std::filesystem::copy_file(file, copy.path() / file.path().filename());
  const JournalledTurn again{in(copy)};
  CHECK(again.found().version == 100);
  CHECK(again.at("domain.count") == Value{100});
}

TEST_CASE("requests are remembered by the journal [F88]", "[journal][F88]") {
  const Folder folder;
  const std::vector<Write> writes{Write::increment("domain.count", 1)};
  const Request request{"pay-1", 5, {{"receipt", 9}}};
  const auto send = [&](JournalledTurn& turn) {
    return turn.turn().commit(ProposalView{.writes = writes, .request = &request}).value();
  };
  {
    JournalledTurn first{in(folder)};
    first.commit({{"domain.other", 1}}).value();
    CHECK(send(first) == 2);
  }
  JournalledTurn second{in(folder)};
  CHECK(second.found().requests == 1);
  CHECK(send(second) == 2);
  CHECK(second.turn().request_outcome(request).value()->value == request.value);
  CHECK(second.at("domain.count") == Value{1});
}

TEST_CASE("a journal begins from its newest checkpoint", "[journal]") {
  const Folder folder;
  JournalOptions options = in(folder);
  options.checkpoint_interval = 50;
  Digest digest;
  const Request request{"early", 1};
  {
    JournalledTurn first{options};
    const std::vector<Write> writes{{"domain.first", 1}, {"domain.empty", Value::map()}, {"internal_x.secret", 2}};
    const Standing standing{.is_starting = true};
    first.turn().commit(ProposalView{.writes = writes, .standing = &standing, .request = &request}).value();
    for (int i = 1; i <= 400; ++i)
      first.commit({{Path{"domain.items.k" + std::to_string(i % 97)}, i}, {"meta.progress", i}}).value();
    digest = first.digest();
    CHECK(first.end());
  }
  JournalledTurn second{options};
  CHECK(second.found().version == 401);
  CHECK(second.found().checkpoint >= 50);
  CHECK(second.found().commits < 400);
  CHECK(second.digest() == digest);
  CHECK(second.at("domain.empty") == Value::map());
  CHECK(second.turn().request_outcome(request).value());
}

TEST_CASE("a damaged checkpoint is passed over for an older one [F26]", "[journal][F26]") {
  const Folder folder;
  JournalOptions options = in(folder);
  options.checkpoint_interval = 50;
  Digest digest;
  {
    JournalledTurn first{options};
    for (int i = 1; i <= 400; ++i)
      first.commit({{Path{"domain.items.k" + std::to_string(i % 97)}, i}}).value();
    digest = first.digest();
    CHECK(first.end());
  }
  {
    auto database = store::Database::open(options.path.string(), {}).value();
    CHECK(
        database.run("UPDATE parts SET value = x'01' WHERE checkpoint = (SELECT max(version) FROM checkpoints) "
                     "AND part = 7"));
    CHECK(database.move_log());
  }
  JournalledTurn second{options};
  CHECK(second.found().checkpoints_refused == 1);
  CHECK(second.digest() == digest);
  CHECK(second.warnings().size() == 1);
}

TEST_CASE("history is dropped as far as it is not wanted, and the rest stays sound [F35]", "[journal][F35]") {
  const Folder folder;
  JournalOptions options = in(folder);
  options.checkpoint_interval = 50;
  options.history_min = 100;
  for (int run = 0; run < 3; ++run) {
    JournalledTurn turn{options};
    for (int i = 1; i <= 300; ++i)
      turn.commit({{Path{"domain.items.k" + std::to_string(i % 97)}, i + run}}).value();
    CHECK(turn.end());
  }
  auto database = store::Database::open(options.path.string(), {}).value();
  const auto kept = database.number("SELECT count(*) FROM commits").value();
  CHECK(kept >= 100);
  CHECK(kept < 500);
  const JournalledTurn last{options};
  CHECK(last.found().version == 900);
}

TEST_CASE("one engine at a time uses a journal [F12]", "[journal][F12]") {
  const Folder folder;
  const JournalledTurn first{in(folder)};
  const Error refused = refusal(in(folder));
  CHECK(refused.code() == Errc::journal_in_use);
  CHECK(*refused.field("pid") == Value{::getpid()});
}

TEST_CASE("what is not our own regular file is refused as a journal [F31]", "[journal][F31]") {
  const Folder folder;
  const auto path = in(folder).path;
  SECTION("a symbolic link") {
    write(folder.path() / "elsewhere", "");
    std::filesystem::create_symlink(folder.path() / "elsewhere", path);
  }
  SECTION("a link to a file with another name") {
    write(folder.path() / "elsewhere", "");
    std::filesystem::create_hard_link(folder.path() / "elsewhere", path);
  }
  SECTION("a directory") { std::filesystem::create_directory(path); }
  SECTION("a FIFO") { REQUIRE(::mkfifo(path.c_str(), 0600) == 0); }
  SECTION("a device") { REQUIRE(::mknod(path.c_str(), S_IFCHR | 0600, 0x103) == 0); }
  const Error refused = refusal(in(folder));
  CHECK(refused.code() == Errc::journal_failed);
  CHECK(refused.where() == path.string());
}

TEST_CASE("what another program made is refused as a journal, and left as it is [F30][F31]", "[journal][F30][F31]") {
  const Folder folder;
  const auto path = in(folder).path;
  const auto make = [&](const char* sql) {
    write(path, "");
    auto database = store::Database::open(path.string(), {}).value();
    REQUIRE(database.run(sql));
  };
  std::string before;
  SECTION("a database") {
    make("CREATE TABLE orders (id)");
    before = bytes_of(path);
    CHECK(refusal(in(folder)).code() == Errc::journal_failed);
  }
  SECTION("text") {
    write(path, before = std::string(5000, 'x'));
    CHECK(refusal(in(folder)).code() == Errc::journal_corrupt);
  }
  SECTION("a newer version of this program") {
    make("PRAGMA application_id = 0x54484553; PRAGMA user_version = 9; CREATE TABLE new_things (id)");
    before = bytes_of(path);
    const Error refused = refusal(in(folder));
    CHECK(refused.code() == Errc::journal_version);
    CHECK(*refused.field("theirs") == Value{9});
  }
  CHECK(bytes_of(path) == before);
}

TEST_CASE("the files of a journal are readable by their owner only, whatever the umask [F137]", "[journal][F137]") {
  const Folder folder;
  const mode_t before = ::umask(0);
  {
    JournalledTurn turn{in(folder)};
    turn.commit({{"domain.count", 1}}).value();
    for (const auto& file : std::filesystem::directory_iterator{folder.path()}) {
      INFO(file.path());
      CHECK(file.status().permissions() == (std::filesystem::perms::owner_read | std::filesystem::perms::owner_write));
    }
  }
  ::umask(before);
}

TEST_CASE("a record that was changed, dropped, swapped or brought from elsewhere is found [F26][F27]",
          "[journal][F26][F27]") {
  const Folder folder;
  {
    JournalledTurn turn{in(folder)};
    for (int i = 1; i <= 10; ++i)
      turn.commit({{"domain.count", i}}).value();
    CHECK(turn.end());
  }
  const auto alter = [&](const std::string& sql) {
    auto database = store::Database::open(in(folder).path.string(), {}).value();
    REQUIRE(database.run(sql.c_str()));
    REQUIRE(database.move_log());
  };
  std::int64_t version = 5;
  SECTION("changed") {
    alter("UPDATE commits SET record = (SELECT record FROM commits WHERE version = 6) WHERE version = 5");
  }
  SECTION("dropped") { alter("DELETE FROM commits WHERE version = 5"); }
  SECTION("swapped") {
    alter(
        "UPDATE commits SET version = 100 WHERE version = 5; UPDATE commits SET version = 5 WHERE version = 6;"
        "UPDATE commits SET version = 6 WHERE version = 100");
  }
  SECTION("cut off at the end, below what was safe") {
    alter("DELETE FROM commits WHERE version > 7");
    version = 10;
  }
  SECTION("another journal's") {
    alter("UPDATE journal SET value = 'another' WHERE name = 'name'");
    version = 1;
  }
  const Error refused = refusal(in(folder));
  CHECK(refused.code() == Errc::journal_corrupt);
  REQUIRE(refused.field("version") != nullptr);
  CHECK(*refused.field("version") == Value{version});
}

TEST_CASE("a journal that is replaced while it is used takes no more commits [F32]", "[journal][F32]") {
  const Folder folder;
  JournalledTurn turn{in(folder)};
  turn.commit({{"domain.count", 1}}).value();
  std::filesystem::rename(in(folder).path, folder.path() / "moved");
  SECTION("gone") {}
  SECTION("another file in its place") { write(in(folder).path, ""); }
  CHECK(turn.commit({{"domain.count", 2}}).error().code() == Errc::journal_failed);
  CHECK(turn.at("domain.count") == Value{1});
}

TEST_CASE("the write-ahead log cut at any place gives a prefix with all that was safe [F24][F25]",
          "[journal][F24][F25]") {
  const Folder folder;
  const Folder copy;
  const auto path = in(folder).path;
  std::vector<std::size_t> ends{0};
  {
    JournalledTurn turn{in(folder)};
    for (int i = 1; i <= 12; ++i) {
      turn.commit({{"domain.count", i}}).value();
      ends.push_back(std::filesystem::file_size(store::JournalFiles::log_of(path)));
    }
    for (const auto& file : std::filesystem::directory_iterator{folder.path()})
      std::filesystem::copy_file(file, copy.path() / file.path().filename());
  }
  const auto log_path = store::JournalFiles::log_of(in(copy).path);
  const std::string log = bytes_of(log_path);
  const std::string main = bytes_of(in(copy).path);
  const bool zeros = GENERATE(false, true);
  for (std::size_t cut = ends[1]; cut <= log.size(); cut += 997) {
    write(in(copy).path, main);
    std::filesystem::remove(std::filesystem::path{in(copy).path} += "-shm");
    write(log_path, log.substr(0, cut) + (zeros ? std::string(log.size() - cut, '\0') : ""));
    const auto whole = std::ranges::upper_bound(ends, cut) - ends.begin() - 1;
    const JournalledTurn again{in(copy)};
    INFO("cut at " << cut);
    CHECK(again.found().version == static_cast<Version>(whole));
    CHECK(again.at("domain.count") == Value{whole});
    CHECK(again.found().pages_lost == 0);
  }
}

TEST_CASE("damage within the write-ahead log is told with what stands behind it [F24][F26]", "[journal][F24][F26]") {
  const Folder folder;
  const Folder copy;
  {
    JournalledTurn turn{in(folder)};
    for (int i = 1; i <= 20; ++i)
      turn.commit({{"domain.count", i}}).value();
    for (const auto& file : std::filesystem::directory_iterator{folder.path()})
      std::filesystem::copy_file(file, copy.path() / file.path().filename());
  }
  const auto log_path = store::JournalFiles::log_of(in(copy).path);
  std::string log = bytes_of(log_path);
  log[store::scan_log(log_path).value().committed_bytes / 2] ^= 1;
  write(log_path, log);
  const JournalledTurn again{in(copy)};
  CHECK(again.found().version < 20);
  CHECK(again.found().pages_lost > 3);
  CHECK(again.at("domain.count") == Value{again.found().version});
}

TEST_CASE("the audit log goes on after a restart", "[journal]") {
  const Folder folder;
  const AuditEntry edit{
      .kind = AuditEntry::Kind::edit, .who = "transaction", .reason = "line\nbreak; DROP TABLE audit"};
  {
    JournalledTurn turn{in(folder)};
    turn.turn().audit({.kind = AuditEntry::Kind::elevation, .who = "p", .reason = "why"});
    const std::vector<Write> writes{{"domain.count", 1}};
    turn.turn().commit(ProposalView{.writes = writes, .audit = &edit}).value();
    CHECK(turn.end());
  }
  JournalledTurn again{in(folder)};
  CHECK(again.found().audit_entries == 2);
  const auto entries = again.journal().audit_entries(10).value();
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].reason == "why");
  CHECK(entries[1].reason == edit.reason);
  CHECK(entries[1].version == 1);
  again.turn().audit({.kind = AuditEntry::Kind::elevation, .who = "p", .reason = "again"});
  CHECK(again.turn().close());
  REQUIRE(again.audits().size() == 1);
  CHECK(again.audits()[0].sequence == 3);
}

TEST_CASE("every level of durability ends in the same journal", "[journal]") {
  const auto level = GENERATE(Durability::disk, Durability::os, Durability::disk_async);
  const Folder folder;
  JournalOptions options = in(folder);
  options.level = level;
  {
    JournalledTurn turn{options};
    std::vector<std::thread> clients;
    for (int client = 0; client < 4; ++client)
      clients.emplace_back([&] {
        for (int i = 0; i < 50; ++i)
          turn.commit({Write::increment("domain.count", 1)}).value();
      });
    for (auto& client : clients)
      client.join();
    CHECK(turn.end());
  }
  const JournalledTurn again{options};
  CHECK(again.found().version == 200);
  CHECK(again.at("domain.count") == Value{200});
}

}  // namespace
}  // namespace theus

#include "runtime/store/sqlite.hpp"
#include "tests/system/command_line.hpp"

#include <theus/engine.hpp>

#include <catch2/catch.hpp>

#include <algorithm>

namespace theus::testing {
namespace {

/// A journal of five bookings, made by `theus run`.
class Ledger {
public:
  Ledger() {
    flow_ = folder_.file("flow.yaml", "steps: [book, book, book, {process: book, args: {amount: 20}}, book]\n");
    run_again();
  }

  void run_again() {
    ran_ = theus({"run", flow_, "--module", module("ledger"), "--journal", journal(), "--durability", "os",
                  "--no-attach", "--get", "domain.total"});
    INFO(ran_.err);
    CHECK(ran_.exit == 0);
  }

  std::string journal() const { return (folder_.path() / "run.journal").string(); }
  const Finished& ran() const { return ran_; }
  const Folder& folder() const { return folder_; }

  std::int64_t total_at(int version) const {
    const Finished got =
        theus({"state", "get", "domain.total", "--journal", journal(), "--at", std::to_string(version)});
    INFO(got.err);
    CHECK(got.exit == 0);
    return std::stoll(got.out);
  }

private:
  Folder folder_;
  std::string flow_;
  Finished ran_;
};

void alter(const std::string& journal, const char* sql) {
  auto database = store::Database::open(journal, {}).value();
  REQUIRE(database.run(sql));
  REQUIRE(database.move_log());
}

}  // namespace

TEST_CASE("replay verifies a journal, and runs the bodies of a module again", "[cli][replay]") {
  const Ledger ledger;
  const Finished verified = theus({"replay", ledger.journal(), "--verify"});
  CHECK(verified.exit == 0);
  CHECK(has(verified.out, "5 commits after version 0, whole and unaltered: 5 process"));
  const auto report =
      document(theus({"replay", ledger.journal(), "--rerun", "--module", module("ledger"), "--json"}).out);
  CHECK(report["version"] == 5);
  CHECK(report["runs"] == 5);
  CHECK(report["causes"] == nlohmann::json{{"process", 5}});
  CHECK(has(verified.out, report["digest"].get<std::string>()));
  CHECK(document(theus({"replay", ledger.journal(), "--to", "3", "--json"}).out)["version"] == 3);

  CHECK(theus({"replay", ledger.journal(), "--to", "6"}).exit == 1);
  CHECK(theus({"replay", ledger.journal(), "--rerun"}).exit == 2);
  CHECK(theus({"replay", ledger.folder().path().string() + "/none"}).exit == 3);
}

TEST_CASE("a body that was changed is reported at its first divergence with a readable diff [F36]",
          "[cli][replay][F36]") {
  const Ledger ledger;
  int first = 1;
  while (first <= 5 && (first == 1 || ledger.total_at(first - 1) < 30))
    ++first;
  REQUIRE(first <= 5);
  const std::vector<std::string> rerun{"replay", ledger.journal(), "--rerun", "--module", module("ledger_changed")};
  const Finished changed = theus(rerun);
  CHECK(changed.exit == 1);
  CHECK(has(changed.err, "replay_diverged"));
  CHECK(has(changed.err, "process 'book', version " + std::to_string(first)));
  const auto total = ledger.total_at(first);
  CHECK(has(changed.err, "\n  ~ domain.total: " + std::to_string(total) + " -> " + std::to_string(total + 1)));

  std::vector<std::string> in_json = rerun;
  in_json.emplace_back("--json");
  const auto fields = document(theus(in_json).out)["error"]["fields"];
  CHECK(fields["version"] == first);
  CHECK(fields["process"] == "book");
  CHECK(fields["diff"] ==
        nlohmann::json::array(
            {{{"kind", "changed"}, {"path", "domain.total"}, {"before", total}, {"after", total + 1}}}));
}

TEST_CASE("diff compares two versions of a journal, and two journals", "[cli][replay]") {
  const Ledger ledger;
  const auto found = document(theus({"diff", ledger.journal(), "1", "5", "--json"}).out);
  CHECK(found["since"] == 1);
  CHECK(found["version"] == 5);
  CHECK(has(theus({"diff", ledger.journal(), "1", "5"}).out,
            "~ domain.total: " + std::to_string(ledger.total_at(1)) + " -> " + std::to_string(ledger.total_at(5))));
  CHECK(theus({"diff", ledger.journal(), "3", "3"}).out.empty());
  CHECK(theus({"diff", ledger.journal(), ledger.journal()}).out.empty());
  const Ledger other;
  CHECK(has(theus({"diff", ledger.journal(), other.journal()}).out, "domain.at"));
  CHECK(theus({"diff", ledger.journal(), "1", "9"}).exit == 1);
  CHECK(theus({"diff", ledger.journal(), "-1", "2"}).exit != 0);
  CHECK(theus({"diff", ledger.journal(), "one", "2"}).exit != 0);
}

TEST_CASE("run goes on with the state that its journal has", "[cli][replay]") {
  Ledger ledger;
  CHECK(std::stoll(ledger.ran().out) == ledger.total_at(5));
  ledger.run_again();
  CHECK(has(ledger.ran().err, "going on from version 5"));
  CHECK(std::stoll(ledger.ran().out) == ledger.total_at(10));
  CHECK(ledger.total_at(10) > ledger.total_at(5));
  CHECK(theus({"replay", ledger.journal(), "--rerun", "--module", module("ledger")}).exit == 0);
  CHECK(theus({"run", "flow.yaml", "--durability", "os"}).exit == 2);
  CHECK(theus({"run", "flow.yaml", "--journal", "x", "--durability", "soon"}).exit == 2);
}

TEST_CASE("audit verify names the first altered entry; audit tail prints entries on one line each [F138]",
          "[cli][replay][F138]") {
  const Folder folder;
  const std::string journal = (folder.path() / "run.journal").string();
  {
    const std::string flow = folder.file("flow.yaml", "steps: [book]\n");
    CHECK(theus({"run", flow, "--module", module("ledger"), "--journal", journal, "--no-attach"}).exit == 0);
    Engine engine{{.journal = {.path = journal, .level = Durability::os}}};
    for (const char* reason : {"first", "second\n9 1970-01-01T00:00:00Z edit by root, version 1: forged", "third"}) {
      auto edit = engine.edit(reason).value();
      edit.set("domain.reason", reason).value();
      edit.commit().value();
    }
  }
  const Finished whole = theus({"audit", "verify", journal});
  INFO(whole.err);
  CHECK(whole.exit == 0);
  CHECK(has(whole.out, "3 entries, none altered"));
  const Finished tail = theus({"audit", "tail", journal, "--count", "2"});
  CHECK(std::ranges::count(tail.out, '\n') == 2);
  CHECK(has(tail.out, "\\n9 1970"));
  CHECK(document(theus({"audit", "tail", journal, "--json"}).out)["entries"][0]["reason"] == "first");

  alter(journal, "UPDATE audit SET reason = 'another' WHERE sequence = 2");
  const Finished altered = theus({"audit", "verify", journal});
  CHECK(altered.exit == 70);
  CHECK(has(altered.err, "entry 2 of the audit log"));
  CHECK(document(theus({"audit", "verify", journal, "--json"}).out)["error"]["fields"]["sequence"] == 2);
}

}  // namespace theus::testing

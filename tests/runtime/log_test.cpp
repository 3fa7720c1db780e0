#include "runtime/execution.hpp"
#include "tests/support/execution_stage.hpp"
#include "tests/support/folder.hpp"

#include <theus/json.hpp>
#include <theus/log.hpp>

#include <catch2/catch.hpp>

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>
#include <mutex>
#include <sstream>
#include <thread>

namespace theus {
namespace {

using testing::Folder;

LogEntry entry(std::string text, Value fields = {}) {
  return {.level = LogLevel::warning,
          .text = std::move(text),
          .fields = std::move(fields),
          .process = "match",
          .execution = 7,
          .version = 12,
          .time = std::chrono::system_clock::time_point{std::chrono::milliseconds{1'700'000'000'123}}};
}

std::vector<std::string> lines_of(const std::filesystem::path& file) {
  std::ifstream stream{file};
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);)
    lines.push_back(line);
  return lines;
}

TEST_CASE("a line tells level, process, text, fields, execution and version", "[log]") {
  CHECK(to_line(entry("no buyer", {{"orders", 3}, {"side", "ask"}})) ==
        "warning match: no buyer (side=\"ask\", orders=3) [execution 7 at version 12]");
  CHECK(to_line(entry("done")) == "warning match: done [execution 7 at version 12]");
}

TEST_CASE("a text can neither forge a line nor drive a terminal", "[log]") {
  const std::string line = to_line(entry("one\ntwo\x1b[31m"));
  CHECK(line.find('\n') == std::string::npos);
  CHECK(line.find('\x1b') == std::string::npos);
}

TEST_CASE("a JSON line is one object with the time in UTC", "[log]") {
  const Value parsed = parse_json(to_json_line(entry("no\nbuyer", {{"orders", 3}}))).value();
  CHECK(parsed == Value{{"time", "2023-11-14T22:13:20.123Z"},
                        {"level", "warning"},
                        {"process", "match"},
                        {"execution", 7},
                        {"version", 12},
                        {"text", "no\nbuyer"},
                        {"fields", Value{{"orders", 3}}}});
  CHECK(to_json_line(entry("a\nb")).find('\n') == std::string::npos);
}

TEST_CASE("a log file keeps every line of several threads whole", "[log]") {
  const Folder folder;
  const auto path = folder.path() / "run.log";
  const LogSink sink = log_to_file(path).value();
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 250; ++i)
        sink(entry(std::string(200, 'x')));
    });
  threads.clear();
  const auto lines = lines_of(path);
  CHECK(lines.size() == 1000);
  for (const std::string& line : lines)
    REQUIRE(parse_json(line).ok());
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 0777) == 0600);
}

TEST_CASE("a log file that is full becomes the older one", "[log]") {
  const Folder folder;
  const auto path = folder.path() / "run.log";
  const LogSink sink = log_to_file(path, {.bytes_max = 2000}).value();
  for (int i = 0; i < 40; ++i)
    sink(entry("number " + std::to_string(i)));
  const auto older = lines_of(path.string() + ".1");
  const auto newer = lines_of(path);
  CHECK(std::filesystem::file_size(path) <= 2000);
  CHECK(newer.back().find("number 39") != std::string::npos);
  const auto number_of = [](const std::string& line) {
    return std::stoi(parse_json(line).value()["text"].get<std::string>().value().substr(7));
  };
  CHECK(number_of(older.back()) + 1 == number_of(newer.front()));
}

TEST_CASE("entries below the least level are left out", "[log]") {
  const Folder folder;
  const LogSink sink = log_to_file(folder.path() / "run.log", {.least = LogLevel::error}).value();
  sink(entry("only a warning"));
  CHECK(lines_of(folder.path() / "run.log").empty());
}

TEST_CASE("a log file that cannot be opened, or is a link, is refused", "[log]") {
  const Folder folder;
  CHECK(log_to_file(folder.path() / "none" / "run.log").error().code() == Errc::bad_input);
  folder.file("elsewhere", "");
  std::filesystem::create_symlink(folder.path() / "elsewhere", folder.path() / "link");
  CHECK(log_to_file(folder.path() / "link").error().code() == Errc::bad_input);
}

TEST_CASE("what could not be written is counted and told when there is room again", "[log]") {
  const Folder folder;
  const auto path = folder.path() / "run.log";
  const LogSink sink = log_to_file(path).value();
  sink(entry("first"));
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit tight{std::filesystem::file_size(path) + 10, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &tight) == 0);
  sink(entry("lost"));
  sink(entry("lost as well"));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  sink(entry("last"));

  const auto lines = lines_of(path);
  REQUIRE(lines.size() == 3);
  CHECK(parse_json(lines[1]).value()["fields"] == Value{{"dropped", 2}});
  CHECK(parse_json(lines[2]).value()["text"] == Value{"last"});
}

struct Kept {
  std::vector<LogEntry> entries;
  ExecutionStart start() {
    return {.contract = std::make_shared<Contract>(Contract::compile("match", {}, {}, Semantic::effect).value()),
            .snapshot = stage.turn.snapshot(),
            .id = 7,
            .log = [this](const LogEntry& each) { entries.push_back(each); }};
  }
  testing::ExecutionStage stage;
};

TEST_CASE("what a body logs is kept when it is aborted, under its name, number and version", "[log][execution]") {
  Kept kept;
  const Body body = [](Context& ctx) {
    ctx.log().info("one", {{"orders", 3}});
    throw std::runtime_error{"no"};
  };
  CHECK_FALSE(run_body(body, std::make_shared<Execution>(kept.start())).ok());
  REQUIRE(kept.entries.size() == 1);
  CHECK(kept.entries[0].process == "match");
  CHECK(kept.entries[0].execution == 7);
  CHECK(kept.entries[0].level == LogLevel::info);
  CHECK(kept.entries[0].fields["orders"] == Value{3});
}

TEST_CASE("an execution that logs without end is cut off, and says so", "[log][execution]") {
  Kept kept;
  const Body body = [](Context& ctx) {
    for (std::size_t i = 0; i < 5 * LogEntry::per_execution_max; ++i)
      ctx.log().debug("again");
    ctx.log().info(std::string(100'000, 'x'));
  };
  CHECK(run_body(body, std::make_shared<Execution>(kept.start())).ok());
  REQUIRE(kept.entries.size() == LogEntry::per_execution_max);
  CHECK(kept.entries.back().level == LogLevel::warning);
  CHECK(kept.entries.back().text.find("dropped") != std::string::npos);
}

TEST_CASE("a text that is too long ends early", "[log][execution]") {
  Kept kept;
  const Body body = [](Context& ctx) { ctx.log().info(std::string(100'000, 'x')); };
  CHECK(run_body(body, std::make_shared<Execution>(kept.start())).ok());
  CHECK(kept.entries.at(0).text.size() <= LogEntry::text_bytes_max);
}

}  // namespace
}  // namespace theus

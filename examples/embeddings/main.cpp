// Finds the texts of a folder that say what is asked for.
//
// A workflow reads the texts. Isolated workers embed them side by side, each a block of rows that it builds in memory
// of its own and hands over: what a worker does wrong, or dies of, costs its block at most. Another process, which
// joins the engine, searches the blocks where they lie.

#include <theus/engine.hpp>
#include <theus/errors.hpp>

#include <spawn.h>
#include <sys/wait.h>

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "features.hpp"
#include "search.hpp"

namespace {

using theus::Value;

constexpr std::size_t rows_per_block = 4;

struct Block {
  std::size_t number = 0;
};
THEUS_FIELDS(Block, number)

theus::Status processes(theus::Engine& engine) {
  const auto embed_block = [&engine](theus::Context& ctx, const Block& block) -> theus::Status {
    const Value documents = ctx.get("domain.documents");
    const std::size_t first = block.number * rows_per_block;
    const std::size_t count = std::min(rows_per_block, documents.size() - first);
    const auto rows = engine.heavy().alloc<float>({count, dimensions});
    if (!rows)
      return rows.error();
    for (std::size_t row = 0; row < count; ++row)
      embed(documents[first + row]["text"].get<std::string>().value(),
            rows->span().subspan(row * dimensions, dimensions));
    ctx.set(theus::Path{"heavy.rows"}.key("block_" + std::to_string(block.number)), theus::to_value(*rows));
    return {};
  };
  const auto take_each_once = [](theus::Context& ctx) {
    const Value documents = ctx.get("domain.documents");
    Value taken = Value::list();
    for (std::size_t i = 0; i < documents.size(); ++i) {
      const auto is_same = [&](std::size_t other) { return documents[other]["text"] == documents[i]["text"]; };
      bool comes_again = false;
      for (std::size_t other = i + 1; other < documents.size() && !comes_again; ++other)
        comes_again = is_same(other);
      if (!comes_again)
        taken.push_back(documents[i]);
    }
    return taken;
  };
  auto registered = engine.register_process({.name = "embed",
                                             .inputs = {"domain.documents"},
                                             .outputs = {"heavy.rows"},
                                             .isolated = true,
                                             .body = embed_block});
  if (!registered)
    return registered;
  return engine.register_process({.name = "take_each_once",
                                  .inputs = {"domain.documents"},
                                  .outputs = {"domain.documents"},
                                  .body = take_each_once});
}

theus::Status embed_all(theus::Engine& engine, const std::string& pattern) {
  const auto workflow = theus::Workflow::load(EMBEDDINGS_WORKFLOW);
  if (!workflow)
    return workflow.error();
  if (auto run = engine.execute_workflow(*workflow, {.inputs = {.overrides = {{"texts", pattern}}}}); !run)
    return run.error();
  const std::size_t texts = engine.state().get<Value>("domain.documents").value().size();
  std::vector<theus::PendingExecution> blocks;
  for (std::size_t number = 0; number * rows_per_block < texts; ++number)
    blocks.push_back(engine.execute_async("embed", Value{{"number", number}}));
  for (theus::PendingExecution& block : blocks)
    if (auto embedded = block.get(); !embedded)
      return embedded.error();
  return {};
}

/// The search, in a process of its own that has nothing of this one's but the handle.
theus::Result<int> searched(const std::string& handle, const Questions& questions) {
  std::vector<std::string> words{"/proc/self/exe", "--join", handle};
  if (questions.json)
    words.emplace_back("--json");
  if (!questions.query.empty())
    words.insert(words.end(), {"--", questions.query});
  std::vector<char*> arguments;
  for (std::string& word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  pid_t pid = 0;
  int status = 0;
  if (::posix_spawn(&pid, arguments[0], nullptr, nullptr, arguments.data(), environ) != 0 ||
      ::waitpid(pid, &status, 0) != pid)
    return theus::Error{theus::Errc::resource_exhausted, "embeddings", "the searching process cannot be started"};
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

theus::Result<int> run(const std::string& pattern, const std::string& folder, const Questions& questions) {
  theus::EngineOptions options{.log = [](const theus::LogEntry&) {}};
  options.attach.folder = folder;
  theus::Engine engine{options};
  if (auto ready = processes(engine); !ready)
    return ready.error();
  if (auto embedded = embed_all(engine, pattern); !embedded)
    return embedded.error();
  const auto handle = engine.context_handle();
  return handle ? searched(*handle, questions) : theus::Result<int>{handle.error()};
}

}  // namespace

int main(int argc, char** argv) {
  theus::serve_if_worker(processes);
  std::vector<std::string> query;
  std::string pattern = "/usr/share/common-licenses/*";
  std::string folder = ".theus";
  std::string handle;
  Questions questions;
  CLI::App parser{"Finds the texts of a folder that say what is asked for."};
  parser.add_option("query", query, "What to look for; without it, every line of the standard input");
  parser.add_option("--input", pattern, "The texts: a pattern that names files")->capture_default_str();
  parser.add_option("--folder", folder, "Where other processes find the engine")->capture_default_str();
  parser.add_flag("--json", questions.json, "Print each answer as a line of JSON");
  parser.add_option("--join", handle, "Search what another process has embedded, by its handle");
  CLI11_PARSE(parser, argc, argv);
  questions.query = fmt::format("{}", fmt::join(query, " "));
  if (!query.empty() && questions.query.find_first_not_of(" \t\n") == std::string::npos) {
    fmt::print(stderr, "embeddings: the query is empty; ask for words, like \"redistribute modified source\"\n");
    return 2;
  }
  if (!handle.empty())
    return search(handle, questions);
  const auto exit = run(pattern, folder, questions);
  if (!exit)
    fmt::print(stderr, "embeddings: {}\n", exit.error().text());
  return exit ? *exit : theus::exit_code(exit.error().code());
}

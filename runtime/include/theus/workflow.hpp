#pragma once

#include <theus/expression.hpp>
#include <theus/path.hpp>
#include <theus/result.hpp>

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace theus {

struct WorkflowPlan;

/// What a workflow may name. A workflow is checked against it before it runs.
class Catalogue {
public:
  struct ProcessEntry {
    std::string name;
    std::optional<std::vector<std::string>> arguments;  ///< nothing: takes any
  };

  virtual ~Catalogue() = default;

  virtual std::vector<ProcessEntry> processes() const = 0;
  /// Nothing: agents are not known before the run, and patterns are not checked.
  virtual std::optional<std::vector<std::string>> agents() const = 0;
  /// First segments of paths that exist or may be written, besides the layers (domain, global, ...), which always
  /// exist.
  virtual std::vector<std::string> roots() const = 0;
};

/// Bounds of one run.
struct WorkflowLimits {
  std::uint64_t operations_max = 10'000;                       ///< steps visited plus loop turns
  std::uint32_t depth_max = 64;                                ///< of branches, loops and calls inside one another
  std::chrono::milliseconds deadline = std::chrono::hours{1};  ///< of the whole run
};

enum class InputFormat : std::uint8_t { csv, json, jsonl, text, files };

/// Data that is loaded before the first step.
struct WorkflowInput {
  std::string name;
  std::string from;  ///< a file beneath `folder`, or "-" for the standard input
  Path into;
  InputFormat format = InputFormat::text;
  std::string file;  ///< the workflow file that declares it, and where
  TextPosition at;
  std::filesystem::path folder;
};

/// How the inputs of a workflow are found.
struct InputOptions {
  /// Input name -> file, as given by the user who starts the run: any file, also absolute; "-" is the standard input.
  /// For an input of the format `files`, a pattern.
  std::map<std::string, std::string> overrides{};
  /// What "-" reads; nullptr: std::cin.
  std::istream* standard_input = nullptr;
  /// Bytes of all inputs together.
  std::size_t bytes_max = std::size_t{256} << 20;
  /// Files of one input of the format `files`, and bytes of each of them.
  std::size_t files_max = 10'000;
  std::size_t file_bytes_max = std::size_t{16} << 20;
};

/// A checked plan of steps, read from YAML:
///
///   name: shop                               # optional, as is description
///   limits: {max_ops: 10000, max_depth: 64, deadline: 1h}
///   inputs:
///     orders: {from: orders.csv, into: domain.inbox, format: csv}   # csv, json, jsonl, text, files
///   steps:
///     - load_orders                          # a process
///     - process: enrich
///       name: first pass                     # a label for reports; any step may have one
///       args: {limit: "${domain.limit}"}
///       retry: {attempts: 3, backoff: 50ms}
///       timeout: 2s
///     - flux: if                             # else is optional
///       condition: domain.count > 10 and not has(domain.stop)
///       then: [...]
///       else: [...]
///     - flux: while
///       condition: domain.progress < 100
///       do: [...]
///     - flux: run
///       steps: [...]
///     - flux: set                            # one commit; paths under `local` belong to this run alone
///       values: {domain.total: "${domain.a + domain.b}", local.label: "run ${domain.name}"}
///     - flux: emit
///       signal: finished
///       payload: {count: "${domain.count}"}
///     - round: {agents: member_*, times: 3}
///     - call: parts/cleanup.yaml             # the steps of another file, beneath this one's folder; also flux: call
///
/// A text that is "${...}" as a whole gives the value of the expression; inside a longer text it gives its text; "$${"
/// stands for "${". Inputs of called files are loaded too; limits are those of the file that is run.
/// Files are untrusted: at most 1 MB and 100 000 nodes each, 64 files, 64 levels deep.
///
/// Immutable, cheap to copy and thread-safe.
class Workflow {
public:
  static constexpr std::size_t files_max = 64;

  /// The workflow in `text`; `file` is its name in errors and where relative paths start. Refuses with bad_workflow,
  /// whose field `findings` lists everything that is wrong (file, line, column, cause, suggestion). With a catalogue,
  /// the findings of check() are among them.
  static Result<Workflow> parse(std::string_view text, std::string_view file, const Catalogue* catalogue = nullptr);

  /// As parse(), from a file.
  static Result<Workflow> load(const std::filesystem::path& file, const Catalogue* catalogue = nullptr);

  /// All unknown processes, arguments, agents and roots of paths at once, as bad_workflow.
  Status check(const Catalogue& catalogue) const;

  /// The name it gives itself, or the stem of its file.
  const std::string& name() const noexcept;
  const std::string& file() const noexcept;
  const WorkflowLimits& limits() const noexcept;
  std::span<const WorkflowInput> inputs() const noexcept;
  /// Names of the processes that its steps call, each once, sorted.
  std::vector<std::string> processes() const;

  const WorkflowPlan& plan() const noexcept { return *plan_; }

private:
  explicit Workflow(std::shared_ptr<const WorkflowPlan> plan) noexcept : plan_(std::move(plan)) {}

  std::shared_ptr<const WorkflowPlan> plan_;
};

}  // namespace theus

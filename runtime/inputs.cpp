#include "runtime/inputs.hpp"

#include <theus/nearest.hpp>
#include "runtime/confined_file.hpp"
#include "runtime/csv.hpp"
#include "runtime/escape.hpp"
#include "runtime/findings.hpp"
#include "runtime/matched_files.hpp"
#include "runtime/text_position.hpp"

#include <theus/json.hpp>

#include <algorithm>
#include <iostream>

namespace theus {
namespace {

constexpr std::string_view standard_input_name = "<standard input>";

Result<std::string> read_stream(std::istream& stream, std::size_t bytes_max) {
  std::string content;
  constexpr std::size_t chunk_bytes = 64 << 10;
  while (stream) {
    const std::size_t size = content.size();
    content.resize(size + chunk_bytes);
    stream.read(content.data() + size, static_cast<std::streamsize>(chunk_bytes));
    content.resize(size + static_cast<std::size_t>(stream.gcount()));
    if (content.size() > bytes_max)
      return Error{Errc::bad_input, {}, "the standard input has more than " + std::to_string(bytes_max) + " bytes"};
  }
  if (stream.bad())
    return Error{Errc::bad_input, {}, "the standard input cannot be read"};
  return content;
}

// The error of the JSON reader, whose position counts within its text, at its place in the file.
Finding json_finding(const Error& error, const std::string& file, int lines_before) {
  const Value* line = error.field("line");
  const Value* column = error.field("column");
  const TextPosition at{line != nullptr ? static_cast<int>(line->as_int()) + lines_before : 1 + lines_before,
                        column != nullptr ? static_cast<int>(column->as_int()) : 1};
  return {file, at, error.cause(), error.remedy()};
}

/// Free texts may have page breaks.
std::size_t find_unfit(std::string_view text, InputFormat format) {
  std::size_t at = find_unsafe(text, true);
  while (format == InputFormat::text && at != std::string_view::npos && text[at] == '\f') {
    const std::size_t next = find_unsafe(text.substr(at + 1), true);
    at = next == std::string_view::npos ? next : at + 1 + next;
  }
  return at;
}

class InputLoader {
public:
  InputLoader(const Workflow& workflow, const InputOptions& options)
      : workflow_(workflow), options_(options), bytes_left_(options.bytes_max) {}

  Result<std::vector<std::pair<Path, Value>>> run() {
    check_overrides();
    std::vector<std::pair<Path, Value>> values;
    for (const WorkflowInput& input : workflow_.inputs())
      if (auto value = load(input))
        values.emplace_back(input.into, *std::move(value));
    if (!findings_.empty())
      return findings_.error(Errc::bad_input);
    return values;
  }

private:
  void check_overrides() {
    std::vector<std::string> names;
    for (const WorkflowInput& input : workflow_.inputs())
      names.push_back(input.name);
    for (const auto& [name, file] : options_.overrides)
      if (std::ranges::find(names, name) == names.end())
        findings_.add({workflow_.file(),
                       {},
                       "the workflow has no input '" + name + "'",
                       names.empty() ? "It has none" : suggest(name, names)});
  }

  /// Nothing after a finding.
  std::optional<Value> load(const WorkflowInput& input) {
    const auto given = options_.overrides.find(input.name);
    const bool overridden = given != options_.overrides.end();
    const std::string& from = overridden ? given->second : input.from;
    if (input.format == InputFormat::files)
      return load_files(input, from, overridden);
    auto content = from == "-"  ? standard_input()
                   : overridden ? read_file(from, bytes_left_)
                                : read_beneath(input.folder, from, bytes_left_);
    if (!content)
      return refuse(input, content.error());
    bytes_left_ -= content->size();
    const std::string file = from == "-"  ? std::string{standard_input_name}
                             : overridden ? from
                                          : (input.folder / from).string();
    return parse(*content, input.format, file);
  }

  std::nullopt_t refuse(const WorkflowInput& input, const Error& why) {
    findings_.add({input.file, input.at, "the input '" + input.name + "': " + why.cause(), why.remedy()});
    return std::nullopt;
  }

  /// A map for each file that the pattern matches: its name from the pattern's folder on, and its text.
  std::optional<Value> load_files(const WorkflowInput& input, const std::string& pattern, bool overridden) {
    if (pattern == "-")
      return refuse(input, {Errc::bad_input, {}, "the standard input is no folder of files", "Give a pattern"});
    const std::filesystem::path folder = overridden ? std::filesystem::path{} : input.folder;
    const bool may_lead_out = !overridden && leads_out_of_folder(pattern);
    // Reading refuses it in the words of all formats.
    const auto names =
        may_lead_out ? Result<std::vector<std::string>>{{pattern}} : matched_files(folder, pattern, options_.files_max);
    if (!names)
      return refuse(input, names.error());
    std::vector<Value> files;
    const std::size_t findings_before = findings_.count();
    for (const std::string& name : *names) {
      const std::size_t bytes_max = std::min(bytes_left_, options_.file_bytes_max);
      const auto text = overridden ? read_file(name, bytes_max) : read_beneath(folder, name, bytes_max);
      if (!text) {
        refuse(input, text.error());
        continue;
      }
      bytes_left_ -= text->size();
      const std::string shown = name.substr(fixed_part(pattern).size());
      if (find_unsafe(shown, false) != std::string_view::npos)
        refuse(input, {Errc::bad_input, {}, "the name '" + escaped(shown) + "' is not plain UTF-8", "Rename the file"});
      else if (auto value = parse(*text, InputFormat::text, (folder / name).string()))
        files.push_back({{"name", shown}, {"text", *std::move(value)}});
    }
    return findings_.count() == findings_before ? std::optional{Value::list(std::move(files))} : std::nullopt;
  }

  Result<std::string> standard_input() {
    if (std::exchange(standard_input_read_, true))
      return Error{
          Errc::bad_input, {}, "the standard input is read by another input already", "Give a file instead of '-'"};
    return read_stream(options_.standard_input != nullptr ? *options_.standard_input : std::cin, bytes_left_);
  }

  std::optional<Value> parse(std::string_view text, InputFormat format, const std::string& file) {
    if (const std::size_t unsafe = find_unfit(text, format); unsafe != std::string_view::npos) {
      findings_.add(
          {file, position_after(text.substr(0, unsafe)),
           "the file is not UTF-8, or a control character, bidirectional character or byte order mark stands here",
           "Save it as UTF-8 without byte order mark; in JSON write \\u escapes"});
      return std::nullopt;
    }
    switch (format) {
      case InputFormat::text: return Value{text};
      case InputFormat::files: break;  // which are texts, each for itself
      case InputFormat::jsonl: return parse_lines(text, file);
      case InputFormat::json: {
        auto value = parse_json(text, {.bytes_max = options_.bytes_max});
        if (value)
          return *std::move(value);
        findings_.add(json_finding(value.error(), file, 0));
        return std::nullopt;
      }
      case InputFormat::csv: {
        auto rows = parse_csv(text, file);
        if (rows)
          return *std::move(rows);
        findings_.add(rows.error(), file);
        return std::nullopt;
      }
    }
    return std::nullopt;
  }

  std::optional<Value> parse_lines(std::string_view text, const std::string& file) {
    std::vector<Value> values;
    const std::size_t findings_before = findings_.count();
    for (int number = 0; !text.empty(); ++number) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.find_first_not_of(" \t\r") == std::string_view::npos)
        continue;
      auto value = parse_json(line, {.bytes_max = options_.bytes_max});
      if (value)
        values.push_back(*std::move(value));
      else
        findings_.add(json_finding(value.error(), file, number));
    }
    return findings_.count() == findings_before ? std::optional{Value::list(std::move(values))} : std::nullopt;
  }

  const Workflow& workflow_;
  const InputOptions& options_;
  Findings findings_;
  std::size_t bytes_left_;
  bool standard_input_read_ = false;
};

}  // namespace

Result<std::vector<std::pair<Path, Value>>> load_inputs(const Workflow& workflow, const InputOptions& options) {
  return InputLoader{workflow, options}.run();
}

}  // namespace theus

#pragma once

#include "runtime/findings.hpp"
#include "runtime/yaml/node.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace theus::yaml {

/// Reads typed fields out of the nodes of one file. What is wrong goes to the findings, so that a loader goes on and
/// reports everything at once; a reader that gives nothing has always added a finding.
class FieldReader {
public:
  /// `findings` outlives the reader.
  FieldReader(std::string file, Findings& findings) : file_(std::move(file)), findings_(findings) {}

  const std::string& file() const noexcept { return file_; }
  void add(TextPosition at, std::string cause, std::string suggestion = {});
  /// Adds the findings of an error that came up in this file.
  void add(const Error& error) { findings_.add(error, file_); }

  /// Whether `node` is a map (`what` in errors: "a step"). Its keys outside `known` become findings.
  bool map(const Node& node, std::string_view what, std::span<const std::string> known);
  bool list(const Node& node, std::string_view what);

  /// The value of a key that must be there.
  const Node* required(const Node& map, std::string_view what, std::string_view key);

  /// A text that is not empty and holds no control characters: a name.
  std::optional<std::string> text(const Node& node, std::string_view what);
  /// An integer from `least` to `most`.
  std::optional<std::int64_t> integer(const Node& node, std::string_view what, std::int64_t least, std::int64_t most);
  /// A duration written 50ms, 2s, 1m or 3h, from zero to `most`.
  std::optional<std::chrono::milliseconds> duration(const Node& node, std::string_view what,
                                                    std::chrono::milliseconds most);

  /// A scalar or null as a Value: in quotes a text; plain null (also ~ or nothing), true, false, a number of the one
  /// grammar, or else a text. What only other grammars read as a number is a finding.
  std::optional<Value> scalar(const Node& node);

private:
  std::string file_;
  Findings& findings_;
};

}  // namespace theus::yaml

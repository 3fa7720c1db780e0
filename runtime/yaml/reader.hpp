#pragma once

#include "runtime/yaml/node.hpp"

#include <theus/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace theus::yaml {

struct ReadOptions {
  std::string file;                // for errors
  Errc code = Errc::bad_workflow;  // of errors
  std::size_t bytes_max = 1 << 20;
  std::size_t nodes_max = 100'000;
  std::size_t depth_max = 64;
};

/// The one document in `text`, which may come from anybody: UTF-8 without control, bidirectional and byte-order-mark
/// characters; no anchors, aliases, tags, merge keys or duplicate keys; keys are texts. Every such fault is found at
/// once, up to the first error of syntax. An empty text is a null node.
Result<Node> read(std::string_view text, const ReadOptions& options);

}  // namespace theus::yaml

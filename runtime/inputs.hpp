#pragma once

#include <theus/path.hpp>
#include <theus/result.hpp>
#include <theus/value.hpp>
#include <theus/workflow.hpp>

#include <utility>
#include <vector>

namespace theus {

/// Reads all inputs of a workflow, so that they can be written in one commit before its first step.
///
/// Files named by the workflow lie beneath its folder; overrides come from the user and may name any file. Contents are
/// UTF-8 without control, bidirectional and byte-order-mark characters; free texts may have page breaks. csv gives a
/// list of maps (see parse_csv), json any value, jsonl a list with one value per line (blank lines are skipped), text
/// one string. files gives a list of maps {name, text}, one for each file that a pattern of glob(7) matches, sorted by
/// name; names begin where the pattern's folder ends. Refuses with bad_input, whose field `findings` tells file, line
/// and column, of all inputs at once.
Result<std::vector<std::pair<Path, Value>>> load_inputs(const Workflow& workflow, const InputOptions& options = {});

}  // namespace theus

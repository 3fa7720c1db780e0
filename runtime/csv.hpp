#pragma once

#include <theus/result.hpp>
#include <theus/value.hpp>

#include <string>
#include <string_view>

namespace theus {

/// The rows of a CSV text (RFC 4180) as a list of maps, keyed by the names in its first row.
///
/// Fields are separated by commas, rows by LF or CR LF; a field in double quotes may hold both, and "" for a quote. An
/// unquoted field that is a number of the one grammar becomes a number, true and false become booleans, an empty one
/// null; all others, and those in quotes, are texts. So 007, 1/2 and NaN stay texts.
/// Refuses (bad_input, field `findings`) rows with more or fewer fields than the first, all of them at once; names that
/// are empty, there twice or no path keys; stray quotes; numbers out of range. `file` is the name in errors.
Result<Value> parse_csv(std::string_view text, const std::string& file);

}  // namespace theus

#pragma once

#include <theus/result.hpp>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace theus::cli {

/// The parser of the command that the arguments named so far: of `theus process lst` it is that of `process`.
const CLI::App& chosen_parser(const CLI::App& program);

/// What is wrong with a command line and what was probably meant. Its code is bad_argument.
Error usage_error(const CLI::App& program, const CLI::ParseError& error);

}  // namespace theus::cli

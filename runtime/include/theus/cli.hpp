#pragma once

#include <theus/module.hpp>

namespace theus {

/// The command line as a function, for programs with a main of their own: registers their processes with `modules`
/// and behaves like `theus`. Returns the exit code (0 ok, 1 failed run or findings, 2 usage, 3 bad file,
/// 4 nothing to attach to, 5 conflicts, 6 time-out, 70 internal, 130 interrupted).
int run_cli(int argc, const char* const* argv, ModuleFunction registry = nullptr);

}  // namespace theus

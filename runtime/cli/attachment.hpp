#pragma once

#include <theus/attach.hpp>
#include <theus/engine.hpp>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace theus::cli {

/// `--attach HANDLE`.
CLI::Option& add_attach_option(CLI::App& parser, std::string& handle);

/// `--certificate FILE --key FILE --ca FILE`, each of which needs `whom`; that, when given, needs them all if
/// `is_needed`.
void add_tls_options(CLI::App& parser, TlsOptions& files, CLI::Option& whom, bool is_needed);

/// `--for SECONDS`.
CLI::Option& add_seconds_option(CLI::App& parser, double& seconds, const std::string& description);
std::chrono::milliseconds duration_of(double seconds);

/// Attaches to the engine of that handle, of $THEUS_HANDLE, or of the project folder.
Result<AttachedEngine> attach(const std::string& handle);

/// What is wrong with a path, as CLI11 asks for it; nothing for a good one.
std::string wrong_with_path(const std::string& text);

}  // namespace theus::cli

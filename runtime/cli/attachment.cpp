#include "runtime/cli/attachment.hpp"

#include <CLI/CLI.hpp>

#include <cstdlib>
#include <tuple>

namespace theus::cli {
namespace {

constexpr double seconds_min = 0.001;
constexpr double seconds_max = 30.0 * 24 * 3600;

}  // namespace

CLI::Option& add_attach_option(CLI::App& parser, std::string& handle) {
  CLI::Option* option = parser.add_option(
      "--attach", handle, "The running engine; otherwise that of $THEUS_HANDLE, or of .theus/ here or in a parent");
  return *option->type_name("HANDLE");
}

void add_tls_options(CLI::App& parser, TlsOptions& files, CLI::Option& whom, bool is_needed) {
  for (auto& [name, file, what] :
       {std::tuple{"--certificate", &files.certificate, "By which other hosts know this side (PEM)"},
        std::tuple{"--key", &files.key, "The private key of the certificate, which nobody else may read (PEM)"},
        std::tuple{"--ca", &files.ca, "Who must have signed the certificates of other hosts (PEM)"}}) {
    CLI::Option* option = parser.add_option(name, *file, what)->type_name("FILE")->needs(&whom);
    if (is_needed)
      whom.needs(option);
  }
}

CLI::Option& add_seconds_option(CLI::App& parser, double& seconds, const std::string& description) {
  return *parser.add_option("--for", seconds, description)
              ->type_name("SECONDS")
              ->check(CLI::Range(seconds_min, seconds_max));
}

std::chrono::milliseconds duration_of(double seconds) {
  return std::chrono::ceil<std::chrono::milliseconds>(std::chrono::duration<double>{seconds});
}

Result<AttachedEngine> attach(const std::string& handle) {
  const char* environment = std::getenv("THEUS_HANDLE");
  const auto found = find_engine({.handle = handle, .environment = environment == nullptr ? "" : environment});
  if (!found)
    return found.error();
  return AttachedEngine::attach(*found);
}

std::string wrong_with_path(const std::string& text) {
  const auto path = Path::parse(text);
  return path ? "" : path.error().cause() + ". " + path.error().remedy();
}

}  // namespace theus::cli

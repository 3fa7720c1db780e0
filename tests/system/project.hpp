#pragma once

#include "tests/system/command_line.hpp"

#include <memory>

namespace theus::testing {

/// A project folder in which `theus run` has sold twice and now hangs, until it is killed or interrupted.
class Project {
public:
  explicit Project(std::vector<std::string> more = {}) {
    flow_ = folder_.file("flow.yaml", "steps: [sell, sell, hang]\n");
    start(std::move(more));
  }

  void start(std::vector<std::string> more = {}) {
    std::vector<std::string> command{THEUS_BINARY_DIR "/bin/theus", "run", flow_, "--module", module("shop")};
    command.insert(command.end(), more.begin(), more.end());
    engines_.push_back(std::make_unique<Subprocess>(command, SubprocessOptions{.folder = path()}));
    engines_.back()->wait_for_err("hanging");
  }

  std::string path() const { return folder_.path().string(); }
  const Folder& folder() const { return folder_; }
  Subprocess& engine() { return *engines_.back(); }
  std::string handle() { return "unix:" + path() + "/.theus/engine-" + std::to_string(engine().pid()); }

  Finished state(std::vector<std::string> arguments) const { return call("state", std::move(arguments)); }
  Finished signal(std::vector<std::string> arguments) const { return call("signal", std::move(arguments)); }
  std::unique_ptr<Subprocess> watch(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"state", "watch"});
    auto watching = begin(std::move(arguments));
    watching->wait_for_err("watching from version");
    return watching;
  }
  /// `theus signal tail` or `hz`, once it listens.
  std::unique_ptr<Subprocess> listen(const std::string& how, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"signal", how});
    auto listening = begin(std::move(arguments));
    listening->wait_for_err("listening");
    return listening;
  }
  std::unique_ptr<Subprocess> begin(std::vector<std::string> command) const {
    command.insert(command.begin(), THEUS_BINARY_DIR "/bin/theus");
    return std::make_unique<Subprocess>(command, SubprocessOptions{.folder = path()});
  }

private:
  Finished call(const std::string& family, std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), family);
    return theus(std::move(arguments), {.folder = path()});
  }

  Folder folder_;
  std::string flow_;
  std::vector<std::unique_ptr<Subprocess>> engines_;
};

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

}  // namespace theus::testing

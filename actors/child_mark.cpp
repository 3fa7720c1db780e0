#include "actors/child_mark.hpp"

#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string_view>

namespace theus::actors {

bool is_marked(const char* name) noexcept {
  const char* const mark = std::getenv(name);
  return mark != nullptr && std::string_view{mark} == std::to_string(::getppid());
}

bool is_orphaned(const char* name) noexcept {
  const char* const mark = std::getenv(name);
  const int parent = mark != nullptr ? std::atoi(mark) : 0;
  return parent > 0 && parent != ::getppid() && ::kill(parent, 0) != 0 && errno == ESRCH;
}

std::string mark_of(const char* name) {
  std::string mark{name};
  mark += '=';
  mark += std::to_string(::getpid());
  return mark;
}

ChildPlan own_program(std::string mark) {
  return {.command = {program_invocation_name}, .file = "/proc/self/exe", .environment = {std::move(mark)}};
}

void take_program_name() noexcept { ::prctl(PR_SET_NAME, program_invocation_short_name); }

void leave(int code) noexcept { ::_exit(code); }

}  // namespace theus::actors

#pragma once

#include "runtime/child_process.hpp"

#include <string>

namespace theus::actors {

// How a process that runs our program knows that we have started it, and ends with us: a variable of its environment
// holds our pid, and it has one end of a socket. By name and pid, so that a program that inherits the environment from
// such a process is none.

/// Where it finds the socket.
inline constexpr int owner_socket = 3;

bool is_marked(const char* name) noexcept;
/// It was started by a process that has ended before it could look.
bool is_orphaned(const char* name) noexcept;
/// "NAME=pid".
std::string mark_of(const char* name);
/// This program, started again with such a mark: it goes by its own name.
ChildPlan own_program(std::string mark);
/// Of a process that was started so: what `ps` calls it. Its name would be that of the link by which it was started.
void take_program_name() noexcept;

/// Ends the process. No destructor runs: what the process has is given back by the kernel, and user code must not hold
/// it up.
[[noreturn]] void leave(int code) noexcept;

}  // namespace theus::actors

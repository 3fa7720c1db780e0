#pragma once

#include "runtime/descriptor.hpp"

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace theus::shm {

/// Who a process is: its pid, which the kernel gives out again, and when it started, in clock ticks since boot.
struct ProcessIdentity {
  pid_t pid = 0;
  std::uint64_t started = 0;

  friend bool operator==(const ProcessIdentity&, const ProcessIdentity&) = default;
};

ProcessIdentity this_process();
/// Nothing when no such process lives; one that has ended but was not waited for does not live.
std::optional<ProcessIdentity> living_process(pid_t pid);
inline bool is_alive(const ProcessIdentity& process) { return living_process(process.pid) == process; }

/// A descriptor that becomes readable when the process ends; empty when it has ended, or is another one by now.
Descriptor watch_process(const ProcessIdentity& process);
/// Whether a descriptor from watch_process says that the process has ended. Does not wait.
bool has_ended(const Descriptor& watched) noexcept;
/// Kills that process, and no other that has its pid by now.
bool kill_process(const Descriptor& watched) noexcept;

}  // namespace theus::shm

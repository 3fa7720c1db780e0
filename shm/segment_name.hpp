#pragma once

// Named segments, for where memfds are forbidden. A name tells all that is needed to know its owner:
//
//   theus-UID-PIDNAMESPACE-PID-STARTED-ENGINE-NUMBER      decimal numbers, ENGINE in hexadecimal
//
// Invariants: (1) A file is made anew (O_EXCL), for its user alone, and has all of its memory before it is mapped.
// (2) Its owner holds a lock (flock) on it as long as it lives; the kernel lets go of it at the owner's death.
// (3) The reaper removes what has such a name, belongs to this user, whose owner is dead by pid and start time, and
// whose lock is free; of other pid namespaces, where pids say nothing, the lock alone decides, and only once the file
// is complete. Nothing else is ever removed.

#include "runtime/descriptor.hpp"
#include "shm/process_identity.hpp"

#include <theus/result.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace theus::shm {

struct NamedFile {
  std::string name;
  Descriptor file;
};

Result<NamedFile> create_named_file(std::uint64_t engine, std::uint32_t number, std::uint64_t bytes);
void remove_name(const std::string& name) noexcept;

struct SegmentName {
  std::uint32_t user = 0;
  std::uint64_t pid_namespace = 0;
  ProcessIdentity owner;
  std::uint64_t engine = 0;
  std::uint32_t number = 0;

  friend bool operator==(const SegmentName&, const SegmentName&) = default;
};

std::string to_text(const SegmentName& name);
/// Nothing when the text is no name that to_text() makes.
std::optional<SegmentName> parse_segment_name(std::string_view text);

struct ReapReport {
  std::vector<std::string> dead;
  std::uint64_t bytes = 0;  ///< of the dead ones
  std::size_t alive = 0;    ///< of living owners
};

/// Removes what dead processes of this user have left in `folder`, where the system keeps shared memory.
ReapReport remove_dead_segments(const std::string& folder = "/dev/shm");
/// Tells what that would remove.
ReapReport find_segments(const std::string& folder = "/dev/shm");

/// Names of buffers that users choose: `[a-z0-9_.-]{1,64}`, and not a name of dots. They never become part of a path.
bool is_heavy_name(std::string_view name) noexcept;

}  // namespace theus::shm

#pragma once

#include <string>

namespace theus::actors {

/// Whether serve_if_worker() was called in this process: it can be started again as a worker.
bool serves_as_worker() noexcept;
/// Whether this process was started as a worker and does not serve yet: nothing else may happen in it.
bool is_idle_worker() noexcept;

/// What tells a process, in its environment, that it is a worker of this one.
std::string worker_mark();

}  // namespace theus::actors

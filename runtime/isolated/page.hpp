#pragma once

// What an engine and one of its workers see at the same time: a page of a sealed memory file that both map.
//
// The engine writes `cancelled`; the worker writes `progress`, of which the engine believes nothing but that it is two
// numbers. The file cannot shrink, so neither side can be hurt by the other's truncating it.

#include "runtime/descriptor.hpp"
#include "runtime/execution.hpp"

#include <memory>

namespace theus {

struct WorkerPage {
  std::atomic<bool> cancelled{false};
  ProgressGauge progress{};
};

static_assert(std::atomic<bool>::is_always_lock_free && std::atomic<std::uint64_t>::is_always_lock_free);

/// A page, and the file by which the other side maps it. Refuses with resource_exhausted.
struct MadePage {
  Descriptor file;
  std::shared_ptr<WorkerPage> page;
};
Result<MadePage> make_worker_page();
/// The same page in the other process. Refuses with bad_input.
Result<std::shared_ptr<WorkerPage>> map_worker_page(const Descriptor& file);

}  // namespace theus

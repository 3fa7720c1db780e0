#include "actors/worker_pool.hpp"

#include "actors/worker_desk.hpp"
#include "runtime/isolated/call.hpp"

namespace theus::actors {

WorkerPool::WorkerPool(WorkerOptions options, std::uint64_t seed, AccessOptions access, LogSink log)
    : desk_(std::make_shared<WorkerDesk>(
          std::move(options), encode_body(to_value(WorkerTerms{seed, std::move(access)})).value(), std::move(log))) {}

WorkerPool::~WorkerPool() { close(); }

void WorkerPool::run(const CallPtr& call, const ExecutionStart& start, Answer answer) {
  auto body = encode_body(to_value(isolated_call(start)));
  if (!body)
    return answer(body.error());
  desk_->add(std::make_shared<WorkerJob>(call, start, *std::move(body), std::move(answer)));
}

void WorkerPool::close() { desk_->close(); }
WorkerPool::Load WorkerPool::load() const { return desk_->load(); }

}  // namespace theus::actors

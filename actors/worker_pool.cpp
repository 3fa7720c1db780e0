#include "actors/worker_pool.hpp"

#include "actors/worker_desk.hpp"
#include "runtime/isolated/call.hpp"

namespace theus::actors {

WorkerPool::WorkerPool(WorkerOptions options, std::uint64_t seed, AccessOptions access, const HeavyZone& heavy,
                       LogSink log)
    : desk_(std::make_shared<WorkerDesk>(
          std::move(options),
          encode_body(to_value(WorkerTerms{seed, shm::HeavyRoom::of(heavy)->options().bytes_max, std::move(access)}))
              .value(),
          shm::HeavyRoom::of(heavy), std::move(log))) {}

WorkerPool::~WorkerPool() { close(); }

void WorkerPool::run(const CallPtr& call, const ExecutionStart& start, Answer answer) {
  const IsolatedCall message = isolated_call(start);
  auto body = encode_body(to_value(message));
  if (!body)
    return answer(body.error());
  auto buffers = held_buffers(desk_->heavy(), message);
  if (!buffers)
    return answer(buffers.error());
  auto job = std::make_shared<WorkerJob>(call, start, *std::move(body), std::move(answer));
  job->buffers = *std::move(buffers);
  desk_->add(std::move(job));
}

void WorkerPool::close() { desk_->close(); }
WorkerPool::Load WorkerPool::load() const { return desk_->load(); }

}  // namespace theus::actors

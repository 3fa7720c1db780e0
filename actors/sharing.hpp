#pragma once

// How the actors of an engine share its threads: one queue for all threads, as in CAF's policy `sharing`, and for the
// same reason: whoever sleeps is woken at once. Two things cost less than there, because they happen for each message
// that reaches an idle actor: nothing is allocated, and the threads do not find out which actor they run, by a
// dynamic_cast, to note it in a table that all of them lock; only CAF's own log reads that.

#include <caf/logger.hpp>
#include <caf/policy/unprofiled.hpp>

#pragma push_macro("CAF_PUSH_AID_FROM_PTR")
#undef CAF_PUSH_AID_FROM_PTR
#define CAF_PUSH_AID_FROM_PTR(actor) static_cast<void>(0)
#include <caf/scheduler/coordinator.hpp>
#pragma pop_macro("CAF_PUSH_AID_FROM_PTR")

#include <condition_variable>
#include <deque>
#include <mutex>

namespace theus::actors {

class Sharing : public caf::policy::unprofiled {
public:
  // CAF asks for these names.
  struct coordinator_data {  // NOLINT(readability-identifier-naming)
    explicit coordinator_data(caf::scheduler::abstract_coordinator*) {}

    std::mutex mutex;  // guards the queue
    std::deque<caf::resumable*> queue;
    std::condition_variable filled;
  };
  struct worker_data {  // NOLINT(readability-identifier-naming)
    explicit worker_data(caf::scheduler::abstract_coordinator*) {}
  };

  template <class Coordinator>
  void central_enqueue(Coordinator* self, caf::resumable* job) {
    coordinator_data& data = d(self);
    {
      const std::lock_guard lock{data.mutex};
      data.queue.push_back(job);
    }
    data.filled.notify_one();
  }
  template <class Worker>
  void external_enqueue(Worker* self, caf::resumable* job) {
    central_enqueue(self->parent(), job);
  }
  template <class Worker>
  void internal_enqueue(Worker* self, caf::resumable* job) {
    central_enqueue(self->parent(), job);
  }
  template <class Worker>
  void resume_job_later(Worker* self, caf::resumable* job) {
    central_enqueue(self->parent(), job);
  }

  template <class Worker>
  caf::resumable* dequeue(Worker* self) {
    caf::logger::set_current_actor_system(nullptr);  // of this thread
    coordinator_data& data = d(self->parent());
    std::unique_lock lock{data.mutex};
    data.filled.wait(lock, [&] { return !data.queue.empty(); });
    caf::resumable* job = data.queue.front();
    data.queue.pop_front();
    return job;
  }

  template <class Worker, class Visit>
  void foreach_resumable(Worker*, Visit) {}
  template <class Coordinator, class Visit>
  void foreach_central_resumable(Coordinator* self, Visit visit) {
    coordinator_data& data = d(self);
    const std::lock_guard lock{data.mutex};
    for (caf::resumable* job : std::exchange(data.queue, {}))
      visit(job);
  }
};

}  // namespace theus::actors

#include "actors/worker_service.hpp"

#include "actors/child_mark.hpp"
#include "actors/rehearsal.hpp"
#include "actors/user_callback.hpp"
#include "runtime/isolated/attempt.hpp"
#include "runtime/isolated/handles.hpp"
#include "runtime/isolated/packets.hpp"
#include "runtime/isolated/page.hpp"
#include "shm/heavy_room.hpp"

#include <theus/isolated.hpp>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <thread>

namespace theus {
namespace actors {
namespace {

constexpr int page_number = 4;
constexpr int exit_done = 0;
constexpr int exit_no_owner = 70;
constexpr const char* mark_name = "THEUS_WORKER_OF";

// Whether main() has called serve_if_worker() is a fact about the process, not about one engine.
// NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables): written once, before there are threads
std::atomic<bool> serves{false};

/// Ends the process when its engine is gone, whatever a body is doing.
void leave_with_owner(int socket) {
  std::thread{[socket] {
    pollfd gone{socket, 0, 0};
    while (::poll(&gone, 1, -1) < 0) {
    }
    leave(exit_done);
  }}.detach();
}

void send_or_leave(int socket, PacketKind kind, const Value& value, std::span<const PassedBuffer> buffers = {}) {
  const auto body = encode_body(value);
  const auto fitting = body ? body : encode_body(failed_value(body.error()));
  if (!fitting ||
      !(body ? send_message(socket, kind, *body, buffers) : send_message(socket, PacketKind::failed, *fitting)))
    leave(exit_no_owner);
}

class Service {
public:
  explicit Service(const std::function<Status(Engine&)>& registration) : registration_(registration) {}

  [[noreturn]] void run() {
    // What a body starts is no worker.
    for (const int number : {owner_socket, page_number})
      ::fcntl(number, F_SETFD, FD_CLOEXEC);
    ::unsetenv(mark_name);
    take_program_name();
    leave_with_owner(socket_);
    while (true) {
      auto message = reader_.next(socket_, 0);
      if (!message || !*message)
        leave(message ? exit_no_owner : exit_done);
      const auto body = decode_body((**message).body);
      if (!body)
        leave(exit_no_owner);
      if ((**message).kind == PacketKind::terms)
        begin(*body);
      else
        answer(*body, std::move((**message).buffers));
    }
  }

private:
  void begin(const Value& told) {
    const auto terms = worker_terms_of(told);
    auto page = map_worker_page(Descriptor{page_number});
    if (!terms || !page)
      return refuse(terms ? page.error() : terms.error());
    page_ = *std::move(page);
    seed_ = terms->seed;
    rehearsal_ = std::make_unique<Rehearsal>(terms->access, seed_);
    heavy_ = std::make_shared<shm::GuestHeavy>(terms->heavy_bytes_max);
    shm::HeavyRoom::of(rehearsal_->engine().heavy())->become_guest(heavy_);
    Status registered;
    if (auto called = call_user([&] { registered = registration_(rehearsal_->engine()); }); !called)
      registered = called;
    if (!registered)
      return refuse(registered.error());
    cast_ = rehearsal_->cast();
    send_or_leave(socket_, PacketKind::ready, Value{});
  }

  void refuse(const Error& error) {
    send_or_leave(socket_, PacketKind::unfit, failed_value(error));
    leave(exit_no_owner);
  }

  void answer(const Value& told, std::vector<PassedBuffer> lent) {
    const auto call = isolated_call_of(told);
    heavy_->begin(std::move(lent));
    auto result = call ? run(*call) : Result<ExecutionResult>{call.error()};
    std::vector<HeavyRef> named;
    if (result)
      each_handle(*result, [&](const HeavyRef& ref) { named.push_back(ref); });
    const auto built = heavy_->end(named);
    if (result && built)
      send_or_leave(socket_, PacketKind::done, done_value(*result), *built);
    else
      send_or_leave(socket_, PacketKind::failed, failed_value(result ? built.error() : result.error()));
  }

  Result<ExecutionResult> run(const IsolatedCall& call) {
    const auto found = cast_.processes.find(call.name);
    if (found == cast_.processes.end())
      return Error{Errc::unknown_process, "'" + call.name + "'", "the worker's program does not register it",
                   "Register it in the function given to serve_if_worker(), or in the module that the worker loads"};
    // Both point into the page: what the engine says there is seen by the body at once, and the other way round.
    auto state = std::make_shared<CallState>();
    state->run_cancelled = {page_, &page_->cancelled};
    state->progress = {page_, &page_->progress};
    return run_isolated(
        found->second.definition, found->second.contract, call, seed_, std::move(state), [this](const LogEntry& entry) {
          send_or_leave(socket_, PacketKind::log, to_value(WorkerLog{entry.level, entry.text, entry.fields}));
        });
  }

  const std::function<Status(Engine&)>& registration_;
  const int socket_ = owner_socket;
  WorkerMessageReader reader_;
  std::shared_ptr<WorkerPage> page_;
  std::uint64_t seed_ = 0;
  std::shared_ptr<shm::GuestHeavy> heavy_;
  std::unique_ptr<Rehearsal> rehearsal_;
  Cast cast_;
};

}  // namespace

bool serves_as_worker() noexcept { return serves.load(std::memory_order_relaxed); }
bool is_idle_worker() noexcept { return !serves_as_worker() && is_marked(mark_name); }

std::string worker_mark() { return mark_of(mark_name); }

}  // namespace actors

void serve_if_worker(const std::function<Status(Engine&)>& registration) {
  const bool is_worker = actors::is_idle_worker();
  actors::serves.store(true, std::memory_order_relaxed);
  if (is_worker)
    actors::Service{registration}.run();
}

}  // namespace theus

#include "actors/worker_desk.hpp"
#include "runtime/isolated/call.hpp"

namespace theus::actors {
namespace {

// Messages of one worker at a time, so that one that writes much does not hold up the others.
constexpr int messages_per_turn = 64;

Error out_of_turn() { return {Errc::bad_input, "a worker's message", "it comes out of turn"}; }

}  // namespace

/// What a worker said, which is heard out before its death is.
void WorkerDesk::hear(const SeatPtr& seat, bool is_dead, Told& told) {
  for (int taken = 0; is_dead || taken < messages_per_turn; ++taken) {
    auto message = seat->worker->next_message(reader_);
    if (message && !*message)
      break;
    const Status understood = message ? take(*seat, **message, told) : Status{message.error()};
    // Behind an answer there is nothing until the next call, and somebody waits for it.
    if (understood && !is_dead && (*message)->kind == PacketKind::done)
      break;
    if (understood)
      continue;
    if (understood.error().code() != Errc::peer_down)
      note(LogLevel::error, *seat, "is not trusted any more: " + understood.error().text());
    is_dead = true;
    break;
  }
  if (is_dead)
    bury(seat, told);
}

/// Refuses what a worker of ours does not say.
Status WorkerDesk::take(Seat& seat, WorkerMessage& message, Told& told) {
  switch (message.kind) {
    case PacketKind::ready: return take_ready(seat, told);
    case PacketKind::unfit: return take_unfit(seat, message, told);
    case PacketKind::log: return take_log(seat, message);
    case PacketKind::done:
    case PacketKind::failed: return take_answer(seat, message, told);
    case PacketKind::terms:
    case PacketKind::call: break;
  }
  return Error{Errc::bad_input, "a worker's message", "it asks what only the engine asks"};
}

Status WorkerDesk::take_ready(Seat& seat, Told& told) {
  const std::lock_guard lock{mutex_};
  if (seat.phase != Seat::Phase::starting)
    return out_of_turn();
  seat.phase = Seat::Phase::idle;
  start_failures_ = 0;
  hand_out(told);
  return {};
}

Status WorkerDesk::take_unfit(Seat& seat, const WorkerMessage& message, Told& told) {
  const auto why = decode_body(message.body);
  const std::lock_guard lock{mutex_};
  if (seat.phase != Seat::Phase::starting)
    return out_of_turn();
  seat.phase = Seat::Phase::leaving;
  refuse_all(why ? error_of_failed(*why) : why.error(), told);
  return {};
}

Status WorkerDesk::take_log(const Seat& seat, const WorkerMessage& message) {
  const auto value = decode_body(message.body);
  auto entry = value ? worker_log_of(*value) : Result<WorkerLog>{value.error()};
  if (!entry)
    return entry.error();
  LogEntry whole;
  {
    const std::lock_guard lock{mutex_};
    if (seat.phase != Seat::Phase::running)
      return out_of_turn();
    if (!log_ || ++seat.job->logged > LogEntry::per_execution_max)
      return {};
    whole = seat.job->heading;
  }
  whole.level = entry->level;
  whole.text = std::move(entry->text);
  whole.fields = std::move(entry->fields);
  log_(whole);
  return {};
}

Status WorkerDesk::take_answer(Seat& seat, WorkerMessage& message, Told& told) {
  const bool is_done = message.kind == PacketKind::done;
  const auto failure = is_done ? Result<Value>{Value{}} : decode_body(message.body);
  if (!failure)
    return failure.error();
  // What there is no room for is the call's failure; what is no sealed buffer is the worker's.
  auto built = adopted_buffers(*heavy_, std::move(message.buffers));
  if (!built && built.error().code() != Errc::no_space && built.error().code() != Errc::unsupported)
    return built.error();
  const std::lock_guard lock{mutex_};
  if (seat.phase != Seat::Phase::running)
    return out_of_turn();
  report_progress(seat);
  told.emplace_back(std::exchange(seat.job, nullptr),
                    built ? Result<WorkerAnswer>{WorkerAnswer{is_done, std::move(message.body), *std::move(built)}}
                          : Result<WorkerAnswer>{built.error()});
  failures_ = 0;
  last_call_ = std::chrono::steady_clock::now();
  // What has filled its memory is still there.
  const bool is_spent = !is_done && error_of_failed(*failure).code() == Errc::resource_exhausted;
  seat.phase = is_spent ? Seat::Phase::leaving : Seat::Phase::idle;
  if (is_spent)
    seat.worker->kill();
  hand_out(told);
  return {};
}

}  // namespace theus::actors

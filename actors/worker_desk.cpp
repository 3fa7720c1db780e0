#include "actors/worker_desk.hpp"

#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>

namespace theus::actors {
namespace {

using std::chrono::milliseconds;
using Steady = std::chrono::steady_clock;

// How often the thread looks at deadlines and wishes to cancel while something runs, and for a while after: so a call
// that is handed to an idle worker need not wake it.
constexpr milliseconds look_interval{20};
constexpr milliseconds alert_after_last_call{1'000};
constexpr milliseconds backoff_least{10};
constexpr milliseconds backoff_most{2'000};
constexpr int backoff_doublings_max = 10;
constexpr int start_failures_max = 3;

milliseconds backoff_after(int failures) {
  return std::min(backoff_most, backoff_least * (1 << std::clamp(failures - 1, 0, backoff_doublings_max)));
}

/// What a worker read when it died, as the log tells it of other readers.
Value lease_lost(pid_t pid, std::span<const shm::Hold> read, Steady::duration age) {
  std::uint64_t bytes = 0;
  for (const shm::Hold& hold : read)
    bytes += hold.bytes().size();
  return {{"event", "lease_lost"},
          {"pid", pid},
          {"leases", read.size()},
          {"bytes", bytes},
          {"age_us", std::chrono::duration_cast<std::chrono::microseconds>(age).count()}};
}

}  // namespace

WorkerDesk::WorkerDesk(WorkerOptions options, std::vector<std::byte> terms, std::shared_ptr<shm::HeavyRoom> heavy,
                       LogSink log)
    : options_(std::move(options)),
      count_max_(options_.count_max > 0 ? options_.count_max : std::max(1U, std::thread::hardware_concurrency())),
      terms_(std::move(terms)),
      heavy_(std::move(heavy)),
      log_(std::move(log)) {}

void WorkerDesk::add(std::shared_ptr<WorkerJob> job) {
  Told told;
  {
    const std::lock_guard lock{mutex_};
    if (const Status open = this->open(); !open) {
      told.emplace_back(std::move(job), open.error());
    } else {
      last_call_ = Steady::now();
      waiting_.push_back(std::move(job));
      hand_out(told);
      if (!waiting_.empty() || wakes_at_ > last_call_ + look_interval)
        ring();
    }
  }
  tell(told);
}

void WorkerDesk::close() {
  std::thread ending;
  {
    const std::lock_guard lock{mutex_};
    is_closing_ = true;
    if (!thread_.joinable())
      return;
    ring();
    ending = std::move(thread_);
  }
  // The last answer may be what lets go of the pool.
  if (ending.get_id() == std::this_thread::get_id())
    ending.detach();
  else
    ending.join();
}

WorkerPool::Load WorkerDesk::load() const {
  const std::lock_guard lock{mutex_};
  return {seats_.size(), count(Seat::Phase::running), waiting_.size(), deaths_};
}

void WorkerDesk::tell(Told& told) {
  for (auto& [job, answer] : told)
    job->answer(std::move(answer));
  told.clear();
}

std::size_t WorkerDesk::count(Seat::Phase phase) const {
  return static_cast<std::size_t>(std::ranges::count(seats_, phase, [](const SeatPtr& seat) { return seat->phase; }));
}

void WorkerDesk::ring() const noexcept {
  const std::uint64_t one = 1;
  // A counter that is full has rung.
  (void)!::write(alarm_.number(), &one, sizeof one);
}

void WorkerDesk::note(LogLevel level, const Seat& seat, std::string text, Value fields) const {
  if (log_)
    log_({level, "worker " + std::to_string(seat.worker->pid()) + " " + std::move(text), std::move(fields), "isolated",
          0, 0, std::chrono::system_clock::now()});
}

void WorkerDesk::report_progress(const Seat& seat) {
  const ProgressGauge& said = seat.worker->page().progress;
  const auto done = said.done.load(std::memory_order_relaxed);
  const auto total = said.total.load(std::memory_order_relaxed);
  if (done == 0 && total == 0)
    return;
  ProgressGauge& shown = *seat.job->call->state().progress;
  shown.done.store(done, std::memory_order_relaxed);
  shown.total.store(total, std::memory_order_relaxed);
}

Status WorkerDesk::open() {
  if (is_closing_)
    return pool_closed();
  if (thread_.joinable())
    return {};
  alarm_ = Descriptor{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
  if (!alarm_)
    return Error{Errc::resource_exhausted, "isolated processes", "there is no descriptor left", "Raise their limit"};
  thread_ = std::thread{[self = shared_from_this()] { self->serve(); }};
  return {};
}

/// Gives what waits to who is idle.
void WorkerDesk::hand_out(Told& told) {
  while (!waiting_.empty()) {
    const JobPtr job = waiting_.front();
    if (job->is_unwanted()) {
      told.emplace_back(job, no_longer_wanted(*job));
      waiting_.pop_front();
      continue;
    }
    const auto found = std::ranges::find(seats_, Seat::Phase::idle, [](const SeatPtr& seat) { return seat->phase; });
    if (found == seats_.end())
      return;
    Seat& seat = **found;
    const auto lent = lent_buffers(job->buffers);
    const auto given = lent ? seat.worker->give(job->body, *lent, options_.processor_time_max) : Status{lent.error()};
    if (!given && given.error().code() != Errc::resource_exhausted) {
      seat.phase = Seat::Phase::leaving;  // it is dead, which its descriptor will tell
      seat.worker->kill();
      continue;
    }
    waiting_.pop_front();
    if (!given) {
      told.emplace_back(job, given.error());
      continue;
    }
    seat.phase = Seat::Phase::running;
    seat.job = job;
    seat.given = Steady::now();
  }
}

void WorkerDesk::refuse_all(const Error& error, Told& told) {
  for (JobPtr& job : waiting_)
    told.emplace_back(std::move(job), error);
  waiting_.clear();
}

void WorkerDesk::look_at(Seat& seat, Time now) const {
  WorkerJob& job = *seat.job;
  report_progress(seat);
  if (now >= job.call->deadline())
    job.call->expire(now);
  if (!job.is_unwanted())
    return;
  if (!job.told_to_stop) {
    seat.worker->page().cancelled.store(true);
    job.told_to_stop = now;
  } else if (now >= *job.told_to_stop + options_.grace) {
    seat.worker->kill();
  }
}

void WorkerDesk::serve() {
  for (;;) {
    Told told;
    const auto now = Steady::now();
    const auto until = look_at_deadlines(now, told);
    tell(told);
    if (!until)
      return end_all();
    if (wants_worker(now))
      start_one(told);
    else
      listen(*until, told);
    tell(told);
  }
}

bool WorkerDesk::wants_worker(Time now) const {
  const std::lock_guard lock{mutex_};
  return !is_closing_ && now >= next_start_ && seats_.size() < count_max_ &&
         waiting_.size() > count(Seat::Phase::starting);
}

/// Stops and kills what is over its time; until when the thread may sleep, or nothing when it is to end.
std::optional<WorkerDesk::Time> WorkerDesk::look_at_deadlines(Time now, Told& told) {
  const std::lock_guard lock{mutex_};
  if (is_closing_)
    return std::nullopt;
  bool is_alert = now < last_call_ + alert_after_last_call;
  std::erase_if(waiting_, [&](const JobPtr& job) {
    if (now >= job->call->deadline())
      job->call->expire(now);
    if (!job->is_unwanted())
      return false;
    told.emplace_back(job, no_longer_wanted(*job));
    return true;
  });
  for (const SeatPtr& seat : seats_) {
    is_alert = is_alert || seat->phase != Seat::Phase::idle;
    if (seat->phase == Seat::Phase::starting && now >= seat->started + options_.start_timeout)
      seat->worker->kill();
    if (seat->phase == Seat::Phase::running)
      look_at(*seat, now);
  }
  is_alert = is_alert || !waiting_.empty();
  wakes_at_ = is_alert ? now + look_interval : Time::max();
  return wakes_at_;
}

void WorkerDesk::start_one(Told& told) {
  auto worker = Worker::start(options_, terms_);
  const std::lock_guard lock{mutex_};
  if (!worker)
    return refuse_all(worker.error(), told);
  seats_.push_back(std::make_shared<Seat>(Seat{.worker = *std::move(worker), .started = Steady::now()}));
}

void WorkerDesk::listen(Time until, Told& told) {
  const std::vector<SeatPtr> present{seats_.begin(), seats_.end()};
  std::vector<pollfd> asked{{alarm_.number(), POLLIN, 0}};
  for (const SeatPtr& seat : present) {
    asked.push_back({seat->worker->socket(), POLLIN, 0});
    asked.push_back({seat->worker->watched(), POLLIN, 0});
  }
  const auto left = std::chrono::ceil<milliseconds>(until == Time::max() ? Steady::duration{0} : until - Steady::now());
  const int sleep = until == Time::max() ? -1 : static_cast<int>(std::max<std::int64_t>(left.count(), 0));
  if (::poll(asked.data(), asked.size(), sleep) <= 0)
    return;
  if (std::uint64_t rung = 0; asked[0].revents != 0)
    (void)!::read(alarm_.number(), &rung, sizeof rung);
  for (std::size_t i = 0; i < present.size(); ++i)
    if (asked[1 + 2 * i].revents != 0 || asked[2 + 2 * i].revents != 0)
      hear(present[i], asked[2 + 2 * i].revents != 0, told);
}

/// Takes the worker's end, and gives its call to another one, or an answer.
void WorkerDesk::bury(const SeatPtr& seat, Told& told) {
  const pid_t pid = seat->worker->pid();
  const ChildEnd end = seat->worker->end();
  const auto now = Steady::now();
  Seat::Phase phase{};
  JobPtr job;
  Value lost;
  {
    const std::lock_guard lock{mutex_};
    seats_.remove(seat);
    ++deaths_;
    phase = std::exchange(seat->phase, Seat::Phase::leaving);
    job = std::exchange(seat->job, nullptr);
    if (job != nullptr && !job->buffers.empty())
      lost = lease_lost(pid, job->buffers, now - seat->given);
    if (phase != Seat::Phase::leaving)
      next_start_ = now + backoff_after(++failures_);
    if (phase == Seat::Phase::starting && ++start_failures_ >= start_failures_max) {
      start_failures_ = 0;
      refuse_all(never_ready(pid, end), told);
    }
    if (job != nullptr) {
      ++job->deaths;
      if (job->told_to_stop || job->is_unwanted())
        told.emplace_back(job, no_longer_wanted(*job));
      else if (job->deaths >= options_.deaths_max)
        told.emplace_back(job, worker_died(*job, pid, end));
      else
        waiting_.push_front(job);
    }
    hand_out(told);
  }
  if (phase != Seat::Phase::leaving)
    note(LogLevel::warning, *seat,
         "ended with " + end.text() + (job ? " while it ran '" + job->name() + "'" : std::string{}), std::move(lost));
}

void WorkerDesk::end_all() {
  Told told;
  std::list<SeatPtr> ending;
  {
    const std::lock_guard lock{mutex_};
    refuse_all(pool_closed(), told);
    for (const SeatPtr& seat : seats_) {
      seat->worker->kill();
      if (seat->job)
        told.emplace_back(std::exchange(seat->job, nullptr), pool_closed());
    }
    ending.swap(seats_);
  }
  ending.clear();  // waits for each, outside of the lock
  tell(told);
}

}  // namespace theus::actors

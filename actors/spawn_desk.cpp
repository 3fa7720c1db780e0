#include "actors/spawn_desk.hpp"

#include "actors/child_mark.hpp"
#include "actors/signals_blocked.hpp"
#include "actors/user_callback.hpp"
#include "runtime/isolated/call.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

namespace theus {

using State = SpawnedStatus::State;

SpawnedStatus SpawnedProcess::Kept::status() const {
  const std::lock_guard lock{mutex_};
  return course_.status();
}

bool SpawnedProcess::Kept::is_to_stop() const {
  const std::lock_guard lock{mutex_};
  return is_to_stop_;
}

void SpawnedProcess::Kept::kill(int pid) {
  const std::lock_guard lock{mutex_};
  if (course_.status().pid != pid)
    return;
  kill_ = pid;
  ::eventfd_write(alarm_->number(), 1);
}

bool SpawnedProcess::Kept::takes_kill(int pid) {
  const std::lock_guard lock{mutex_};
  return std::exchange(kill_, 0) == pid;
}

Status SpawnedProcess::Kept::wait_until_running(std::chrono::milliseconds timeout) const {
  std::unique_lock lock{mutex_};
  const SpawnedStatus& now = course_.status();
  const auto is_told = [&] {
    return now.state == State::running || now.state == State::gave_up || now.state == State::stopped;
  };
  const std::string where = "process '" + now.name + "'";
  if (!changed_.wait_for(lock, timeout, is_told))
    return Error{Errc::timeout, where, "it does not run yet; it is " + std::string{to_string(now.state)},
                 "Wait longer, or look at its standard error"};
  if (now.state == State::gave_up)
    return *now.fault;
  return now.state == State::running ? Status{} : Error{Errc::closed, where, "it was stopped", "Spawn it again"};
}

void SpawnedProcess::Kept::stop() {
  std::unique_lock lock{mutex_};
  is_to_stop_ = true;
  ::eventfd_write(alarm_->number(), 1);
  const SpawnedStatus& now = course_.status();
  changed_.wait(lock, [&] { return now.state == State::gave_up || now.state == State::stopped; });
}

SpawnedStatus SpawnedProcess::status() const { return kept_->status(); }
Status SpawnedProcess::wait_until_running(std::chrono::milliseconds timeout) const {
  return kept_->wait_until_running(timeout);
}
void SpawnedProcess::stop() { kept_->stop(); }

namespace actors {
namespace {

// Beyond so many, those that have ended for good are forgotten.
constexpr std::size_t kept_max = 1000;

}  // namespace

Result<std::shared_ptr<SpawnedProcess::Kept>> SpawnDesk::keep(std::string name, bool is_module, SpawnOptions options) {
  const std::lock_guard lock{mutex_};
  if (is_closing_)
    return Error{Errc::closed, "spawn_process", "the engine was shut down", "Create another engine"};
  if (alarm_ == nullptr)
    alarm_ = std::make_shared<const Descriptor>(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!*alarm_) {
    alarm_ = nullptr;
    return Error{Errc::resource_exhausted, "spawn_process", "there is no descriptor left", "Raise their limit"};
  }
  SpawnTerms terms{.handle = handle_, .name = name, .is_module = is_module, .grace_ms = options.grace.count()};
  std::vector<std::string> command = options.command;
  auto kept = std::make_shared<SpawnedProcess::Kept>(std::move(name), std::move(options), alarm_);
  if (kept_.size() >= kept_max)
    std::erase_if(kept_, [](const KeptPtr& each) {
      const State state = each->status().state;
      return state == State::stopped || state == State::gave_up;
    });
  kept_.push_back(kept);
  arriving_.push_back({.kept = kept, .terms = std::move(terms), .command = std::move(command)});
  if (!thread_.joinable()) {
    const SignalsBlocked blocked;
    thread_ = std::thread{[this] { serve(); }};
  }
  ::eventfd_write(alarm_->number(), 1);
  return kept;
}

std::vector<SpawnedStatus> SpawnDesk::list() const {
  const std::lock_guard lock{mutex_};
  std::vector<SpawnedStatus> all;
  for (const KeptPtr& each : kept_)
    all.push_back(each->status());
  return all;
}

HostOutlook SpawnDesk::outlook(int pid) const {
  const std::vector<SpawnedStatus> all = list();
  if (std::ranges::any_of(
          all, [](State each) { return each == State::waiting || each == State::starting; }, &SpawnedStatus::state))
    return HostOutlook::coming;
  return std::ranges::find(all, pid, &SpawnedStatus::pid) != all.end() ? HostOutlook::runs_still : HostOutlook::none;
}

void SpawnDesk::kill(int pid) const {
  const std::lock_guard lock{mutex_};
  for (const KeptPtr& each : kept_)
    each->kill(pid);
}

void SpawnDesk::close() {
  {
    const std::lock_guard lock{mutex_};
    is_closing_ = true;
    if (!thread_.joinable())
      return;
    ::eventfd_write(alarm_->number(), 1);
  }
  thread_.join();
}

void SpawnDesk::serve() {
  for (;;) {
    bool is_closing = false;
    {
      const std::lock_guard lock{mutex_};
      is_closing = is_closing_;
      std::ranges::move(arriving_, std::back_inserter(seats_));
      arriving_.clear();
    }
    const Time now = std::chrono::steady_clock::now();
    Time until = Time::max();
    for (auto seat = seats_.begin(); seat != seats_.end();) {
      const auto next = tend(*seat, is_closing, now);
      seat = next ? std::next(seat) : seats_.erase(seat);
      until = std::min(until, next.value_or(Time::max()));
    }
    if (is_closing && seats_.empty())
      return;
    std::vector<pollfd> waiting{{alarm_->number(), POLLIN, 0}};
    for (const Seat& seat : seats_) {
      waiting.push_back({seat.socket.number(), POLLIN, 0});
      waiting.push_back({seat.child ? seat.child->watched() : -1, POLLIN, 0});
    }
    constexpr std::chrono::milliseconds longest = std::chrono::hours{1};
    const auto left = until == Time::max() ? longest : std::chrono::ceil<std::chrono::milliseconds>(until - now);
    ::poll(waiting.data(), waiting.size(),
           static_cast<int>(std::clamp(left, std::chrono::milliseconds{0}, longest).count()));
    eventfd_t rings = 0;
    ::eventfd_read(alarm_->number(), &rings);
    for (std::size_t place = 1; Seat & seat : seats_) {
      // What it said before it died counts.
      if (waiting[place].revents != 0 || waiting[place + 1].revents != 0)
        hear(seat);
      if (waiting[place + 1].revents != 0)
        bury(seat);
      place += 2;
    }
  }
}

std::optional<SpawnDesk::Time> SpawnDesk::tend(Seat& seat, bool is_closing, Time now) const {
  const bool is_to_stop = is_closing || seat.kept->is_to_stop();
  if (!seat.child) {
    const State state = seat.kept->status().state;
    if (is_to_stop || state == State::gave_up) {
      seat.kept->with_course([](SpawnCourse& course) { course.stopped(); });
      return std::nullopt;
    }
    if (seat.kept->with_course([&](SpawnCourse& course) { return course.wants_start(now); }))
      start(seat, now);
    return seat.kept->with_course([](SpawnCourse& course) { return course.look_at(); });
  }
  if (is_to_stop && !seat.asked_at) {
    seat.asked_at = now;
    seat.socket = Descriptor{};
  }
  const auto [kill_at, is_overdue] = seat.kept->with_course([&](SpawnCourse& course) {
    return std::pair{seat.asked_at ? *seat.asked_at + course.options().grace : course.look_at(),
                     course.is_overdue(now)};
  });
  if (is_overdue || (seat.asked_at && now >= kill_at) || seat.kept->takes_kill(seat.child->pid())) {
    seat.child->kill();
    return Time::max();  // its death is told
  }
  return kill_at;
}

void SpawnDesk::start(Seat& seat, Time now) const {
  std::array<int, 2> ends{-1, -1};
  const auto failed = [&](const Error& error) {
    note(LogLevel::warning, "process '" + seat.terms.name + "' could not be started: " + error.text());
    seat.kept->with_course([&](SpawnCourse& course) { course.ended("no start", error, now); });
  };
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return failed(Error{Errc::resource_exhausted, "the socket of a process", std::generic_category().message(errno),
                        "Free descriptors, or raise their limit"});
  Descriptor ours{ends[0]};
  const Descriptor theirs{ends[1]};
  const auto terms = encode_body(to_value(seat.terms));
  if (!terms)
    return failed(terms.error());
  ChildPlan plan = own_program(spawn_mark());
  if (!seat.command.empty())
    plan = {.command = seat.command, .environment = std::move(plan.environment)};
  plan.descriptors = {theirs.number()};
  auto child = ChildProcess::start(plan);
  if (!child)
    return failed(child.error());
  if (auto told = send_message(ours.number(), PacketKind::terms, *terms); !told)
    return failed(told.error());
  seat.kept->with_course([&](SpawnCourse& course) { course.started(child->pid(), now); });
  seat.child = *std::move(child);
  seat.socket = std::move(ours);
  seat.said.reset();
}

void SpawnDesk::hear(Seat& seat) {
  while (seat.socket) {
    const auto message = reader_.next(seat.socket.number(), MSG_DONTWAIT);
    if (message && !*message)
      return;
    if (!message) {
      seat.socket = Descriptor{};
      return;
    }
    const auto body = decode_body((**message).body);
    if (body && (**message).kind == PacketKind::ready && body->is_int() && body->as_int() >= 0)
      seat.kept->with_course([&](SpawnCourse& course) { course.ready(static_cast<std::uint64_t>(body->as_int())); });
    else if (body && (**message).kind == PacketKind::unfit)
      seat.said = error_of_failed(*body);
  }
}

void SpawnDesk::bury(Seat& seat) const {
  const int pid = seat.child->pid();
  const ChildEnd end = seat.child->wait(std::chrono::milliseconds{0}).value_or(ChildEnd{});
  seat.child.reset();
  seat.socket = Descriptor{};
  if (seat.asked_at)
    return seat.kept->with_course([](SpawnCourse& course) { course.stopped(); });
  const auto now = std::chrono::steady_clock::now();
  const SpawnedStatus status = seat.kept->with_course([&](SpawnCourse& course) {
    course.ended(end.text(), std::move(seat.said), now);
    return course.status();
  });
  const bool is_over = status.state == State::gave_up;
  note(is_over ? LogLevel::error : LogLevel::warning,
       "process " + std::to_string(pid) + " ('" + seat.terms.name + "') ended with " + end.text() +
           (is_over ? " and is given up: " + status.fault->text() : "; it is started again"));
}

void SpawnDesk::note(LogLevel level, const std::string& text) const {
  if (log_)
    (void)call_user([&] { log_({level, text, Value::map(), "spawn", 0, 0, std::chrono::system_clock::now()}); });
}

}  // namespace actors
}  // namespace theus

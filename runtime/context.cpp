#include "runtime/execution.hpp"

namespace theus {

Execution& Context::live() const {
  if (execution_->is_closed())
    raise(Error{Errc::closed, "'" + execution_->start().contract->name() + "'",
                "its Context was used after the body returned",
                "Copy what is needed later; a Context ends with its body"});
  return *execution_;
}

const std::string& Context::name() const { return live().start().contract->name(); }
Version Context::version() const { return live().snapshot().version(); }
int Context::attempt() const { return live().start().attempt; }
std::chrono::system_clock::time_point Context::now() const { return live().start().time; }
RandomStream& Context::random() { return live().random(); }
void Context::enter_stage(std::string_view name) { live().enter_stage(name); }
const Value& arguments_of(const Context& context) noexcept { return context.arguments(); }

const Value& Context::arguments() const { return live().start().arguments; }

Value Context::argument_value(std::string_view name) const {
  const Value* value = arguments().find(name);
  if (value == nullptr)
    raise(Error{Errc::bad_argument, "'" + this->name() + "'", "the argument '" + std::string{name} + "' was not passed",
                "Pass it, or read it with a default"});
  return *value;
}

std::optional<Value> Context::find(const Path& path) const { return live().read(path).value(); }
void Context::write(Write change) { live().write(change).value(); }

void Context::move(const Path& from, const Path& to) {
  auto value = find(from);
  if (!value)
    refuse_absent(from);
  erase(from);
  set(to, *std::move(value));
}

Value& Context::local() { return live().local(); }
Value& Context::agent_state() { return live().agent_state(); }
void Context::admin(std::string_view reason) { live().elevate(reason).value(); }
void Context::emit(std::string_view signal, Value payload, std::source_location from) {
  live().emit(signal, std::move(payload), from).value();
}

void Context::send(std::string_view agent, Value message) { live().send(agent, std::move(message)).value(); }

const Trigger& Context::trigger() const {
  static const Trigger called;
  const Trigger* trigger = live().start().trigger;
  return trigger == nullptr ? called : *trigger;
}

void Context::progress(std::uint64_t done, std::uint64_t total) {
  ProgressGauge& gauge = *live().start().call->progress;
  gauge.done.store(done, std::memory_order_relaxed);
  gauge.total.store(total, std::memory_order_relaxed);
}

bool Context::is_cancelled() const { return live().is_cancelled(); }

void Context::refuse_absent(const Path& path) const {
  raise(Error{Errc::bad_argument, "'" + name() + "', path " + path.text(), "there is nothing at this path",
              "Read it with a default, or make sure it is written before"});
}

void Context::refuse_kind(const Path& path, const Error& why) const {
  raise(Error{why.code(), "'" + name() + "', path " + path.text(), why.cause(), why.remedy()});
}

void Context::write_log(LogLevel level, std::string_view text, Value fields) const {
  live().log(level, text, std::move(fields));
}

}  // namespace theus

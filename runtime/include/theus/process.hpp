#pragma once

#include <theus/convert.hpp>
#include <theus/fields.hpp>
#include <theus/path.hpp>
#include <theus/value.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <tuple>
#include <vector>

namespace theus {

class Context;

/// pure: reads its declared inputs and returns; no signals, no outbox.
/// effect: may emit signals and use its declared side effects.
/// guide: reads, writes nothing; its result steers workflows.
enum class Semantic : std::uint8_t { pure, effect, guide };

std::string_view to_string(Semantic semantic) noexcept;

/// What a body says about one output: a value to set, or one of the two marks.
class Output {
public:
  enum class Kind : std::uint8_t { set, erase, unchanged };

  Output(Value value) : value_(std::move(value)), kind_(Kind::set) {}
  Output(const char* text) : Output(Value{text}) {}
  template <class T>
    requires(Convertible<T> && !std::same_as<T, Value> && !std::same_as<T, Output>)
  Output(const T& object) : Output(to_value(object)) {}

  /// The output is removed from the state (null is a value like any other).
  static Output erase() { return Output{Kind::erase}; }
  /// The output stays as it is.
  static Output unchanged() { return Output{Kind::unchanged}; }

  Kind kind() const noexcept { return kind_; }
  const Value& value() const noexcept { return value_; }

private:
  explicit Output(Kind kind) : kind_(kind) {}

  Value value_;
  Kind kind_;
};

/// What a body returned, before it is mapped onto the declared outputs.
///
/// One output takes one value. Several take a tuple of exactly as many, or outputs named by full path or by their
/// last segment where that is unique; a map Value (or a struct) names them by its keys.
struct Returned {
  enum class Form : std::uint8_t { nothing, one, tuple, named };

  Form form = Form::nothing;
  std::vector<Output> outputs;
  std::vector<std::string> names;  ///< with Form::named, one per output

  Returned() = default;
  Returned(Value value) : form(Form::one), outputs{Output{std::move(value)}} {}
  Returned(Output output) : form(Form::one), outputs{std::move(output)} {}
  template <class... Parts>
  Returned(const std::tuple<Parts...>& parts) : form(Form::tuple) {
    std::apply([this](const auto&... part) { (outputs.push_back(Output{part}), ...); }, parts);
  }

  /// `return Returned::named({{"domain.total", 3}, {"domain.draft", Output::erase()}});`
  static Returned named(std::vector<std::pair<std::string, Output>> members);
};

/// The arguments of the call that runs.
const Value& arguments_of(const Context& context) noexcept;

/// What a function takes after the Context&: the type of a process's arguments.
template <class F>
struct ArgumentsOf : ArgumentsOf<decltype(&F::operator())> {};
template <class R, class T>
struct ArgumentsOf<R (*)(Context&, T)> {
  using type = std::remove_cvref_t<T>;
};
template <class R, class F, class T>
struct ArgumentsOf<R (F::*)(Context&, T)> : ArgumentsOf<R (*)(Context&, T)> {};
template <class R, class F, class T>
struct ArgumentsOf<R (F::*)(Context&, T) const> : ArgumentsOf<R (*)(Context&, T)> {};

/// The function of a process or agent. Made of any callable that takes a Context&, and perhaps the arguments of the
/// call as a struct (THEUS_FIELDS; arguments of another kind are refused with bad_argument before it runs), and returns
/// nothing, a Status, a value (anything Convertible), an Output, a tuple, a Returned, or a Result of one of these.
///
/// A body may run again after a conflict; effects therefore belong into signals and the outbox. Throwing aborts the
/// execution: nothing it wrote, emitted or posted remains.
class Body {
public:
  Body() = default;

  template <class F>
    requires(std::invocable<F&, Context&> && !std::same_as<std::remove_cvref_t<F>, Body>)
  Body(F function)
      : call_([function = std::move(function)](Context& context) mutable -> Result<Returned> {
          using Out = std::invoke_result_t<F&, Context&>;
          if constexpr (std::is_void_v<Out>) {
            function(context);
            return Returned{};
          } else {
            return returned(function(context));
          }
        }) {}

  template <class F>
    requires(!std::invocable<F&, Context&> && HasFields<typename ArgumentsOf<F>::type>)
  Body(F function) : argument_names_(field_names<typename ArgumentsOf<F>::type>()) {
    using Arguments = typename ArgumentsOf<F>::type;
    call_ = [function = std::move(function)](Context& context) mutable -> Result<Returned> {
      const auto arguments = arguments_of(context).template get<Arguments>();
      if (!arguments)
        return arguments.error();
      if constexpr (std::is_void_v<std::invoke_result_t<F&, Context&, const Arguments&>>) {
        function(context, *arguments);
        return Returned{};
      } else {
        return returned(function(context, *arguments));
      }
    };
  }

  Result<Returned> operator()(Context& context) const { return call_(context); }
  /// The members of the struct that it takes.
  const std::vector<std::string>& argument_names() const noexcept { return argument_names_; }
  explicit operator bool() const noexcept { return static_cast<bool>(call_); }

private:
  static Result<Returned> returned(Returned what) { return what; }
  static Result<Returned> returned(const Status& status) {
    return status ? Result<Returned>{Returned{}} : Result<Returned>{status.error()};
  }
  static Result<Returned> returned(const Error& error) { return error; }
  template <class... Parts>
  static Result<Returned> returned(const std::tuple<Parts...>& parts) {
    return Returned{parts};
  }
  static Result<Returned> returned(const char* text) { return Returned{Value{text}}; }
  template <Convertible T>
  static Result<Returned> returned(const T& object) {
    return Returned{to_value(object)};
  }
  template <class T>
  static Result<Returned> returned(const Result<T>& result) {
    return result ? returned(*result) : Result<Returned>{result.error()};
  }

  std::function<Result<Returned>(Context&)> call_;
  std::vector<std::string> argument_names_;
};

/// A named function with a declared contract: which paths it reads and writes. Paths may hold wildcards: `*` stands
/// for one segment, `**` for any number; a declared path grants everything below it.
struct Process {
  std::string name;
  std::vector<std::string> inputs{};
  std::vector<std::string> outputs{};
  Semantic semantic = Semantic::effect;
  /// Names of the arguments a call may pass; others are refused. Empty: those of the struct that the body takes, if
  /// any.
  std::vector<std::string> arguments{};
  /// Capability tokens: "write:global" grants writing below a root key of policy `granted`, "admin" lets the body ask
  /// for elevation.
  std::vector<std::string> side_effects{};
  /// The errors that the body may return or throw with a code of its own. Any other is then answered as
  /// `process_failed`, with the undeclared code in its field `undeclared`. Empty: errors pass as they are.
  std::vector<Errc> errors{};
  /// Runs the body twice on the same inputs, and refuses (contract_violation, rule "pure_effect") different results.
  /// For pure processes only.
  bool verify_pure = false;
  /// The body waits for something outside, or computes for long: it runs on a thread of its own instead of one that
  /// actors share, so that neither it nor, past its deadline, what is left of it holds them up.
  bool blocking = false;
  /// The body runs in another process of the operating system, which is killed when it overruns its deadline, and
  /// replaced when it dies: a crash, a hang or a leak costs this execution and nothing else. See <theus/isolated.hpp>,
  /// and docs/isolated.md for what a body may do there, heavy buffers included. Refused together with the side effect
  /// `admin`.
  bool isolated = false;
  /// Time from the call to the commit, retries included.
  std::chrono::milliseconds timeout{30'000};
  /// How often the body may run when other commits interfere.
  int attempts_max = 8;
  Body body{};
};

/// What is known about a registered process.
struct ProcessInfo {
  std::string name;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  Semantic semantic;
  std::vector<std::string> arguments;
  std::vector<std::string> side_effects;
  std::vector<Errc> errors;
  bool verify_pure;
  bool blocking;
  bool isolated;
  std::chrono::milliseconds timeout;
  int attempts_max;
};

}  // namespace theus

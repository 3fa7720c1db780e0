#pragma once

#include <theus/context.hpp>

#include <string>
#include <tuple>
#include <type_traits>
#include <utility>

namespace theus {

/// One function of a pipeline, under the name that errors tell.
template <class F>
struct Stage {
  std::string name;
  F function;
};

template <class F>
Stage(std::string, F) -> Stage<F>;

namespace detail {

template <class F>
struct NamedStage {
  static Stage<F> of(F function, std::size_t number) { return {std::to_string(number), std::move(function)}; }
};
template <class F>
struct NamedStage<Stage<F>> {
  static Stage<F> of(Stage<F> stage, std::size_t) { return stage; }
};

template <class T>
inline constexpr bool is_result = false;
template <class T>
inline constexpr bool is_result<Result<T>> = true;

/// Calls the function with what the stage before gave; a stage may ask for the Context as well, or for nothing else.
template <class F, class... Before>
decltype(auto) call_stage(F& function, Context& context, Before&&... before) {
  if constexpr (std::invocable<F&, Context&, Before...>)
    return function(context, std::forward<Before>(before)...);
  else {
    static_assert(std::invocable<F&, Before...>, "a stage takes what the stage before it returns");
    return function(std::forward<Before>(before)...);
  }
}

template <std::size_t Index, class Stages, class... Before>
auto run_stages(Stages& stages, Context& context, Before&&... before) {
  auto& stage = std::get<Index>(stages);
  context.enter_stage(stage.name);
  using Out = decltype(call_stage(stage.function, context, std::forward<Before>(before)...));
  if constexpr (Index + 1 == std::tuple_size_v<Stages>) {
    return call_stage(stage.function, context, std::forward<Before>(before)...);
  } else if constexpr (is_result<std::remove_cvref_t<Out>>) {
    auto result = call_stage(stage.function, context, std::forward<Before>(before)...);
    if constexpr (std::is_same_v<std::remove_cvref_t<Out>, Status>) {
      result.value();
      return run_stages<Index + 1>(stages, context);
    } else {
      return run_stages<Index + 1>(stages, context, std::move(result).value());
    }
  } else if constexpr (std::is_void_v<Out>) {
    call_stage(stage.function, context, std::forward<Before>(before)...);
    return run_stages<Index + 1>(stages, context);
  } else {
    return run_stages<Index + 1>(stages, context, call_stage(stage.function, context, std::forward<Before>(before)...));
  }
}

}  // namespace detail

/// Functions composed into one body: each takes what the one before returned, the Context too if it wants to. One
/// execution, one snapshot, one commit. A Result is passed on as its value; the first error or exception ends the body,
/// and names the stage.
///
/// `pipeline([](Context& ctx) { return ctx.get<int>("domain.x"); }, Stage{"double", [](int x) { return 2 * x; }})`
template <class... Functions>
  requires(sizeof...(Functions) > 0)
auto pipeline(Functions... functions) {
  auto number = std::size_t{0};
  return [stages = std::tuple{detail::NamedStage<Functions>::of(std::move(functions), ++number)...}](
             Context& context) mutable { return detail::run_stages<0>(stages, context); };
}

}  // namespace theus

#pragma once

#include <theus/value.hpp>
#include <theus/version.hpp>

#include <chrono>
#include <coroutine>
#include <functional>
#include <future>
#include <memory>
#include <stop_token>
#include <string>

namespace theus {

/// Runs what it is given, once, on whatever thread it likes.
using Executor = std::function<void(std::function<void()>)>;

struct ExecuteOptions {
  /// Overrides the process's own; 0: the process's own.
  std::chrono::milliseconds timeout{0};
  /// A repetition of the call with the same id and arguments commits nothing more and gets the first result, as long as
  /// it is remembered. Empty: none.
  std::string request_id{};
  /// Ends the call with `cancelled` when its source is asked to stop, unless its commit is under way: the body is told
  /// through Context::is_cancelled(), and nothing of it is committed.
  std::stop_token cancel{};
  /// Where what follows an asynchronous execution runs; nothing: on a thread of the engine, which it must leave soon.
  Executor executor{};
};

/// What an execution gave.
struct Executed {
  Value value;          ///< what the body returned
  Version version = 0;  ///< of its commit; of its snapshot when it changed nothing
  int attempts = 0;

  /// The value as a C++ type; bad_argument when it is of another kind.
  template <class T>
  Result<T> get() const {
    return value.get<T>();
  }
};

/// An execution that is under way. Its result is taken once: by get(), `co_await`, future() or then(). Dropped, the
/// execution goes on unheard. Belongs to one thread at a time; may outlive its Engine, which answers all it has begun.
class [[nodiscard]] PendingExecution {
public:
  PendingExecution(PendingExecution&&) noexcept;
  PendingExecution& operator=(PendingExecution&&) noexcept;
  ~PendingExecution();

  /// Waits for the result, at most until the execution's deadline has passed.
  Result<Executed> get();
  /// Whether there is a result by then.
  bool wait_for(std::chrono::nanoseconds timeout) const;
  /// As a request to stop of ExecuteOptions::cancel.
  void cancel();

  /// `done` gets the result, on the executor or at once when there is one already; it must not throw.
  void then(std::function<void(Result<Executed>)> done) &&;
  std::future<Result<Executed>> future() &&;

  // `co_await engine.execute_async("price")` gives the Result; the coroutine goes on as then() says.
  bool await_ready() const;
  void await_suspend(std::coroutine_handle<> waiting);
  Result<Executed> await_resume();

private:
  friend class Engine;
  struct State;
  explicit PendingExecution(std::shared_ptr<State> state) noexcept;

  std::shared_ptr<State> state_;
};

}  // namespace theus

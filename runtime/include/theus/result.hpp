#pragma once

#include <cassert>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

namespace theus {

class Value;

/// Why an operation was refused. Numbers are stable: they cross process
/// boundaries and stand in journals and reports. Never renumber, only add.
enum class Errc : std::uint16_t {
  version_mismatch = 100,

  contract_violation = 110,
  schema_violation = 120,

  audit_stop = 130,
  audit_abort = 131,
  audit_block = 132,

  process_failed = 140,
  deadline = 150,

  cancelled = 160,
  closed = 161,
  forked = 162,
  nested_call = 163,
  unknown_process = 164,
  unknown_agent = 165,
  duplicate_name = 166,
  bad_argument = 167,
  unsupported = 168,

  overloaded = 170,
  resource_exhausted = 171,
  too_large = 172,
  too_deep = 173,

  safety_trip = 180,

  bad_workflow = 190,
  bad_recipe = 191,
  bad_schema = 192,
  bad_expression = 193,
  bad_input = 194,

  journal_failed = 200,
  disk_full = 201,
  journal_corrupt = 202,
  journal_in_use = 203,
  journal_version = 204,

  not_replayable = 210,
  replay_diverged = 211,

  lagged = 220,
  timeout = 221,
  empty = 222,

  no_space = 230,
  expired_handle = 231,
  bad_handle = 232,
  heavy_lost = 233,
  heavy_dirty = 234,

  join_refused = 240,
  peer_down = 241,
  owner_down = 242,
  stale_epoch = 243,
  worker_died = 244,

  outbox_full = 250,
  undeliverable = 251,

  shutdown_stuck = 260,
  internal = 270,
};

/// The stable name of a code, for example "version_mismatch"; "unknown" for a number that is none.
std::string_view to_string(Errc code) noexcept;

/// The exit code with which the command line reports this error.
int exit_code(Errc code) noexcept;

/// A refusal: what happened (code), where, why (cause) and what to do about it (remedy), plus named
/// fields such as `expected` and `actual`. Copies share one immutable text, so passing it on is cheap.
/// Thread-safe to read.
class [[nodiscard]] Error {
public:
  Error(Errc code, std::string where, std::string cause, std::string remedy = {});

  /// Adds or replaces a field.
  Error& set(std::string_view field, Value value);
  Error with(std::string_view field, Value value) &&;

  Errc code() const noexcept;
  const std::string& where() const noexcept;
  const std::string& cause() const noexcept;
  const std::string& remedy() const noexcept;

  /// The field of that name, or nullptr.
  const Value* field(std::string_view name) const noexcept;
  /// All fields as one map, in canonical key order.
  Value fields() const;

  /// One line: "version_mismatch at domain.count: expected 4, found 6. Read again and retry."
  /// Control characters that came in through names are escaped.
  std::string text() const;

private:
  struct Detail;
  std::shared_ptr<Detail> detail_;
};

/// Throws the exception that belongs to the error's code; see <theus/errors.hpp>.
[[noreturn]] void raise(const Error& error);

/// Either a T or the Error that says why there is none.
template <class T>
class [[nodiscard]] Result {
public:
  using value_type = T;

  Result(T value) : state_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state_(std::in_place_index<1>, std::move(error)) {}

  bool ok() const noexcept { return state_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }

  /// The value; throws the error's typed exception when there is none.
  const T& value() const& {
    if (!ok())
      raise(error());
    return **this;
  }
  T value() && {
    if (!ok())
      raise(error());
    return *std::move(*this);
  }

  T value_or(T fallback) const& { return ok() ? **this : std::move(fallback); }

  const T& operator*() const& {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T& operator*() & {
    assert(ok());
    return *std::get_if<0>(&state_);
  }
  T&& operator*() && {
    assert(ok());
    return std::move(*std::get_if<0>(&state_));
  }
  const T* operator->() const { return &**this; }
  T* operator->() { return &**this; }

  const Error& error() const {
    assert(!ok());
    return *std::get_if<1>(&state_);
  }

private:
  std::variant<T, Error> state_;
};

/// Success without a value, or an Error.
template <>
class [[nodiscard]] Result<void> {
public:
  using value_type = void;

  Result() = default;
  Result(Error error) : error_(std::move(error)) {}

  bool ok() const noexcept { return !error_.has_value(); }
  explicit operator bool() const noexcept { return ok(); }

  void value() const {
    if (error_)
      raise(*error_);
  }

  const Error& error() const {
    assert(error_.has_value());
    return *error_;
  }

private:
  std::optional<Error> error_;
};

using Status = Result<void>;

}  // namespace theus

#pragma once

#include "runtime/schema_check.hpp"

namespace theus {

/// Where a check that tells everything stands, and what it has told.
struct SchemaCheck::Report {
  Report(Violations& found, const Path& from) : violations(found), at(from) {}

  /// Goes into a member or an element; returns where to go back to.
  Path enter(std::string_view key) {
    return at.size() == Path::segments_max ? at : std::exchange(at, at.key(key.substr(0, Path::key_bytes_max)));
  }
  Path enter(std::size_t index) { return at.size() == Path::segments_max ? at : std::exchange(at, at.index(index)); }
  void leave(Path&& around) { at = std::move(around); }

  void add(std::string wanted, SchemaView view);
  /// Nothing stands where the check is.
  void add_missing(std::string wanted);

  Violations& violations;
  Path at;
  int secrets = 0;  // nodes around that are secret
};

/// Whether a number is a multiple; of integers exactly. Decimal fractions are no exact doubles: 0.3 is a multiple of
/// 0.1 for everybody but the processor.
bool is_multiple(const Value& number, const Value& of) noexcept;

/// "1 element", "2 elements".
std::string counted(std::size_t count, std::string_view noun);

}  // namespace theus

#pragma once

#include <theus/expression.hpp>
#include <theus/result.hpp>

#include <string>
#include <vector>

namespace theus {

/// One thing wrong with a file, where, and what to write instead.
struct Finding {
  std::string file;
  TextPosition at;
  std::string cause;
  std::string suggestion;
};

/// Everything that is wrong with a set of files, so that a user mends all of it at once.
/// Keeps the first 100 findings and counts the rest.
class Findings {
public:
  static constexpr std::size_t kept_max = 100;

  void add(Finding finding);
  /// Takes over the findings of an error made by error(); any other error becomes a finding of `file` at 1:1.
  void add(const Error& error, const std::string& file);

  bool empty() const noexcept { return count_ == 0; }
  std::size_t count() const noexcept { return count_; }

  /// The error that lists them by file and position in its field `findings` (maps of file, line, column, cause and
  /// suggestion), their number in `count`, and whose text tells the first. REQUIRES: !empty().
  Error error(Errc code) const;
  Status status(Errc code) const;

private:
  std::vector<Finding> kept_;
  std::size_t count_ = 0;
};

/// The error that holds a single finding.
Error error_of(Errc code, Finding finding);

}  // namespace theus

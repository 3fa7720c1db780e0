#pragma once

#include <string>
#include <string_view>

namespace theus {

/// A glob over dotted names. `*` stands for any run of characters within one segment ("sensor.*", "cmd_*"), `**` for
/// any run of characters at all ("sensor.**"); everything else stands for itself. Linear in practice and never worse
/// than the product of both lengths. Immutable and thread-safe.
class NamePattern {
public:
  /// Matches everything.
  NamePattern() : NamePattern("**") {}
  explicit NamePattern(std::string_view text) : text_(text) {}

  bool matches(std::string_view name) const noexcept;
  bool matches_all() const noexcept { return text_ == "**"; }
  const std::string& text() const noexcept { return text_; }

private:
  std::string text_;
};

}  // namespace theus

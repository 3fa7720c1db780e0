#pragma once

#include <theus/version.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace theus {

/// What somebody did outside the ordinary rules, and why.
struct AuditEntry {
  enum class Kind : std::uint8_t {
    elevation,  ///< a transaction was given admin rights; `version` is the one it reads
    edit,       ///< an edit was committed as `version`
  };

  std::uint64_t sequence = 0;  ///< 1, 2, 3, ... per engine
  Kind kind = Kind::edit;
  std::string who;  ///< the process or agent; "transaction" outside of one
  std::string reason;
  Version version = 0;
  std::chrono::system_clock::time_point time{};
};

/// "elevation" or "edit".
std::string_view to_string(AuditEntry::Kind kind) noexcept;

}  // namespace theus

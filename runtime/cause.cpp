#include "runtime/cause.hpp"

namespace theus {

std::string_view to_string(Cause::Kind kind) noexcept {
  switch (kind) {
    case Cause::Kind::external: return "external";
    case Cause::Kind::process: return "process";
    case Cause::Kind::round: return "round";
    case Cause::Kind::agent: return "agent";
    case Cause::Kind::cohort: return "cohort";
    case Cause::Kind::workflow: return "workflow";
    case Cause::Kind::initial: return "initial";
    case Cause::Kind::input: return "input";
    case Cause::Kind::migration: return "migration";
    case Cause::Kind::swap: return "swap";
    case Cause::Kind::transaction: return "transaction";
    case Cause::Kind::edit: return "edit";
    case Cause::Kind::attached: return "attached";
  }
  return "unknown";
}

}  // namespace theus

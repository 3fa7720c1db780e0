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

std::string text_of(const Cause& cause) {
  std::string text{to_string(cause.kind)};
  if (!cause.name.empty())
    text += " '" + cause.name + "'";
  if (cause.origin != 0)
    text += " of the joined process " + std::to_string(cause.origin);
  return text;
}

bool may_come_from_joined(const Cause& cause) noexcept {
  switch (cause.kind) {
    case Cause::Kind::initial:
    case Cause::Kind::migration:
    case Cause::Kind::attached: return false;
    default: return cause.origin == 0 && cause.name.size() <= cause_name_bytes_max;
  }
}

}  // namespace theus

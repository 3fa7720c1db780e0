#include <theus/attach.hpp>

#include <algorithm>

#include "runtime/attach/engine_entry.hpp"

namespace theus {
namespace {

constexpr std::string_view folder_name = ".theus";
constexpr std::string_view remedy = "Start one with `theus run`, or name it with --attach HANDLE or $THEUS_HANDLE";

Error several(const AttachFolder& folder, const std::vector<std::string>& names) {
  std::string list;
  Value handles = Value::list();
  for (const std::string& name : names) {
    const std::string handle = std::string{handle_scheme} + (folder.path() / name).string();
    list += (list.empty() ? "" : ", ") + handle;
    handles.push_back(handle);
  }
  return Error{Errc::join_refused, folder.path().string(), "several engines run here: " + list,
               "Choose one with --attach HANDLE or $THEUS_HANDLE"}
      .with("reason", Value{"several"})
      .with("handles", handles);
}

Error none(const std::filesystem::path& from, const std::string& passed_over) {
  return {Errc::owner_down, "attach",
          "no running engine was found: no handle was given, $THEUS_HANDLE is not set, and no engine runs in " +
              (from / folder_name).string() + " or in that of a parent folder" + passed_over,
          std::string{remedy}};
}

}  // namespace

Result<std::string> find_engine(const EngineSearch& search) {
  if (!search.handle.empty())
    return search.handle;
  if (!search.environment.empty())
    return search.environment;
  const auto from = std::filesystem::absolute(search.from.empty() ? "." : search.from).lexically_normal();
  std::string passed_over;
  for (auto at = from;; at = at.parent_path()) {
    const auto folder = AttachFolder::open(at / folder_name);
    if (!folder) {
      passed_over += "; passed over " + folder.error().where() + ": " + folder.error().cause();
    } else if (*folder) {
      const auto names = running_engines(**folder);
      if (names.size() > 1)
        return several(**folder, names);
      if (names.size() == 1)
        return std::string{handle_scheme} + ((*folder)->path() / names.front()).string();
    }
    if (at == at.parent_path())
      return none(from, passed_over);
  }
}

}  // namespace theus

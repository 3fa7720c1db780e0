#include "runtime/commit.hpp"

#include "runtime/schema_guard.hpp"
#include "runtime/tree_editor.hpp"
#include "runtime/value_path.hpp"
#include "runtime/zone_guard.hpp"

#include <algorithm>
#include <cmath>

namespace theus {
namespace {

bool reads_its_path(Write::Kind kind) noexcept {
  return kind == Write::Kind::set || kind == Write::Kind::erase || kind == Write::Kind::splice;
}

std::optional<Conflict> conflict_at(const Root& head, const Path& path, Version base) {
  const Version changed = last_change(head, path.segments());
  if (changed <= base)
    return std::nullopt;
  return Conflict{path, base, changed, read(head, path).value_or(Value{})};
}

Error unfit(const Write& write, std::string cause, std::string remedy) {
  return Error{Errc::bad_argument, write.path.text(), std::string{to_string(write.kind)} + ": " + std::move(cause),
               std::move(remedy)};
}

using Applied = Result<std::optional<Value>>;

Applied appended(const Write& write, const std::optional<Value>& before, bool as_set) {
  Value list = before.value_or(Value::list());
  if (!list.is_list())
    return unfit(write, "the value is of kind " + std::string{to_string(list.kind())} + ", not a list",
                 "Set a list first");
  if (as_set)
    for (const Value& item : list.items())
      if (item == write.value)
        return before;
  list.push_back(write.value);
  return std::optional{std::move(list)};
}

Applied spliced(const Write& write, const std::optional<Value>& before) {
  Value list = before.value_or(Value::list());
  if (!list.is_list() || !write.value.is_list())
    return unfit(write, "both the value and the new items must be lists", "Set a list first");
  if (write.position > list.size() || write.removed > list.size() - write.position)
    return unfit(write,
                 "elements " + std::to_string(write.position) + " to " +
                     std::to_string(write.position + write.removed) + " are beyond the list of " +
                     std::to_string(list.size()),
                 "Splice within the list");
  list.splice(write.position, write.removed, write.value);
  return std::optional{std::move(list)};
}

Applied incremented(const Write& write, const std::optional<Value>& before) {
  const Value& amount = write.value;
  if (!amount.is_number())
    return unfit(write, "the amount is no number", "Pass an integer or a real");
  if (!before)
    return std::optional{amount};
  if (before->kind() != amount.kind())
    return unfit(write,
                 "the value is of kind " + std::string{to_string(before->kind())} + ", the amount of kind " +
                     std::string{to_string(amount.kind())},
                 "Use the same kind of number for both");
  if (amount.is_double()) {
    const double sum = before->as_double() + amount.as_double();
    if (!std::isfinite(sum))
      return unfit(write, "the sum is beyond the largest finite number", "Keep the number smaller");
    return std::optional{Value{sum}};
  }
  std::int64_t sum = 0;
  if (__builtin_add_overflow(before->as_int(), amount.as_int(), &sum))
    return unfit(write, "the sum does not fit into 64 bits", "Keep the counter smaller or use a real");
  return std::optional{Value{sum}};
}

Applied raised(const Write& write, const std::optional<Value>& before) {
  const Value& least = write.value;
  if (!least.is_number())
    return unfit(write, "the bound is no number", "Pass an integer or a real");
  if (!before)
    return std::optional{least};
  if (before->kind() != least.kind())
    return unfit(write,
                 "the value is of kind " + std::string{to_string(before->kind())} + ", the bound of kind " +
                     std::string{to_string(least.kind())},
                 "Use the same kind of number for both");
  const bool higher = least.is_int() ? least.as_int() > before->as_int() : least.as_double() > before->as_double();
  return higher ? std::optional{least} : before;
}

bool same(const Cell& cell, const Value& value) {
  if (!cell.is_map)
    return cell.value == value;
  if (!value.is_map() || value.size() != cell.map.count)
    return false;
  bool equal = true;
  for_each_child(cell.map.children, [&](const Cell& child) {
    const Value* member = equal ? value.find(child.key->text()) : nullptr;
    equal = member != nullptr && same(child, *member);
  });
  return equal;
}

bool same(const Place& place, const Value& value) {
  if (!place.exists)
    return false;
  if (place.value != nullptr)
    return value.is_int() ? place.value->is_int() && place.value->as_int() == value.as_int() : *place.value == value;
  return place.cell != nullptr && same(*place.cell, value);
}

/// Whether the path stands in the layer `meta`, whose members are bounded in number.
bool is_meta_layer(const Path& path) noexcept { return path.segments().front().key == "meta"; }

/// Whether that changed anything.
Result<bool> erase(TreeEditor& editor, const Write& write, const AccessTable& access, const Standing& standing) {
  const Place place = locate(editor.root(), write.path.segments());
  if (!place.exists)
    return false;
  if (auto status = check_below(place, write, access, standing); !status)
    return status.error();
  editor.erase(write.path);
  return true;
}

/// As erase.
Result<bool> put(TreeEditor& editor, const Write& write, Value after, const AccessTable& access,
                 const Standing& standing) {
  const bool is_meta = write.path.zone() == Zone::meta;
  if (is_meta)
    after = trimmed(std::move(after), access.meta_entries_max());
  Way way;
  const Place place = locate(editor.root(), write.path.segments(), way);
  if (same(place, after))
    return false;
  if (!place.exists)
    if (auto possible = TreeEditor::can_set(place, write.path); !possible)
      return possible.error();
  if (write.kind == Write::Kind::set)
    if (auto status = check_below(place, write, access, standing); !status)
      return status.error();
  editor.set(write.path, place, way, std::move(after));
  if (is_meta && is_meta_layer(write.path))
    editor.forget_oldest(write.path.prefix(1), access.meta_entries_max());
  return true;
}

/// Brings one write into the tree under construction; whether that changed anything.
Result<bool> apply(TreeEditor& editor, const Write& write, const AccessTable& access, const Standing& standing) {
  if (write.path.is_root())
    return Error{Errc::bad_argument, "the root", "the state as a whole cannot be written", "Write one of its layers"};
  if (write.kind == Write::Kind::set)
    return put(editor, write, write.value, access, standing);
  if (write.kind == Write::Kind::erase)
    return erase(editor, write, access, standing);
  auto after = applied(write, read(editor.root(), write.path));
  return after ? put(editor, write, **std::move(after), access, standing) : after.error();
}

/// Whether the writes changed anything.
Result<bool> apply(TreeEditor& editor, std::span<const Write> writes, const AccessTable& access,
                   const Standing& standing) {
  bool changed = false;
  for (const Write& write : writes) {
    if (auto status = access.check(write, standing); !status)
      return status.error();
    auto result = apply(editor, write, access, standing);
    if (!result)
      return result.error();
    changed |= *result;
  }
  return changed;
}

}  // namespace

Error Conflict::error() const {
  Error error{
      Errc::version_mismatch, path.is_root() ? "the state" : path.text(),
      "expected version " + std::to_string(expected) + ", but version " + std::to_string(actual) + " changed it",
      "Read it again and repeat the transaction on the new value"};
  error.set("path", path.text()).set("expected", expected).set("actual", actual);
  if (!path.is_root())
    error.set("current", current);
  return error;
}

Status check_base(const Root& head, Version base) {
  if (base <= head.version)
    return {};
  return Error{Errc::bad_argument, "expected version",
               "version " + std::to_string(base) + " does not exist yet; the newest is " + std::to_string(head.version),
               "Take the version from a snapshot"};
}

std::optional<Conflict> find_conflict(const Root& head, const ProposalView& proposal) {
  if (proposal.base == head.version)
    return std::nullopt;
  if (proposal.strict)
    return Conflict{Path{}, proposal.base, head.version, Value{}};
  for (const Path& path : proposal.reads)
    if (auto found = conflict_at(head, path, proposal.base))
      return found;
  for (const Write& write : proposal.writes)
    if (reads_its_path(write.kind))
      if (auto found = conflict_at(head, write.path, proposal.base))
        return found;
  return std::nullopt;
}

Value trimmed(Value list, std::size_t elements_max) {
  if (list.is_list() && list.size() > elements_max)
    list.splice(0, list.size() - elements_max, Value::list());
  return list;
}

Applied applied(const Write& write, const std::optional<Value>& before) {
  switch (write.kind) {
    case Write::Kind::set: return std::optional{write.value};
    case Write::Kind::erase: return std::optional<Value>{};
    case Write::Kind::append: return appended(write, before, false);
    case Write::Kind::insert: return appended(write, before, true);
    case Write::Kind::splice: return spliced(write, before);
    case Write::Kind::increment: return incremented(write, before);
    case Write::Kind::max: return raised(write, before);
  }
  return Error{Errc::internal, write.path.text(), "unknown kind of write"};
}

Result<const Root*> commit(StateMemory& memory, const Root& head, const ProposalView& proposal,
                           const AccessTable& access, const SchemaTerms& schema) {
  const Standing& standing = proposal.standing != nullptr ? *proposal.standing : Standing::ordinary();
  TreeEditor editor{memory, head, head.version + 1};
  const auto applied_all = apply(editor, proposal.writes, access, standing);
  if (!applied_all)
    return applied_all.error();
  const bool changed = *applied_all || !proposal.signals.empty();
  if (proposal.schema != nullptr) [[unlikely]] {
    if (auto fit = (*proposal.schema)->check_all(editor.root(), schema.finite); !fit)
      return fit.error();
  } else if (schema.guard != nullptr && changed) {
    if (auto fit = schema.guard->check(head, editor.root(), proposal.writes, schema.finite); !fit)
      return fit.error();
  }
  return changed ? editor.keep() : &head;
}

Result<const Root*> restore(StateMemory& memory, const Root& head, Version version, std::span<const Write> writes,
                            const AccessTable& access) {
  const Standing restoring{.is_starting = true};
  TreeEditor editor{memory, head, version};
  const auto changed = apply(editor, writes, access, restoring);
  return changed ? Result<const Root*>{editor.keep()} : Result<const Root*>{changed.error()};
}

}  // namespace theus

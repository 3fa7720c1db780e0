#include "runtime/access.hpp"

#include <algorithm>

namespace theus {
namespace {

struct ZoneCeiling {
  Zone zone;
  Rights rights;
  std::string_view cause;  // of a refusal
  std::string_view remedy;
};

// A signal's value is replaced when it is sent again, a list in the meta zone is a ring: both count as appending.
constexpr ZoneCeiling zone_ceilings[] = {
    {Zone::data, Rights::all, {}, {}},
    {Zone::signal, Rights::read | Rights::append | Rights::update, "a signal cannot be taken back", "Send it again"},
    {Zone::meta, Rights::read | Rights::append | Rights::update, "the meta zone forgets by itself",
     "Set another value"},
    {Zone::heavy, Rights::read | Rights::update, "the heavy zone only takes whole buffers", "Set another buffer"},
    {Zone::log, Rights::read | Rights::append, "the log zone only takes appends", "Append to it"},
    {Zone::constant, Rights::read, "constants are never written after the start", "Set it when the engine is built"},
    {Zone::internal, Rights::none, "the private zone needs elevation", "Use another path, or ask for admin"},
};

const ZoneCeiling& ceiling_of(Zone zone) noexcept { return zone_ceilings[static_cast<std::size_t>(zone)]; }

Rights rights_of(PathAccess access) noexcept {
  switch (access) {
    case PathAccess::mutable_: return Rights::all;
    case PathAccess::append_only: return Rights::read | Rights::append;
    case PathAccess::immutable: return Rights::read;
  }
  return Rights::none;
}

// What stands below another zone's key belongs to that zone.
Value without_private(Value value) {
  if (!value.is_map())
    return value;
  const Value before = value;
  for (const auto [key, item] : before.members())
    if (const Zone zone = zone_of_key(key); zone == Zone::internal)
      value.erase(key);
    else if (zone == Zone::data && item.is_map())
      value.set(key, without_private(item));
  return value;
}

}  // namespace

Rights needed_for(Write::Kind kind) noexcept {
  switch (kind) {
    case Write::Kind::set:
    case Write::Kind::splice:
    case Write::Kind::increment:
    case Write::Kind::max: return Rights::update;
    case Write::Kind::append:
    case Write::Kind::insert: return Rights::append;
    case Write::Kind::erase: return Rights::erase;
  }
  return Rights::all;
}

const Standing Standing::nothing_more_;

void Standing::join(const Standing& other) {
  is_elevated |= other.is_elevated;
  is_starting |= other.is_starting;
  for (const std::string& grant : other.grants)
    if (std::ranges::find(grants, grant) == grants.end())
      grants.push_back(grant);
}

AccessTable::AccessTable() : roots_{{"global", RootPolicy::granted}, {"local", RootPolicy::scratch}} {}

const std::shared_ptr<const AccessTable>& AccessTable::standard() {
  static const std::shared_ptr<const AccessTable> table{new AccessTable};
  return table;
}

Result<std::shared_ptr<const AccessTable>> AccessTable::compile(const AccessOptions& options,
                                                                std::shared_ptr<HeavyGate> heavy) {
  std::shared_ptr<AccessTable> table{new AccessTable};
  table->heavy_ = std::move(heavy);
  table->allows_admin_ = options.admin;
  table->meta_entries_max_ = options.meta_entries_max;
  std::vector<std::string_view> seen;
  for (const Namespace& each : options.namespaces) {
    auto root = Path::parse(each.name);
    if (!root || root->size() != 1 || root->segments()[0].is_index())
      return Error{Errc::bad_argument, "namespace '" + each.name + "'", "it is not the name of one root key",
                   "Name it as paths begin, such as 'simulation'"};
    if (std::ranges::find(seen, each.name) != seen.end())
      return Error{Errc::duplicate_name, "namespace '" + each.name + "'", "it is named twice", "Give it one policy"};
    seen.push_back(each.name);
    std::erase_if(table->roots_, [&](const auto& known) { return known.first == *root; });
    if (each.policy != RootPolicy::open)
      table->roots_.emplace_back(*std::move(root), each.policy);
  }
  for (const PathOverride& each : options.overrides) {
    auto pattern = PathPattern::parse(each.path);
    if (!pattern)
      return Error{Errc::bad_argument, "override '" + each.path + "'", pattern.error().cause(),
                   pattern.error().remedy()};
    table->overrides_.push_back({*std::move(pattern), each.access});
  }
  return std::shared_ptr<const AccessTable>{std::move(table)};
}

const AccessTable::Override* AccessTable::override_of(const Path& path) const noexcept {
  const Override* closest = nullptr;
  for (const Override& each : overrides_)
    if (each.pattern.grants(path) &&
        (closest == nullptr || each.pattern.path().size() >= closest->pattern.path().size()))
      closest = &each;
  return closest;
}

RootPolicy AccessTable::policy_of(const Path& path) const noexcept {
  if (path.is_root())
    return RootPolicy::open;
  const Segment& first = path.segments().front();
  for (const auto& [root, policy] : roots_)
    if (root.segments().front().hash == first.hash && root.segments().front().key == first.key)
      return policy;
  return RootPolicy::open;
}

Rights AccessTable::ceiling(const Path& path, const Standing& standing) const noexcept {
  const RootPolicy policy = policy_of(path);
  if (policy == RootPolicy::scratch)
    return Rights::read;
  if (standing.is_starting)
    return Rights::all;
  if (!overrides_.empty())
    if (const Override* found = override_of(path))
      return standing.is_elevated && found->access != PathAccess::immutable ? Rights::all : rights_of(found->access);
  const Zone zone = path.zone();
  if (policy == RootPolicy::read_only || zone == Zone::constant)
    return zone == Zone::internal && !standing.is_elevated ? Rights::none : Rights::read;
  if (standing.is_elevated)
    return Rights::all;
  if (policy == RootPolicy::granted &&
      std::ranges::find(standing.grants, path.segments().front().key) == standing.grants.end())
    return zone == Zone::internal ? Rights::none : Rights::read;
  return ceiling_of(zone).rights;
}

Status AccessTable::check_read(const Path& path, const Standing& standing) const {
  if (path.zone() != Zone::internal || includes(ceiling(path, standing), Rights::read)) [[likely]]
    return {};
  return refusal(path, "read");
}

// The leftmost key that names a zone counts, for all that stands below it.
Result<Value> AccessTable::admit_at(const Path& path, const Value& value, std::size_t& copied) const {
  if (path.zone() != Zone::heavy) {
    if (path.zone() != Zone::data || path.size() == Path::segments_max || !zones_in(value).has(Zone::heavy))
      return value;
    Value changed = value;
    for (const auto [key, item] : value.members()) {
      auto admitted = admit_at(path.key(key), item, copied);
      if (!admitted)
        return admitted;
      changed.set(key, *std::move(admitted));
    }
    return changed;
  }
  auto admitted = heavy_->admit(value);
  if (!admitted) {
    const Error& fault = admitted.error();
    Error error{fault.code(), path.text(), fault.cause(), fault.remedy()};
    for (const auto fields = fault.fields(); const auto [name, field] : fields.members())
      error.set(name, field);
    return error.set("path", path.text());
  }
  copied += admitted->bytes_copied;
  return std::move(admitted->value);
}

Result<Write> AccessTable::admit(const Write& write, std::size_t& copied) const {
  auto admitted = admit_at(write.path, write.value, copied);
  if (!admitted)
    return admitted.error();
  Write changed = write;
  changed.value = *std::move(admitted);
  return changed;
}

Status AccessTable::admit_all(std::vector<Write>& writes) const {
  for (Write& write : writes) {
    if (!brings_heavy(write)) [[likely]]
      continue;
    std::size_t copied = 0;
    auto admitted = admit(write, copied);
    if (!admitted)
      return admitted.error();
    write = *std::move(admitted);
  }
  return {};
}

Error AccessTable::refusal(const Path& path, std::string_view right) const {
  const ZoneCeiling& zone = ceiling_of(path.zone());
  const std::string root{path.is_root() ? std::string_view{} : path.segments().front().key};
  std::string cause{zone.cause};
  std::string remedy{zone.remedy};
  if (const Override* found = override_of(path)) {
    cause = "the engine was built with '" + found->pattern.text() + "' " +
            (found->access == PathAccess::immutable ? "immutable" : "append-only");
    remedy = found->access == PathAccess::immutable ? "Set it when the engine is built" : "Append to it";
  } else if (const RootPolicy policy = policy_of(path); policy == RootPolicy::scratch) {
    cause = "'" + root + "' is never committed";
    remedy = "Use ctx.local() within one execution, or a path of the state";
  } else if (policy == RootPolicy::read_only) {
    cause = "'" + root + "' is only written when the engine is built";
    remedy = "Set it in EngineOptions::initial";
  } else if (policy == RootPolicy::granted && path.zone() == Zone::data) {
    cause = "writing below '" + root + "' needs a grant";
    remedy = "Declare the side effect 'write:" + root + "', or name it in the grants of the call";
  }
  return Error{Errc::contract_violation, path.text(), std::move(cause), std::move(remedy)}
      .with("rule", "capability")
      .with("path", path.text())
      .with("right", right);
}

bool AccessTable::has_limits_below(const Path& path) const noexcept {
  return std::ranges::any_of(overrides_, [&](const Override& each) {
    return each.access != PathAccess::mutable_ && each.pattern.leads_below(path);
  });
}

bool AccessTable::is_guarded(const Path& path, const Standing& standing) const noexcept {
  const Zone zone = path.zone();
  const bool by_zone = zone == Zone::constant || zone == Zone::internal || zone == Zone::log;
  return (by_zone || override_of(path) != nullptr) && ceiling(path, standing) != Rights::all;
}

Value without_private(const Path& path, Value value) {
  return path.zone() == Zone::data ? without_private(std::move(value)) : value;
}

}  // namespace theus

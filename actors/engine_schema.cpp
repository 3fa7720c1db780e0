#include "actors/engine_parts.hpp"
#include "actors/user_callback.hpp"
#include "runtime/execution.hpp"
#include "runtime/schema_guard.hpp"

#include <algorithm>

namespace theus {
namespace {

const Path version_path{"global.schema_version"};

Error no_way(std::int64_t from, std::int64_t to, std::string cause, std::string remedy) {
  return Error{Errc::bad_schema, "schema version " + std::to_string(to), std::move(cause), std::move(remedy)}
      .with("expected", to)
      .with("actual", from);
}

/// The migrations that lead from one version to the other, in their order; none when none begins at the first.
Result<std::vector<const SchemaMigration*>> way(const StateSchema& schema, std::int64_t from) {
  std::vector<const SchemaMigration*> found;
  const std::int64_t to = schema.version();
  if (from > to)
    return no_way(from, to, "the data is of version " + std::to_string(from),
                  "Use the program that wrote the data, or a later one");
  for (std::int64_t at = from; at < to;) {
    const auto next = std::ranges::find(schema.migrations(), at, &SchemaMigration::from);
    if (next == schema.migrations().end()) {
      if (found.empty())
        return found;
      return no_way(from, to, "the migrations from version " + std::to_string(from) + " end at " + std::to_string(at),
                    "Add one from " + std::to_string(at));
    }
    if (next->to <= at || next->to > to)
      return no_way(
          from, to,
          "the migration '" + next->name + "' leads from " + std::to_string(at) + " to " + std::to_string(next->to),
          "Let migrations lead upwards, and at most to the schema's version");
    found.push_back(&*next);
    at = next->to;
  }
  return found;
}

Status migrate(const StateSchema& schema, Transaction& transaction) {
  if (schema.version() == 0)
    return {};
  const auto from = transaction.get<std::int64_t>(version_path, 0);
  if (!from)
    return from.error();
  if (*from == schema.version())
    return {};
  const auto migrations = way(schema, *from);
  if (!migrations)
    return migrations.error();
  for (const SchemaMigration* each : *migrations) {
    const RunningScope scope{each->name};  // a call of the engine would wait for this one
    Status done;
    if (auto called = actors::call_user([&] { done = each->migrate(transaction); }); !called)
      done = called;
    if (!done)
      return Error{done.error().code(), "migration '" + each->name + "'", done.error().cause(), done.error().remedy()};
  }
  return transaction.set(version_path, schema.version());
}

}  // namespace

Result<Version> Engine::Impl::adopt(StateSchema next) {
  if (core->owner != nullptr)
    return Error{Errc::unsupported, "schema", "it stays with the process that owns the state",
                 "Set it there; commits from here are held to it"};
  auto guard = SchemaGuard::compile(next, [](const std::function<void()>& user) { return actors::call_user(user); });
  if (!guard)
    return guard.error();
  TransactionOptions terms{.grants = {"global"}};
  auto outcome = core->transactor.run([&](Transaction& transaction) { return migrate(next, transaction); }, terms,
                                      Cause::Kind::migration, &*guard);
  if (outcome) {
    schema = std::move(next);
    schema_guard = *std::move(guard);
  }
  return outcome;
}

Result<Version> Engine::set_schema(StateSchema schema) {
  if (auto open = impl_->enter("set_schema"); !open)
    return open.error();
  const std::lock_guard lock{impl_->schema_mutex};
  return impl_->adopt(std::move(schema));
}

Result<Version> Engine::set_schema(const Path& path, Schema schema) {
  if (auto open = impl_->enter("set_schema"); !open)
    return open.error();
  const std::lock_guard lock{impl_->schema_mutex};
  StateSchema next = impl_->schema;
  next.at(path, std::move(schema));
  return impl_->adopt(std::move(next));
}

Result<Version> Engine::load_schema(const std::filesystem::path& file) {
  auto schema = StateSchema::load(file);
  return schema ? set_schema(*std::move(schema)) : schema.error();
}

StateSchema Engine::schema() const {
  impl_->require_parent("schema");
  if (impl_->core->owner != nullptr)
    return impl_->core->owner->schema();
  const std::lock_guard lock{impl_->schema_mutex};
  return impl_->schema;
}

}  // namespace theus

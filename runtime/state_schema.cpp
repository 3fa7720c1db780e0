#include <theus/state_schema.hpp>

#include "runtime/confined_file.hpp"
#include "runtime/schema_document.hpp"
#include "runtime/schema_guard.hpp"
#include "runtime/snapshot_access.hpp"
#include "runtime/tree_editor.hpp"
#include "runtime/yaml/field_reader.hpp"
#include "runtime/yaml/reader.hpp"

namespace theus {
namespace {

using yaml::Field;
using yaml::Node;

/// Reads a state schema from its nodes; what is wrong goes to the findings.
class StateSchemaReader {
public:
  StateSchemaReader(std::string_view file, Findings& findings)
      : file_(file), findings_(findings), reader_(std::string{file}, findings) {}

  StateSchema read(const Node& node) {
    static const std::vector<std::string> keys{"version", "definitions", "$defs",      "paths",
                                               "rules",   "title",       "description"};
    if (!reader_.map(node, "a state schema", keys))
      return StateSchema{};
    std::int64_t version = 0;
    if (const Field* field = node.find("version"))
      version = reader_.integer(field->node, "'version'", 1, std::numeric_limits<std::int64_t>::max()).value_or(0);
    StateSchema schema{version};
    if (const Node* paths = reader_.required(node, "a state schema", "paths"))
      read_paths(*paths, node, schema);
    if (const Field* field = node.find("rules"))
      read_rules(field->node, schema);
    // Definitions that nobody refers to are to be right, too.
    if (node.find("definitions") != nullptr || node.find("$defs") != nullptr) {
      Node table;
      table.kind = Node::Kind::map;
      table.at = node.at;
      for (const Field& member : node.members)
        if (member.key == "definitions" || member.key == "$defs")
          table.members.push_back(member);
      Findings again;
      (void)compile_schema(table, nullptr, file_, again);
      if (!again.empty() && findings_.empty())
        findings_.add(again.error(Errc::bad_schema), std::string{file_});
    }
    return schema;
  }

private:
  std::optional<Path> path(const Field& field) {
    auto parsed = Path::parse(field.key);
    if (parsed && !parsed->is_root())
      return *parsed;
    reader_.add(field.at, parsed ? "a schema of the whole state" : parsed.error().cause(),
                parsed ? "Name a layer, such as domain" : parsed.error().remedy());
    return std::nullopt;
  }

  void read_paths(const Node& node, const Node& file, StateSchema& schema) {
    if (!node.is_map())
      return reader_.add(node.at, "'paths' is a map of paths and schemas, not " + std::string{describe(node)});
    for (const Field& field : node.members) {
      const auto at = path(field);
      auto compiled = compile_schema(field.node, &file, file_, findings_);
      if (at && compiled) {
        if (schema.schemas().contains(*at))
          reader_.add(field.at, "the path " + at->text() + " is there twice", "Join both schemas");
        schema.at(*at, *std::move(compiled));
      }
    }
  }

  void read_rules(const Node& node, StateSchema& schema) {
    if (!node.is_map())
      return reader_.add(node.at, "'rules' is a map of names and conditions, not " + std::string{describe(node)});
    for (const Field& field : node.members) {
      const auto source = reader_.text(field.node, "a condition");
      if (!source)
        continue;
      auto condition = Expression::compile(*source, field.node.content_at);
      if (!condition)
        reader_.add(condition.error());
      else if (condition->is_constant())
        reader_.add(field.node.at, "the condition reads no path, so that nothing would ask it", "Name a path in it");
      else
        schema.rule(field.key, *std::move(condition));
    }
  }

  std::string_view file_;
  Findings& findings_;
  yaml::FieldReader reader_;
};

Status call_plainly(const std::function<void()>& user) {
  user();
  return {};
}

}  // namespace

Result<StateSchema> StateSchema::parse(std::string_view text, std::string_view file) {
  const auto nodes = schema_nodes(text, file);
  if (!nodes)
    return nodes.error();
  Findings findings;
  StateSchema schema = StateSchemaReader{file, findings}.read(*nodes);
  if (findings.empty())
    if (const auto guard = SchemaGuard::compile(schema, call_plainly); !guard)
      findings.add(guard.error(), std::string{file});
  if (!findings.empty())
    return findings.error(Errc::bad_schema);
  return schema;
}

Result<StateSchema> StateSchema::load(const std::filesystem::path& file) {
  const auto text = read_file(file, yaml::ReadOptions{}.bytes_max);
  if (!text)
    return error_of(Errc::bad_schema, {file.string(), {}, text.error().cause(), text.error().remedy()});
  return parse(*text, file.string());
}

StateSchema& StateSchema::at(const Path& path, Schema schema) {
  schemas_.insert_or_assign(path, std::move(schema));
  return *this;
}

StateSchema& StateSchema::rule(std::string name, std::vector<Path> paths,
                               std::function<bool(std::span<const Value>)> holds) {
  rules_.push_back({std::move(name), std::move(paths), std::move(holds)});
  return *this;
}

StateSchema& StateSchema::rule(std::string name, Expression condition) {
  conditions_.emplace_back(std::move(name), std::move(condition));
  return *this;
}

StateSchema& StateSchema::migration(std::string name, std::int64_t from, std::int64_t to,
                                    std::function<Status(Transaction&)> migrate) {
  migrations_.push_back({std::move(name), from, to, std::move(migrate)});
  return *this;
}

StateSchema& StateSchema::join(const StateSchema& other) {
  if (other.version_ > 0)
    version_ = other.version_;
  for (const auto& [path, schema] : other.schemas_)
    at(path, schema);
  rules_.insert(rules_.end(), other.rules_.begin(), other.rules_.end());
  conditions_.insert(conditions_.end(), other.conditions_.begin(), other.conditions_.end());
  migrations_.insert(migrations_.end(), other.migrations_.begin(), other.migrations_.end());
  return *this;
}

Status StateSchema::check(const Snapshot& state) const {
  const auto guard = SchemaGuard::compile(*this, call_plainly);
  return guard ? (*guard)->check_all(SnapshotAccess::root(state), true) : guard.error();
}

Status StateSchema::check(const Path& path, const Value& value) const {
  const auto guard = SchemaGuard::compile(*this, call_plainly);
  if (!guard)
    return guard.error();
  struct Orphan {
    StateMemory* memory = StateMemory::make();
    ~Orphan() { memory->orphan(); }
  } owner;
  TreeEditor editor{*owner.memory, *owner.memory->published(), 1};
  const auto set = [&](const Path& at, const Value& item) -> Status {
    Way way;
    const Place place = locate(editor.root(), at.segments(), way);
    if (auto possible = TreeEditor::can_set(place, at); !possible)
      return possible;
    editor.set(at, place, way, item);
    return {};
  };
  if (!path.is_root()) {
    if (auto done = set(path, value); !done)
      return done;
  } else {
    for (const auto [key, item] : value.members())
      if (auto done = set(Path{}.key(key), item); !done)
        return done;
  }
  return (*guard)->check_all(editor.root(), true);
}

Value StateSchema::document() const {
  Value paths = Value::map();
  for (const auto& [path, schema] : schemas_)
    paths.set(path.spelling(), schema.document());
  Value document{{"paths", paths}};
  if (version_ > 0)
    document.set("version", version_);
  Value rules = Value::map();
  for (const auto& [name, condition] : conditions_)
    rules.set(name, condition.source());
  if (!rules.empty())
    document.set("rules", rules);
  return document;
}

StateSchema inferred_state_schema(const Value& state) {
  StateSchema schema{1};
  for (const auto [layer, value] : state.members())
    if (zone_of_key(layer) == Zone::data)
      schema.at(Path{}.key(layer), Schema::from(inferred_schema(value)).value());
  return schema;
}

}  // namespace theus

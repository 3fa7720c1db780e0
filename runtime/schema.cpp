#include <theus/schema.hpp>

#include "runtime/json_nodes.hpp"
#include "runtime/schema_check.hpp"
#include "runtime/schema_compiler.hpp"
#include "runtime/schema_document.hpp"
#include "runtime/schema_guard.hpp"
#include "runtime/yaml/reader.hpp"

#include <theus/json.hpp>

namespace theus {

struct Schema::Compiled {
  std::shared_ptr<const SchemaProgram> program;
  Value document;
};

const std::shared_ptr<const SchemaProgram>& SchemaAccess::program(const Schema& schema) noexcept {
  return schema.compiled_->program;
}

Schema SchemaAccess::make(std::shared_ptr<const SchemaProgram> program, Value document) {
  return Schema{std::make_shared<const Schema::Compiled>(Schema::Compiled{std::move(program), std::move(document)})};
}

Result<yaml::Node> schema_nodes(std::string_view text, std::string_view file) {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  const bool is_json = first != std::string_view::npos && (text[first] == '{' || text[first] == '[');
  auto nodes = is_json ? json_nodes(text) : yaml::read(text, {.file = std::string{file}, .code = Errc::bad_schema});
  if (nodes || nodes.error().code() == Errc::bad_schema)
    return nodes;
  // Text in braces may still be YAML.
  if (auto as_yaml = yaml::read(text, {.file = std::string{file}, .code = Errc::bad_schema}))
    return as_yaml;
  const Error& error = nodes.error();
  const auto number = [&](std::string_view field) {
    const Value* found = error.field(field);
    return found != nullptr && found->is_int() ? static_cast<int>(found->as_int()) : 1;
  };
  return error_of(Errc::bad_schema,
                  {std::string{file}, {number("line"), number("column")}, error.cause(), error.remedy()});
}

std::optional<Schema> compile_schema(const yaml::Node& node, const yaml::Node* shared, std::string_view file,
                                     Findings& findings) {
  const std::size_t before = findings.count();
  yaml::FieldReader reader{std::string{file}, findings};
  auto program = SchemaCompiler{reader, shared}.run(node);
  Value document = plain_value(reader, node);
  if (findings.count() > before)
    return std::nullopt;
  if (shared != nullptr && has_references(document))
    for (const char* table : {"definitions", "$defs"})
      if (const yaml::Field* field = shared->find(table)) {
        Value definitions = plain_value(reader, field->node);
        for (const Value own = document[table]; const auto [name, item] : own.members())
          definitions.set(name, item);
        document.set(table, std::move(definitions));
      }
  return SchemaAccess::make(std::move(program), normalised_schema(document));
}

Result<Schema> Schema::parse(std::string_view text, std::string_view file) {
  const auto nodes = schema_nodes(text, file);
  if (!nodes)
    return nodes.error();
  Findings findings;
  auto schema = compile_schema(*nodes, nullptr, file, findings);
  return schema ? Result<Schema>{*std::move(schema)} : Result<Schema>{findings.error(Errc::bad_schema)};
}

Result<Schema> Schema::from(const Value& document) { return parse(to_json(document, 2)); }

Result<Schema> Schema::from(const Shape& shape) {
  const auto document = schema_document(shape);
  return document ? from(*document) : document.error();
}

Status Schema::check(const Value& value) const {
  if (fits(value))
    return {};
  Violations violations;
  SchemaCheck{*compiled_->program}.report(compiled_->program->root, SchemaView::of(value), Path{}, violations);
  return error_of(violations, "Use a value that the schema allows");
}

bool Schema::fits(const Value& value) const {
  return SchemaCheck{*compiled_->program}.fits(compiled_->program->root, SchemaView::of(value));
}

const Value& Schema::document() const noexcept { return compiled_->document; }

}  // namespace theus

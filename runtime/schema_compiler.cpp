#include "runtime/schema_compiler.hpp"

#include "runtime/expression_compare.hpp"

#include <theus/nearest.hpp>
#include <theus/path.hpp>

#include <algorithm>

#include <re2/re2.h>

namespace theus {
namespace {

using yaml::Field;
using yaml::Node;

const Node* find(const Node* map, std::string_view key) {
  const Field* field = map != nullptr ? map->find(key) : nullptr;
  return field != nullptr ? &field->node : nullptr;
}

// Of a JSON pointer: ~1 stands for / and ~0 for ~.
std::string unescaped(std::string_view step) {
  std::string text;
  for (std::size_t at = 0; at < step.size(); ++at) {
    const bool is_escape = step[at] == '~' && at + 1 < step.size() && (step[at + 1] == '0' || step[at + 1] == '1');
    text += !is_escape ? step[at] : step[++at] == '1' ? '/' : '~';
  }
  return text;
}

}  // namespace

Value plain_value(yaml::FieldReader& reader, const Node& node) {
  switch (node.kind) {
    case Node::Kind::null: return {};
    case Node::Kind::scalar: return reader.scalar(node).value_or(Value{});
    case Node::Kind::list: {
      std::vector<Value> items;
      for (const Node& item : node.items)
        items.push_back(plain_value(reader, item));
      return Value::list(std::move(items));
    }
    case Node::Kind::map: {
      std::vector<std::pair<std::string, Value>> members;
      for (const Field& member : node.members)
        members.emplace_back(member.key, plain_value(reader, member.node));
      return Value::map(std::move(members));
    }
  }
  return {};
}

std::shared_ptr<const SchemaProgram> SchemaCompiler::run(const Node& schema) {
  program_ = std::make_shared<SchemaProgram>();
  schema_ = &schema;
  const bool is_reference = find(&schema, "$ref") != nullptr;
  program_->root = is_reference ? compile(schema) : allocate(schema);
  if (is_reference)
    compile_definitions(schema);
  compile_pending();
  refuse_cycles(schema);
  return std::move(program_);
}

/// A node that is compiled once, later, and may be referred to from now on.
SchemaId SchemaCompiler::allocate(const Node& node) {
  if (node.is_scalar() && node.plain && (node.text == "true" || node.text == "false"))
    return node.text == "true" ? any_value : no_value;
  if (const auto known = referred_.find(&node); known != referred_.end())
    return known->second;
  if (program_->nodes.size() == nodes_max) {
    if (!std::exchange(is_too_large_, true))
      reader_.add(node.at, "the schema has more than " + std::to_string(nodes_max) + " parts", "Split it by paths");
    return any_value;
  }
  const auto id = static_cast<SchemaId>(program_->nodes.size());
  program_->nodes.emplace_back();
  program_->words.emplace_back();
  referred_.emplace(&node, id);
  pending_.emplace_back(id, &node);
  return id;
}

SchemaId SchemaCompiler::compile(const Node& node) {
  return find(&node, "$ref") != nullptr ? refer(node) : allocate(node);
}

// A queue, since schemas that refer to schemas may be nested deeper than calls can be.
void SchemaCompiler::compile_pending() {
  while (!pending_.empty()) {
    const auto [id, node] = pending_.back();
    pending_.pop_back();
    compile_into(id, *node);
  }
}

const Node* SchemaCompiler::target(const Node& reference) {
  const Field& field = *reference.find("$ref");
  const std::string text = reader_.text(field.node, "a reference").value_or("");
  if (text.empty())
    return nullptr;
  if (text == "#")
    return schema_;
  for (const std::string_view table : {"definitions", "$defs"}) {
    const std::string start = "#/" + std::string{table} + "/";
    if (!text.starts_with(start))
      continue;
    const std::string name = unescaped(std::string_view{text}.substr(start.size()));
    std::vector<std::string> known;
    for (const Node* holder : {static_cast<const Node*>(schema_), shared_})
      if (const Node* definitions = find(holder, table); definitions != nullptr && definitions->is_map()) {
        if (const Node* found = find(definitions, name))
          return found;
        for (const Field& each : definitions->members)
          known.push_back(each.key);
      }
    reader_.add(field.node.at, "there is no definition '" + name + "'", suggest(name, known));
    return nullptr;
  }
  reader_.add(field.node.at, "the reference '" + text + "' leads out of the definitions",
              "Write #, #/definitions/NAME or #/$defs/NAME");
  return nullptr;
}

SchemaId SchemaCompiler::refer(const Node& node) {
  static const std::vector<std::string> beside{"$ref",        "title", "description", "$comment",
                                               "definitions", "$defs", "$schema"};
  for (const Field& field : node.members)
    if (std::ranges::find(beside, field.key) == beside.end())
      reader_.add(field.at, "'" + field.key + "' beside $ref would be ignored", "Put both into allOf");
  std::vector<const Node*> seen{&node};
  const Node* at = &node;
  while (at != nullptr && find(at, "$ref") != nullptr) {
    at = target(*at);
    if (std::ranges::find(seen, at) != seen.end()) {
      reader_.add(node.at, "the reference leads to itself", "Let it end at a schema");
      return any_value;
    }
    seen.push_back(at);
  }
  return at == nullptr ? any_value : allocate(*at);
}

void SchemaCompiler::compile_definitions(const Node& node) {
  for (const char* table : {"definitions", "$defs"})
    if (const Node* definitions = find(&node, table)) {
      if (!definitions->is_map())
        reader_.add(definitions->at, "definitions are a map of names and schemas");
      for (const Field& each : definitions->members)
        (void)compile(each.node);
    }
}

void SchemaCompiler::compile_into(SchemaId id, const Node& node) {
  if (!node.is_map())
    return reader_.add(node.at, "a schema is a map of keywords, true or false, not " + std::string{describe(node)});
  SchemaNode made;
  SchemaWords words;
  for (const Field& field : node.members) {
    const auto row = std::ranges::find(keywords(), field.key, &KeywordRow::name);
    if (row == keywords().end())
      reader_.add(field.at, "unknown keyword '" + field.key + "' in a schema", suggest(field.key, keyword_names()));
    else if (row->compile != nullptr)
      (this->*row->compile)(field, made, words);
  }
  if (made.tuple.count == 0)
    if (const Field* field = node.find("additionalItems"))
      reader_.add(field->at, "additionalItems needs items to be a list of schemas", "Use items alone");
  compile_properties(node, made);
  if (node.find("definitions") != nullptr || node.find("$defs") != nullptr) {
    if (&node == schema_)
      compile_definitions(node);
    else
      reader_.add(node.at, "definitions stand at the beginning of a schema only", "Move them there");
  }
  const auto exceeds = [](const Value& low, const Value& high) {
    return !low.is_null() && !high.is_null() && ordering(low, high) > 0;
  };
  if (exceeds(words.minimum, words.maximum) || made.items_least > made.items_greatest ||
      made.characters_least > made.characters_greatest || made.members_least > made.members_greatest)
    reader_.add(node.at, "a lower bound is above the upper one, so that nothing fits", "Swap them");
  made.is_whole = made.is_whole || made.has_allowed || made.unique_items || made.all_of.count > 0 ||
                  made.any_of.count > 0 || made.one_of.count > 0 || made.negated != any_value;
  program_->has_non_finite |= made.allows_non_finite;
  program_->has_secrets |= made.is_secret;
  program_->nodes[id] = made;
  program_->words[id] = std::move(words);
}

void SchemaCompiler::compile_properties(const Node& node, SchemaNode& made) {
  std::vector<SchemaProperty> found;
  const auto at = [&](const std::string& key) -> SchemaProperty& {
    const auto known = std::ranges::find(found, key, &SchemaProperty::key);
    return known != found.end() ? *known : found.emplace_back(SchemaProperty{key, key_hash(key)});
  };
  if (const Field* field = node.find("properties")) {
    if (!field->node.is_map())
      reader_.add(field->node.at,
                  "'properties' is a map of names and schemas, not " + std::string{describe(field->node)});
    for (const Field& member : field->node.members) {
      const SchemaId schema = compile(member.node);
      SchemaProperty& property = found.emplace_back(SchemaProperty{member.key, key_hash(member.key)});
      property.schema = schema;
      property.is_declared = true;
    }
  }
  if (const Field* field = node.find("required"); field != nullptr && reader_.list(field->node, "'required'"))
    for (const Node& item : field->node.items)
      if (const auto key = reader_.text(item, "a required name")) {
        SchemaProperty& property = at(*key);
        if (std::exchange(property.is_required, true))
          reader_.add(item.at, "'" + *key + "' is required twice", "Name it once");
        else
          ++made.required_count;
      }
  std::ranges::sort(found, [](const SchemaProperty& a, const SchemaProperty& b) {
    return a.key.size() != b.key.size() ? a.key.size() < b.key.size() : a.key < b.key;
  });
  made.properties = {static_cast<std::uint32_t>(program_->properties.size()), static_cast<std::uint32_t>(found.size())};
  for (SchemaProperty& property : found) {
    program_->by_hash.push_back(static_cast<std::uint32_t>(program_->properties.size()));
    program_->properties.push_back(std::move(property));
  }
  std::ranges::sort(std::span{program_->by_hash}.last(found.size()), {},
                    [&](std::uint32_t each) { return program_->properties[each].hash; });
}

/// What refers to itself through combinators alone would be checked for ever.
void SchemaCompiler::refuse_cycles(const Node& schema) {
  const std::size_t count = program_->nodes.size();
  std::vector<std::vector<SchemaId>> below(count);
  std::vector<std::size_t> above(count, 0);
  for (std::size_t id = 0; id < count; ++id) {
    const SchemaNode& node = program_->nodes[id];
    const auto add = [&](SchemaId other) {
      if (other >= no_value)
        return;
      below[id].push_back(other);
      ++above[other];
    };
    for (const SchemaRange range : {node.all_of, node.any_of, node.one_of})
      for (std::uint32_t i = 0; i < range.count; ++i)
        add(program_->alternatives[range.first + i]);
    add(node.negated);
  }
  std::vector<SchemaId> free;
  for (std::size_t id = 0; id < count; ++id)
    if (above[id] == 0)
      free.push_back(static_cast<SchemaId>(id));
  std::size_t settled = 0;
  for (; settled < free.size(); ++settled)
    for (const SchemaId other : below[free[settled]])
      if (--above[other] == 0)
        free.push_back(other);
  if (settled == count)
    return;
  for (const auto& [node, id] : referred_)
    if (above[id] > 0)
      return reader_.add(node->at, "the schema is part of itself without going into a value",
                         "Refer to it below properties or items");
  reader_.add(schema.at, "the schema is part of itself without going into a value");
}

}  // namespace theus

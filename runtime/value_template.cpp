#include "runtime/value_template.hpp"

#include "runtime/text_position.hpp"

#include <algorithm>

namespace theus {
namespace {

constexpr std::string_view opening = "${";

// The expression of a node, whose text begins `offset` bytes into the node's content.
std::optional<Expression> compile_at(const yaml::Node& node, std::size_t offset, std::string_view source,
                                     yaml::FieldReader& reader) {
  const TextPosition at = position_after(std::string_view{node.text}.substr(0, offset), node.content_at);
  auto expression = Expression::compile(source, at);
  if (expression)
    return *std::move(expression);
  reader.add(expression.error());
  return std::nullopt;
}

}  // namespace

std::size_t interpolation_end(std::string_view text, std::size_t begin) noexcept {
  char quote = '\0';
  for (std::size_t at = begin; at < text.size(); ++at) {
    const char c = text[at];
    if (quote != '\0' && c == '\\')
      ++at;
    else if (quote != '\0')
      quote = c == quote ? '\0' : quote;
    else if (c == '\'' || c == '"')
      quote = c;
    else if (c == '}')
      return at;
  }
  return std::string_view::npos;
}

std::optional<ValueTemplate> ValueTemplate::compile(const yaml::Node& node, yaml::FieldReader& reader) {
  bool complete = true;
  bool constant = true;
  const auto child = [&](const yaml::Node& each) {
    auto compiled = compile(each, reader);
    complete = complete && compiled.has_value();
    constant = constant && compiled && compiled->is_constant();
    return compiled ? *std::move(compiled) : ValueTemplate{};
  };
  switch (node.kind) {
    case yaml::Node::Kind::null: return ValueTemplate{};
    case yaml::Node::Kind::scalar: return compile_text(node, reader);
    case yaml::Node::Kind::list: {
      List list;
      Value value = Value::list();
      for (const yaml::Node& item : node.items) {
        list.items.push_back(child(item));
        if (constant)
          value.push_back(std::get<Value>(list.items.back().content_));
      }
      if (!complete)
        return std::nullopt;
      return constant ? ValueTemplate{std::move(value)} : ValueTemplate{Content{std::move(list)}, 0};
    }
    case yaml::Node::Kind::map: {
      Map map;
      Value value = Value::map();
      for (const yaml::Field& member : node.members) {
        map.members.emplace_back(member.key, child(member.node));
        if (constant)
          value.set(member.key, std::get<Value>(map.members.back().second.content_));
      }
      if (!complete)
        return std::nullopt;
      return constant ? ValueTemplate{std::move(value)} : ValueTemplate{Content{std::move(map)}, 0};
    }
  }
  return std::nullopt;
}

std::optional<ValueTemplate> ValueTemplate::compile_text(const yaml::Node& node, yaml::FieldReader& reader) {
  const std::string_view text = node.text;
  if (text.find(opening) == std::string_view::npos) {
    auto value = reader.scalar(node);
    return value ? std::optional{ValueTemplate{*std::move(value)}} : std::nullopt;
  }
  std::vector<Piece> pieces;
  std::string literal;
  bool complete = true;
  std::size_t at = 0;
  while (true) {
    const std::size_t begin = text.find(opening, at);
    literal += text.substr(at, begin - at);
    if (begin == std::string_view::npos)
      break;
    at = begin + opening.size();
    if (literal.ends_with('$')) {  // "$${" stands for "${"
      literal += '{';
      continue;
    }
    const std::size_t end = interpolation_end(text, at);
    if (end == std::string_view::npos) {
      reader.add(node.at, "a '${' is not closed", "Close it with '}', or write $${ for the characters themselves");
      return std::nullopt;
    }
    auto expression = compile_at(node, at, text.substr(at, end - at), reader);
    complete = complete && expression.has_value();
    if (!literal.empty())
      pieces.emplace_back(std::exchange(literal, {}));
    if (expression)
      pieces.emplace_back(*std::move(expression));
    at = end + 1;
  }
  if (!complete)
    return std::nullopt;
  if (pieces.empty())
    return ValueTemplate{Value{literal}};
  if (pieces.size() == 1 && literal.empty() && std::holds_alternative<Expression>(pieces.front()))
    return ValueTemplate{Content{std::get<Expression>(std::move(pieces.front()))}, 0};
  if (!literal.empty())
    pieces.emplace_back(std::move(literal));
  return ValueTemplate{Content{Text{std::move(pieces)}}, 0};
}

Result<Value> ValueTemplate::evaluate_text(const Text& text, const StateReader& state) {
  std::string joined;
  for (const Piece& piece : text.pieces) {
    if (const auto* literal = std::get_if<std::string>(&piece)) {
      joined += *literal;
    } else {
      auto part = std::get<Expression>(piece).evaluate_text(state);
      if (!part)
        return part.error();
      joined += *part;
    }
    if (joined.size() > Expression::text_bytes_max)
      return Error{Errc::too_large, {}, "a text with interpolation exceeds 1 MB"};
  }
  return Value{joined};
}

Result<Value> ValueTemplate::evaluate(const StateReader& state) const {
  if (const auto* constant = std::get_if<Value>(&content_))
    return *constant;
  if (const auto* expression = std::get_if<Expression>(&content_))
    return expression->evaluate(state);
  if (const auto* text = std::get_if<Text>(&content_))
    return evaluate_text(*text, state);
  if (const auto* list = std::get_if<List>(&content_)) {
    Value value = Value::list();
    for (const ValueTemplate& item : list->items) {
      auto evaluated = item.evaluate(state);
      if (!evaluated)
        return evaluated;
      value.push_back(*std::move(evaluated));
    }
    return value;
  }
  Value value = Value::map();
  for (const auto& [key, member] : std::get<Map>(content_).members) {
    auto evaluated = member.evaluate(state);
    if (!evaluated)
      return evaluated;
    value.set(key, *std::move(evaluated));
  }
  return value;
}

void ValueTemplate::for_each_expression(const std::function<void(const Expression&)>& visit) const {
  if (const auto* expression = std::get_if<Expression>(&content_)) {
    visit(*expression);
  } else if (const auto* text = std::get_if<Text>(&content_)) {
    for (const Piece& piece : text->pieces)
      if (const auto* part = std::get_if<Expression>(&piece))
        visit(*part);
  } else if (const auto* list = std::get_if<List>(&content_)) {
    for (const ValueTemplate& item : list->items)
      item.for_each_expression(visit);
  } else if (const auto* map = std::get_if<Map>(&content_)) {
    for (const auto& [key, member] : map->members)
      member.for_each_expression(visit);
  }
}

}  // namespace theus

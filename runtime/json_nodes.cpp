#include "runtime/json_nodes.hpp"

#include "runtime/text_position.hpp"

#include <theus/json.hpp>

namespace theus {
namespace {

constexpr std::size_t bytes_max = 1 << 20;
constexpr std::size_t depth_max = 64;

/// Goes once more through a text that parse_json() has taken: so nothing can be wrong with it.
class Reader {
public:
  explicit Reader(std::string_view text) : text_(text) {}

  yaml::Node value() {
    yaml::Node node;
    node.at = node.content_at = here();
    switch (text_[at_]) {
      case '{': object(node); break;
      case '[': array(node); break;
      case '"':
        node.kind = yaml::Node::Kind::scalar;
        node.text = string();
        break;
      default: word(node);
    }
    return node;
  }

private:
  TextPosition here() {
    while (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r')
      ++at_;
    place_ = position_after(text_.substr(placed_, at_ - placed_), place_);
    placed_ = at_;
    return place_;
  }

  /// Past the character if it is the next one.
  bool take(char expected) {
    here();
    if (text_[at_] != expected)
      return false;
    ++at_;
    return true;
  }

  void object(yaml::Node& node) {
    node.kind = yaml::Node::Kind::map;
    ++at_;
    while (!take('}')) {
      take(',');
      yaml::Field member;
      member.at = here();
      member.key = string();
      take(':');
      member.node = value();
      node.members.push_back(std::move(member));
    }
  }

  void array(yaml::Node& node) {
    node.kind = yaml::Node::Kind::list;
    ++at_;
    while (!take(']')) {
      take(',');
      node.items.push_back(value());
    }
  }

  std::string string() {
    const std::size_t from = at_++;
    while (text_[at_] != '"')
      at_ += text_[at_] == '\\' ? 2 : 1;
    ++at_;
    const Value content = parse_json(text_.substr(from, at_ - from)).value();
    return std::string{content.as_string()};
  }

  void word(yaml::Node& node) {
    const std::size_t end = std::min(text_.find_first_of(",]} \t\r\n", at_), text_.size());
    const std::string_view word = text_.substr(at_, end - at_);
    at_ = end;
    if (word == "null")
      return;
    node.kind = yaml::Node::Kind::scalar;
    node.plain = true;
    node.text = word;
  }

  const std::string_view text_;
  std::size_t at_ = 0;
  TextPosition place_;
  std::size_t placed_ = 0;  // where place_ is
};

}  // namespace

Result<yaml::Node> json_nodes(std::string_view text) {
  if (auto valid = parse_json(text, {.bytes_max = bytes_max, .depth_max = depth_max}); !valid)
    return valid.error();
  // The reader looks one character ahead; behind the text stands a space.
  const std::string padded = std::string{text} + " ";
  return Reader{padded}.value();
}

}  // namespace theus

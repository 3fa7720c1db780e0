#include "runtime/yaml/reader.hpp"

#include "runtime/escape.hpp"
#include "runtime/findings.hpp"
#include "runtime/text_position.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <new>
#include <optional>
#include <sstream>
#include <unordered_map>

namespace theus::yaml {
namespace {

// Thrown from event handlers to end the parser, which takes no other answer; caught in read().
struct Stop {
  Finding finding;
};

/// Tells where bytes of a text stand. Counts on from the last answer, so that a file of one long line costs one pass.
class Lines {
public:
  explicit Lines(std::string_view text) : text_(text) {
    for (std::size_t at = 0; at < text.size(); ++at)
      if (text[at] == '\n')
        starts_.push_back(at + 1);
  }

  TextPosition position(std::size_t at) noexcept {
    at = std::min(at, text_.size());
    const auto line = static_cast<std::size_t>(std::ranges::upper_bound(starts_, at) - starts_.begin());
    if (static_cast<int>(line) != last_.line) {
      last_ = {static_cast<int>(line), 1};
      last_at_ = starts_[line - 1];
    }
    if (at >= last_at_)
      last_ = position_after(text_.substr(last_at_, at - last_at_), last_);
    else
      last_.column -= position_after(text_.substr(at, last_at_ - at)).column - 1;
    last_at_ = at;
    return last_;
  }

  /// The byte at a mark of the parser, whose positions count bytes.
  char byte(const YAML::Mark& mark) const noexcept {
    const auto at = static_cast<std::size_t>(std::max(mark.pos, 0));
    return at < text_.size() ? text_[at] : '\0';
  }

  TextPosition position(const YAML::Mark& mark) noexcept {
    return position(static_cast<std::size_t>(std::max(mark.pos, 0)));
  }

  /// Where a null stands. The parser marks one that is not written at whatever follows it; the '-' or ':' before says
  /// more.
  TextPosition absence(const YAML::Mark& mark) noexcept {
    const auto at = static_cast<std::size_t>(std::max(mark.pos, 0));
    const bool written = byte(mark) == '~' || text_.substr(std::min(at, text_.size())).starts_with("null");
    const std::size_t before = at == 0 ? std::string_view::npos : text_.find_last_not_of(" \t\r\n", at - 1);
    const bool open = before != std::string_view::npos && (text_[before] == '-' || text_[before] == ':');
    return position(!written && open ? before : at);
  }

  /// Where the content of the scalar at `mark` begins.
  TextPosition content(const YAML::Mark& mark) noexcept {
    const auto at = static_cast<std::size_t>(std::max(mark.pos, 0));
    const char first = byte(mark);
    if (first == '"' || first == '\'')
      return position(at + 1);
    if (first != '|' && first != '>')
      return position(at);
    const std::size_t line = text_.find('\n', at);
    return position(line == std::string_view::npos ? at : text_.find_first_not_of(" \r\n", line));
  }

private:
  std::string_view text_;
  std::vector<std::size_t> starts_{0};
  TextPosition last_;
  std::size_t last_at_ = 0;
};

/// Builds the tree from the parser's events and refuses what a strict document may not hold.
class TreeBuilder : public YAML::EventHandler {
public:
  TreeBuilder(Lines& lines, const ReadOptions& options, Findings& findings)
      : lines_(lines), options_(options), findings_(findings) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (documents_++ > 0)
      stop(mark, "the document ends here, but text follows",
           "A file holds one document; check indentation and brackets");
  }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    count(mark);
    refuse_properties(mark, "", anchor);
    if (expects_key())
      return begin_member(mark, "", "a key is missing");
    Node node;
    node.at = lines_.absence(mark);
    node.content_at = node.at;
    finish(std::move(node));
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    count(mark);
    refuse(mark, "aliases are not allowed", "Write the value out");
    if (expects_key())
      return begin_member(mark, "", "");
    finish(Node{});
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    count(mark);
    refuse_properties(mark, tag, anchor);
    const bool plain = tag == "?";
    if (expects_key())
      return begin_member(mark, value, plain && value == "<<" ? "merge keys are not allowed" : "");
    Node node;
    node.kind = Node::Kind::scalar;
    node.plain = plain;
    node.at = lines_.position(mark);
    node.content_at = lines_.content(mark);
    node.text = value;
    finish(std::move(node));
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::list);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    open(mark, tag, anchor, Node::Kind::map);
  }
  void OnMapEnd() override { close(); }

private:
  // A list or map under construction.
  struct Frame {
    Node node;
    bool keyed = false;                         // a map whose last member has no value yet
    std::unordered_map<std::string, int> keys;  // and the lines they stand in
  };

  Frame& top() noexcept { return stack_.back(); }
  bool in_map() const noexcept { return !stack_.empty() && stack_.back().node.is_map(); }
  bool expects_key() const noexcept { return in_map() && !stack_.back().keyed; }

  void count(const YAML::Mark& mark) {
    if (++nodes_ > options_.nodes_max)
      stop(mark, "the document has more than " + std::to_string(options_.nodes_max) + " nodes", "Split it");
  }

  void refuse_properties(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (anchor != 0)
      refuse(mark, "anchors are not allowed", "Write the value out where it is used");
    // The parser's own marks for "no tag" are "?" and, for a scalar in quotes, "!".
    if ((!tag.empty() && tag != "?" && tag != "!") || (tag == "!" && lines_.byte(mark) == '!'))
      refuse(mark, "tags are not allowed", "Remove the tag; quotes make a text of a number");
  }

  void begin_member(const YAML::Mark& mark, const std::string& key, std::string problem) {
    const TextPosition at = lines_.position(mark);
    if (!problem.empty()) {
      refuse(mark, std::move(problem), "Keys are texts, as in name: value");
    } else if (const auto [first, fresh] = top().keys.emplace(key, at.line); !fresh) {
      refuse(mark, "the key '" + key + "' is there twice", "The first one is in line " + std::to_string(first->second));
    }
    top().node.members.push_back({key, at, {}});
    top().keyed = true;
  }

  void open(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor, Node::Kind kind) {
    count(mark);
    refuse_properties(mark, tag, anchor);
    if (expects_key())
      stop(mark, "a key is a list or a map", "Keys are texts, as in name: value");
    if (stack_.size() == options_.depth_max)
      stop(mark, "the document is nested deeper than " + std::to_string(options_.depth_max) + " levels", {});
    Frame frame;
    frame.node.kind = kind;
    frame.node.at = frame.node.content_at = lines_.position(mark);
    stack_.push_back(std::move(frame));
  }

  void close() {
    Node node = std::move(top().node);
    stack_.pop_back();
    finish(std::move(node));
  }

  void finish(Node node) {
    if (stack_.empty()) {
      root_ = std::move(node);
    } else if (in_map()) {
      top().node.members.back().node = std::move(node);
      top().keyed = false;
    } else {
      top().node.items.push_back(std::move(node));
    }
  }

  void refuse(const YAML::Mark& mark, std::string cause, std::string suggestion) {
    findings_.add({options_.file, lines_.position(mark), std::move(cause), std::move(suggestion)});
  }

  [[noreturn]] void stop(const YAML::Mark& mark, std::string cause, std::string suggestion) {
    throw Stop{{options_.file, lines_.position(mark), std::move(cause), std::move(suggestion)}};
  }

  Lines& lines_;
  const ReadOptions& options_;
  Findings& findings_;
  std::vector<Frame> stack_;
  Node root_;
  std::size_t nodes_ = 0;
  int documents_ = 0;
};

// What is wrong with the bytes themselves, before any parser sees them.
std::optional<Finding> find_bad_bytes(std::string_view text, Lines& lines, const std::string& file) {
  const std::size_t at = find_unsafe(text, true);
  if (at == std::string_view::npos)
    return std::nullopt;
  if (at == 0 && text.starts_with("\xef\xbb\xbf"))
    return Finding{file, {}, "the file begins with a byte order mark", "Save it as UTF-8 without byte order mark"};
  bool is_character = false;
  for (std::size_t length = 1; length <= 4; ++length)
    is_character = is_character || is_utf8(text.substr(at, length));
  if (!is_character)
    return Finding{file, lines.position(at), "the file is not UTF-8", "Save it as UTF-8"};
  return Finding{file, lines.position(at), "a control or bidirectional character stands here",
                 "Remove it, or write it as an escape in double quotes, as in \"\\x1b\""};
}

Finding of_exception(const YAML::Exception& exception, Lines& lines, const std::string& file) {
  const bool about_alias =
      exception.msg.find("anchor") != std::string::npos || exception.msg.find("alias") != std::string::npos;
  return {file, lines.position(exception.mark), exception.msg,
          about_alias ? "Anchors and aliases are not allowed; write the value out"
                      : "Check indentation (spaces only), quotes and brackets near this place"};
}

}  // namespace

const Field* Node::find(std::string_view key) const noexcept {
  const auto found = std::ranges::find(members, key, &Field::key);
  return found == members.end() ? nullptr : &*found;
}

std::string_view describe(const Node& node) noexcept {
  switch (node.kind) {
    case Node::Kind::null: return "nothing";
    case Node::Kind::scalar: return "a text or number";
    case Node::Kind::list: return "a list";
    case Node::Kind::map: return "a map";
  }
  return "nothing";
}

Result<Node> read(std::string_view text, const ReadOptions& options) {
  if (text.size() > options.bytes_max)
    return error_of(
        options.code,
        Finding{
            options.file, {}, "the file has more than " + std::to_string(options.bytes_max) + " bytes", "Split it"});
  Lines lines{text};
  if (auto bad = find_bad_bytes(text, lines, options.file))
    return error_of(options.code, *std::move(bad));

  Findings findings;
  TreeBuilder builder{lines, options, findings};
  try {
    std::istringstream stream{std::string{text}};
    YAML::Parser parser{stream};
    // Never more than two calls: on ",t" the parser gives documents for ever without consuming anything.
    if (parser.HandleNextDocument(builder))
      parser.HandleNextDocument(builder);
  } catch (const Stop& stop) {
    findings.add(stop.finding);
  } catch (const YAML::Exception& exception) {
    findings.add(of_exception(exception, lines, options.file));
  } catch (const std::bad_alloc&) {
    return Error{Errc::resource_exhausted, options.file, "memory ran out while reading the file"};
  } catch (const std::exception& exception) {
    findings.add({options.file, {}, exception.what(), {}});
  }
  if (!findings.empty())
    return findings.error(options.code);
  return builder.take();
}

}  // namespace theus::yaml

#include <theus/path.hpp>

#include "runtime/escape.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <vector>

namespace theus {
namespace {

struct ZoneName {
  std::string_view text;
  bool prefix;  // else the whole key
  Zone zone;
};

constexpr std::array zone_names{
    ZoneName{"sig_", true, Zone::signal},     ZoneName{"cmd_", true, Zone::signal},
    ZoneName{"sig", false, Zone::signal},     ZoneName{"signal", false, Zone::signal},
    ZoneName{"cmd", false, Zone::signal},     ZoneName{"meta_", true, Zone::meta},
    ZoneName{"meta", false, Zone::meta},      ZoneName{"heavy_", true, Zone::heavy},
    ZoneName{"heavy", false, Zone::heavy},    ZoneName{"log_", true, Zone::log},
    ZoneName{"audit_", true, Zone::log},      ZoneName{"log", false, Zone::log},
    ZoneName{"const_", true, Zone::constant}, ZoneName{"internal_", true, Zone::internal},
};

Zone zone_of_key(std::string_view key) noexcept {
  for (const ZoneName& name : zone_names)
    if (name.prefix ? key.starts_with(name.text) : key == name.text)
      return name.zone;
  return Zone::data;
}

constexpr std::string_view special = ".[]'\"\\";

bool is_plain(std::string_view key) noexcept { return key.find_first_of(special) == std::string_view::npos; }

void append_key(std::string& text, std::string_view key) {
  if (is_plain(key)) {
    if (!text.empty())
      text += '.';
    text += key;
    return;
  }
  text += "['";
  for (const char c : key) {
    if (c == '\'' || c == '\\')
      text += '\\';
    text += c;
  }
  text += "']";
}

struct Token {
  std::string key;
  std::int64_t index = -1;
};

Error malformed(std::string_view text, std::string cause) {
  return Error{Errc::bad_argument, "path '" + std::string{text.substr(0, 200)} + "'", std::move(cause),
               "Write paths as domain.orders[3].amount or domain['odd key']"};
}

/// Splits the text into keys and indices; returns why it cannot.
class Tokenizer {
public:
  explicit Tokenizer(std::string_view text) : text_(text), rest_(text) {}

  Result<std::vector<Token>> run() {
    std::vector<Token> tokens;
    while (!rest_.empty()) {
      auto token = next(tokens.empty());
      if (!token)
        return token.error();
      if (tokens.size() == Path::segments_max)
        return Error{Errc::too_deep, "path", "a path has at most 64 segments"};
      tokens.push_back(*std::move(token));
    }
    return tokens;
  }

private:
  Result<Token> next(bool first) {
    if (rest_.front() == '[')
      return bracket();
    if (!first) {
      if (rest_.front() != '.')
        return malformed(text_, "expected '.' or '[' before '" + std::string{rest_.substr(0, 20)} + "'");
      rest_.remove_prefix(1);
    }
    const std::size_t end = std::min(rest_.find_first_of(".["), rest_.size());
    const std::string_view key = rest_.substr(0, end);
    if (!is_plain(key))
      return malformed(text_, "the key '" + std::string{key} + "' needs quotes");
    rest_.remove_prefix(end);
    return checked(std::string{key});
  }

  Result<Token> bracket() {
    rest_.remove_prefix(1);
    if (rest_.empty())
      return malformed(text_, "the last '[' is not closed");
    if (rest_.front() == '\'' || rest_.front() == '"')
      return quoted(rest_.front());
    Token token;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), token.index);
    const bool leading_zero = rest_.starts_with('0') && end - rest_.data() > 1;
    if (error != std::errc{} || token.index < 0 || leading_zero)
      return malformed(text_, "an index is a number from 0 on without leading zeros; a key in brackets needs quotes");
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return close(std::move(token));
  }

  Result<Token> quoted(char quote) {
    std::string key;
    for (std::size_t at = 1; at < rest_.size(); ++at) {
      if (rest_[at] == quote) {
        rest_.remove_prefix(at + 1);
        auto token = checked(std::move(key));
        return token ? close(*std::move(token)) : std::move(token);
      }
      if (rest_[at] == '\\' && ++at == rest_.size())
        break;
      key += rest_[at];
    }
    return malformed(text_, "a quote is not closed");
  }

  Result<Token> close(Token token) {
    if (!rest_.starts_with(']'))
      return malformed(text_, "a '[' is not closed");
    rest_.remove_prefix(1);
    return token;
  }

  Result<Token> checked(std::string key) {
    if (key.empty())
      return malformed(text_, "a key is empty");
    if (key.size() > Path::key_bytes_max)
      return malformed(text_, "a key is longer than 255 bytes");
    if (!is_utf8(key))
      return malformed(text_, "a key is not UTF-8");
    if (find_unsafe(key, false) != std::string_view::npos)
      return malformed(text_, "a key holds a control character");
    return Token{std::move(key), -1};
  }

  std::string_view text_;
  std::string_view rest_;
};

}  // namespace

std::string_view to_string(Zone zone) noexcept {
  constexpr std::array<std::string_view, 7> names{"data", "signal", "meta", "heavy", "log", "constant", "private"};
  return names[static_cast<std::size_t>(zone)];
}

std::uint64_t key_hash(std::string_view key) noexcept {
  // FNV-1a with the SplitMix64 finalizer, so that every five-bit slice is well spread.
  std::uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : key)
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ULL;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebULL;
  return hash ^ (hash >> 31);
}

struct Path::Parts {
  std::string text;
  std::vector<std::string> keys;  // what the segments view into
  std::vector<Segment> segments;
  std::uint64_t hash = 0;
  Zone zone = Zone::data;

  static std::shared_ptr<const Parts> make(std::vector<Token> tokens) {
    auto parts = std::make_shared<Parts>();
    parts->keys.reserve(tokens.size());
    for (Token& token : tokens) {
      parts->keys.push_back(std::move(token.key));
      const std::string& key = parts->keys.back();
      if (token.index >= 0) {
        parts->text += '[' + std::to_string(token.index) + ']';
        parts->segments.push_back({{}, static_cast<std::uint64_t>(token.index), token.index});
      } else {
        append_key(parts->text, key);
        parts->segments.push_back({key, key_hash(key), -1});
        if (parts->zone == Zone::data)
          parts->zone = zone_of_key(key);
      }
    }
    parts->hash = key_hash(parts->text);
    return parts;
  }

  static Token token_of(const Segment& segment) { return {std::string{segment.key}, segment.index}; }

  std::vector<Token> tokens(std::size_t count) const {
    std::vector<Token> all;
    for (std::size_t i = 0; i < count; ++i)
      all.push_back(token_of(segments[i]));
    return all;
  }
};

Path::Path(std::string_view text) : Path(parse(text).value()) {}

Result<Path> Path::parse(std::string_view text) {
  if (text.empty())
    return Path{};
  if (text.size() > text_bytes_max)
    return Error{Errc::too_large, "path", "a path has at most 4096 bytes"};
  auto tokens = Tokenizer{text}.run();
  if (!tokens)
    return tokens.error();
  return Path{Parts::make(*std::move(tokens))};
}

const std::string& Path::text() const noexcept {
  static const std::string root;
  return parts_ ? parts_->text : root;
}

std::span<const Segment> Path::segments() const noexcept {
  return parts_ ? std::span<const Segment>{parts_->segments} : std::span<const Segment>{};
}

Zone Path::zone() const noexcept { return parts_ ? parts_->zone : Zone::data; }
std::uint64_t Path::hash() const noexcept { return parts_ ? parts_->hash : 0; }

Path Path::key(std::string_view name) const {
  auto tokens = parts_ ? parts_->tokens(size()) : std::vector<Token>{};
  tokens.push_back({std::string{name}, -1});
  return Path{Parts::make(std::move(tokens))};
}

Path Path::index(std::size_t position) const {
  auto tokens = parts_ ? parts_->tokens(size()) : std::vector<Token>{};
  tokens.push_back({{}, static_cast<std::int64_t>(position)});
  return Path{Parts::make(std::move(tokens))};
}

Path Path::parent() const {
  assert(!is_root());
  return prefix(size() - 1);
}

Path Path::prefix(std::size_t count) const {
  assert(count <= size());
  if (count == size())
    return *this;
  return count == 0 ? Path{} : Path{Parts::make(parts_->tokens(count))};
}

bool Path::covers(const Path& other) const noexcept {
  const auto mine = segments();
  const auto theirs = other.segments();
  return mine.size() <= theirs.size() &&
         std::ranges::equal(mine, theirs.first(mine.size()), [](const Segment& a, const Segment& b) {
           return a.hash == b.hash && a.index == b.index && a.key == b.key;
         });
}

}  // namespace theus

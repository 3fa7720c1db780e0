#include <theus/path.hpp>

#include "runtime/escape.hpp"
#include "runtime/path_key.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstring>
#include <new>
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

template <std::size_t at>
bool names(std::string_view key) noexcept {
  constexpr ZoneName name = zone_names[at];
  constexpr std::size_t length = name.text.size();
  const bool is_long_enough = name.prefix ? key.size() >= length : key.size() == length;
  return is_long_enough && std::memcmp(key.data(), name.text.data(), length) == 0;
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
    if (const char* fault = key_fault(key))
      return malformed(text_, fault);
    return Token{std::move(key), -1};
  }

  std::string_view text_;
  std::string_view rest_;
};

}  // namespace

const char* key_fault(std::string_view key) noexcept {
  if (key.empty())
    return "a key is empty";
  if (key.size() > Path::key_bytes_max)
    return "a key is longer than 255 bytes";
  if (!is_utf8(key))
    return "a key is not UTF-8";
  if (find_unsafe(key, false) != std::string_view::npos)
    return "a key holds a control character";
  return nullptr;
}

std::string_view to_string(Zone zone) noexcept {
  constexpr std::array<std::string_view, 7> names{"data", "signal", "meta", "heavy", "log", "constant", "private"};
  return names[static_cast<std::size_t>(zone)];
}

Zone zone_of_key(std::string_view key) noexcept {
  // Asked of every key that is written: unrolled, each comparison is one of constants.
  return [key]<std::size_t... at>(std::index_sequence<at...>) {
    Zone zone = Zone::data;
    (void)((names<at>(key) && (zone = zone_names[at].zone, true)) || ...);
    return zone;
  }(std::make_index_sequence<zone_names.size()>{});
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

struct Path::Parts : Head {
  Segment* segments() noexcept { return reinterpret_cast<Segment*>(this + 1); }
  using Head::segments;
  char* bytes() noexcept { return reinterpret_cast<char*>(segments() + count); }

  static const Parts* make(const std::vector<Token>& tokens) {
    std::string text;
    std::string odd_keys;
    for (const Token& token : tokens) {
      if (token.index >= 0) {
        text += '[' + std::to_string(token.index) + ']';
      } else {
        append_key(text, token.key);
        odd_keys += is_plain(token.key) ? "" : token.key;
      }
    }
    const std::size_t size = sizeof(Parts) + tokens.size() * sizeof(Segment) + text.size() + odd_keys.size();
    auto* parts = new (::operator new(size)) Parts;
    parts->count = static_cast<std::uint32_t>(tokens.size());
    parts->text_bytes = static_cast<std::uint32_t>(text.size());
    std::ranges::copy(text, parts->bytes());
    std::ranges::copy(odd_keys, parts->bytes() + text.size());
    parts->fill_segments(tokens);
    parts->hash = key_hash(text);
    return parts;
  }

  void fill_segments(const std::vector<Token>& tokens) noexcept {
    const char* plain = bytes();
    const char* odd = bytes() + text_bytes;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
      const Token& token = tokens[i];
      if (token.index >= 0) {
        segments()[i] = {{}, static_cast<std::uint64_t>(token.index), token.index};
        continue;
      }
      const std::size_t length = token.key.size();
      std::string_view key;
      if (is_plain(token.key)) {
        // The first occurrence at or after the last key is this key, or begins with it.
        plain = std::search(plain, static_cast<const char*>(bytes()) + text_bytes, token.key.begin(), token.key.end());
        key = {plain, length};
        plain += length;
      } else {
        key = {odd, length};
        odd += length;
      }
      segments()[i] = {key, key_hash(key), -1};
      if (zone == Zone::data)
        zone = zone_of_key(key);
    }
  }

  static void append_tokens(const Path& path, std::size_t first_count, std::vector<Token>& tokens) {
    for (const Segment& segment : path.segments().first(first_count))
      tokens.push_back({std::string{segment.key}, segment.index});
  }
};

void Path::retain() const noexcept {
  if (parts_ != nullptr)
    parts_->references.fetch_add(1, std::memory_order_relaxed);
}

void Path::release() noexcept {
  // The acquire half pairs with the release half of the other owners: their reads precede the destruction.
  if (parts_ != nullptr && parts_->references.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    parts_->~Head();
    ::operator delete(const_cast<Head*>(parts_));
  }
}

Path::Path(std::string_view text) : Path(parse(text).value()) {}

Result<Path> Path::parse(std::string_view text) {
  if (text.empty())
    return Path{};
  if (text.size() > text_bytes_max)
    return Error{Errc::too_large, "path", "a path has at most 4096 bytes"};
  auto tokens = Tokenizer{text}.run();
  if (!tokens)
    return tokens.error();
  return Path{Parts::make(*tokens)};
}

Path Path::key(std::string_view name) const {
  std::vector<Token> tokens;
  Parts::append_tokens(*this, size(), tokens);
  tokens.push_back({std::string{name}, -1});
  return Path{Parts::make(tokens)};
}

Path Path::index(std::size_t position) const {
  std::vector<Token> tokens;
  Parts::append_tokens(*this, size(), tokens);
  tokens.push_back({{}, static_cast<std::int64_t>(position)});
  return Path{Parts::make(tokens)};
}

Path Path::parent() const {
  assert(!is_root());
  return prefix(size() - 1);
}

Path Path::prefix(std::size_t count) const {
  assert(count <= size());
  if (count == size())
    return *this;
  if (count == 0)
    return Path{};
  std::vector<Token> tokens;
  Parts::append_tokens(*this, count, tokens);
  return Path{Parts::make(tokens)};
}

bool Path::covers(const Path& other) const noexcept {
  const auto mine = segments();
  const auto theirs = other.segments();
  if (mine.empty() || mine.size() > theirs.size())
    return mine.empty();
  // Paths that are compared often differ in their last segment only.
  return mine.back().hash == theirs[mine.size() - 1].hash &&
         std::ranges::equal(mine, theirs.first(mine.size()), [](const Segment& a, const Segment& b) {
           return a.hash == b.hash && a.index == b.index && a.key == b.key;
         });
}

}  // namespace theus

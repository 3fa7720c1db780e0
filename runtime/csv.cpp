#include "runtime/csv.hpp"

#include "runtime/escape.hpp"
#include "runtime/findings.hpp"
#include "runtime/number.hpp"
#include "runtime/text_position.hpp"
#include "runtime/value_build.hpp"

#include <theus/path.hpp>

#include <algorithm>
#include <numeric>
#include <vector>

namespace theus {
namespace {

struct Field {
  std::string_view text;  // valid until the next field is read
  bool quoted = false;
};

class CsvParser {
public:
  CsvParser(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  Result<Value> run() {
    if (text_.empty())
      add(0, "the file is empty", "Its first row names the columns");
    else
      header();
    std::vector<Value> rows;
    while (!broken_ && at_ < text_.size())
      row(rows);
    if (!findings_.empty())
      return findings_.error(Errc::bad_input);
    return build_list(rows);
  }

private:
  void header() {
    std::vector<std::string> names;
    do {
      const std::size_t start = at_;
      const Field field = next_field();
      if (field.text.empty())
        add(start, "a column has no name", "Name every column in the first row");
      else if (field.text.size() > Path::key_bytes_max || find_unsafe(field.text, false) != std::string_view::npos)
        add(start, "the name of a column is longer than 255 bytes or holds control characters");
      else if (std::ranges::find(names, field.text) != names.end())
        add(start, "two columns have the name '" + std::string{field.text} + "'", "Give each column a name of its own");
      names.emplace_back(field.text);
    } while (!broken_ && take_comma());
    take_line_end();

    // Rows become maps in canonical order without sorting each.
    std::vector<std::size_t> order(names.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, [&](std::size_t a, std::size_t b) { return key_before(names[a], names[b]); });
    slots_.resize(names.size());
    for (std::size_t i = 0; i < order.size(); ++i) {
      slots_[order[i]] = 2 * i + 1;
      keys_.emplace_back(names[order[i]]);
    }
  }

  void row(std::vector<Value>& rows) {
    row_start_ = at_;
    pairs_.assign(2 * slots_.size(), Value{});
    std::size_t count = 0;
    do {
      const std::size_t field_start = at_;
      const Field field = next_field();
      if (broken_)
        return;
      if (count < slots_.size())
        pairs_[slots_[count]] = value_of(field, field_start);
      ++count;
    } while (take_comma());
    take_line_end();
    if (count != slots_.size())
      return add(row_start_,
                 "the row has " + std::to_string(count) + " fields, the first row " + std::to_string(slots_.size()),
                 "Put fields that hold commas or line breaks in double quotes");
    if (!findings_.empty())
      return;
    for (std::size_t i = 0; i < keys_.size(); ++i)
      pairs_[2 * i] = keys_[i];
    rows.push_back(build_map(pairs_));
  }

  Value value_of(const Field& field, std::size_t start) {
    if (field.quoted)
      return field.text;
    if (field.text.empty())
      return {};
    if (field.text == "true" || field.text == "false")
      return field.text == "true";
    Number number = parse_number(field.text);
    if (number.form == NumberForm::out_of_range)
      add(start, "the number " + std::string{field.text} + " is out of range",
          "Put it in double quotes to keep it as a text");
    return number.form == NumberForm::none ? Value{field.text} : std::move(number.value);
  }

  Field next_field() {
    if (at_ < text_.size() && text_[at_] == '"')
      return quoted_field();
    const std::size_t start = at_;
    at_ = std::min(text_.find_first_of(",\r\n\"", at_), text_.size());
    if (at_ < text_.size() && text_[at_] == '"')
      stop("a quote stands inside a field without quotes",
           "Put the whole field in double quotes and write \"\" for a quote");
    else if (at_ < text_.size() && text_[at_] == '\r' && !text_.substr(at_).starts_with("\r\n"))
      stop("a carriage return stands without line feed", "Rows end with LF or CR LF");
    return {text_.substr(start, at_ - start), false};
  }

  Field quoted_field() {
    const std::size_t start = at_++;
    quoted_.clear();
    while (true) {
      const std::size_t quote = text_.find('"', at_);
      if (quote == std::string_view::npos) {
        at_ = start;
        stop("a quote is not closed", "Close the field with a double quote");
        return {};
      }
      quoted_ += text_.substr(at_, quote - at_);
      at_ = quote + 1;
      if (at_ == text_.size() || text_[at_] != '"')
        break;
      quoted_ += '"';
      ++at_;
    }
    if (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '\n' && !text_.substr(at_).starts_with("\r\n"))
      stop("text follows the closing quote of a field", "Write \"\" for a quote inside a field");
    return {quoted_, true};
  }

  bool take_comma() {
    const bool comma = !broken_ && at_ < text_.size() && text_[at_] == ',';
    at_ += comma ? 1 : 0;
    return comma;
  }

  void take_line_end() {
    if (at_ < text_.size() && text_[at_] == '\r')
      ++at_;
    if (at_ < text_.size() && text_[at_] == '\n')
      ++at_;
  }

  void add(std::size_t at, std::string cause, std::string suggestion = {}) {
    // Lines are counted from the row of the last finding on, so that many findings cost one pass.
    row_position_ = position_after(text_.substr(counted_, row_start_ - counted_), row_position_);
    counted_ = row_start_;
    findings_.add({file_, position_after(text_.substr(row_start_, at - row_start_), row_position_), std::move(cause),
                   std::move(suggestion)});
  }

  // A fault after which fields can no longer be told apart.
  void stop(std::string cause, std::string suggestion) {
    add(at_, std::move(cause), std::move(suggestion));
    broken_ = true;
  }

  std::string_view text_;
  const std::string& file_;
  Findings findings_;
  std::size_t at_ = 0;
  bool broken_ = false;
  std::string quoted_;              // content of the last quoted field
  std::vector<Value> keys_;         // in canonical order
  std::vector<std::size_t> slots_;  // of each column: where its item stands among keys and items
  std::vector<Value> pairs_;
  std::size_t row_start_ = 0;
  std::size_t counted_ = 0;    // a row start
  TextPosition row_position_;  // and where it stands
};

}  // namespace

Result<Value> parse_csv(std::string_view text, const std::string& file) { return CsvParser{text, file}.run(); }

}  // namespace theus

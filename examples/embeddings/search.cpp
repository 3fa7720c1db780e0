#include "search.hpp"

#include <theus/engine.hpp>
#include <theus/escape.hpp>
#include <theus/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <iostream>

#include <fmt/format.h>

#include "features.hpp"

namespace {

using theus::Value;

struct Match {
  std::string name;
  float score = 0;
};

/// All rows, where the workers have built them: nothing is copied into this process.
class Matrix {
public:
  static theus::Result<Matrix> of(const theus::Engine& engine, const theus::HeavyZone& heavy) {
    Matrix matrix;
    const auto state = engine.state();
    const Value documents = state.get<Value>("domain.documents").value();
    for (const Value& document : documents.items())
      matrix.names_.push_back(document["name"].get<std::string>().value());
    const Value blocks = state.get<Value>("heavy.rows").value();
    for (std::size_t i = 0; i < blocks.size(); ++i) {
      auto block = heavy.view<float>(blocks["block_" + std::to_string(i)]);
      if (!block)
        return block.error();
      for (std::size_t row = 0; row < block->shape()[0]; ++row)
        matrix.rows_.push_back(block->span().subspan(row * dimensions, dimensions));
      matrix.blocks_.push_back(*std::move(block));
    }
    return matrix;
  }

  std::size_t blocks() const noexcept { return blocks_.size(); }
  std::size_t texts() const noexcept { return rows_.size(); }

  /// The best first, of those that have at least half of what is asked for. What few texts have counts more than what
  /// all have.
  std::vector<Match> matches(std::string_view query) const {
    std::vector<float> counts(dimensions);
    count_features(query, counts);
    std::vector<std::pair<std::size_t, float>> asked;
    for (std::size_t place = 0; place < dimensions; ++place)
      if (counts[place] > 0) {
        const auto having = std::ranges::count_if(rows_, [place](const auto& row) { return row[place] > 0; });
        const float rarity = std::log1p(static_cast<float>(rows_.size()) / (1 + static_cast<float>(having)));
        asked.emplace_back(place, counts[place] * rarity);
      }
    std::vector<Match> found;
    for (std::size_t row = 0; row < rows_.size(); ++row) {
      Match match{names_[row]};
      std::size_t common = 0;
      for (const auto& [place, weight] : asked) {
        match.score += weight * rows_[row][place];
        common += rows_[row][place] > 0 ? 1 : 0;
      }
      if (2 * common >= std::max<std::size_t>(asked.size(), 1))
        found.push_back(match);
    }
    std::ranges::stable_sort(found, std::greater{}, &Match::score);
    return found;
  }

private:
  std::vector<std::string> names_;
  std::vector<theus::HeavyView<float>> blocks_;  // keep what the rows show
  std::vector<std::span<const float>> rows_;
};

/// Whether there was an answer.
bool answer(const std::string& query, const Matrix& matrix, const theus::HeavyZone& heavy, bool json) {
  constexpr std::size_t shown_max = 5;
  const auto begin = std::chrono::steady_clock::now();
  auto found = matrix.matches(query);
  const std::chrono::duration<double, std::milli> passed = std::chrono::steady_clock::now() - begin;
  found.resize(std::min(found.size(), shown_max));
  const auto copied = heavy.statistics().bytes_copied;
  if (json) {
    Value best = Value::list();
    for (const Match& match : found)
      best.push_back({{"name", match.name}, {"score", static_cast<double>(match.score)}});
    const Value report{{"query", query},          {"best", best},
                       {"texts", matrix.texts()}, {"blocks", matrix.blocks()},
                       {"bytes_copied", copied},  {"milliseconds", passed.count()}};
    fmt::print("{}\n", theus::to_json(report));
    return !found.empty();
  }
  if (found.empty()) {
    fmt::print(stderr, "embeddings: no text is like '{}'; ask for words that may stand in one\n",
               theus::escaped(query));
    return false;
  }
  for (const Match& match : found)
    fmt::print("{:.3f}  {}\n", match.score, theus::escaped(match.name));
  fmt::print("{} texts in {} blocks, {} bytes copied, {:.2f} ms\n", matrix.texts(), matrix.blocks(), copied,
             passed.count());
  return true;
}

}  // namespace

int search(const std::string& handle, const Questions& questions) {
  auto engine = theus::Engine::from_handle(handle);
  const auto matrix = engine ? Matrix::of(*engine, engine->heavy()) : theus::Result<Matrix>{engine.error()};
  if (!matrix) {
    fmt::print(stderr, "embeddings: {}\n", matrix.error().text());
    return theus::exit_code(matrix.error().code());
  }
  if (!questions.query.empty())
    return answer(questions.query, *matrix, engine->heavy(), questions.json) ? 0 : 1;
  for (std::string line; std::getline(std::cin, line);) {
    if (line.find_first_not_of(" \t\r") == std::string::npos) {
      fmt::print(stderr, "embeddings: this line is empty; ask for words, like \"redistribute modified source\"\n");
      continue;
    }
    answer(line, *matrix, engine->heavy(), questions.json);
    std::fflush(stdout);
  }
  return 0;
}

// Schemas and the guard of the state against the plainest reading of the same documents.

#include "runtime/schema_guard.hpp"
#include "tests/support/execution_stage.hpp"
#include "tests/support/naive_schema.hpp"
#include "tests/support/naive_state.hpp"
#include "tests/support/property.hpp"
#include "tests/support/random_schemas.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using testing::ExecutionStage;

Status plainly(const std::function<void()>& user) {
  user();
  return {};
}

/// The guard of the schemas; nothing when one of them is no schema.
std::shared_ptr<const SchemaGuard> guard_of(const std::map<std::string, Value>& documents) {
  StateSchema state;
  for (const auto& [path, document] : documents) {
    auto schema = Schema::from(document);
    if (!schema)
      return nullptr;
    state.at(path, *std::move(schema));
  }
  return SchemaGuard::compile(state, plainly).value();
}

bool all_fit(const std::map<std::string, Value>& documents, const Value& state) {
  for (const auto& [path, document] : documents)
    if (const auto value = testing::look_up(state, Path{path}.segments());
        value && !testing::naive_fits(document, *value))
      return false;
  return true;
}

TEST_CASE("a schema takes what a plain reading of its document takes", "[schema][property]") {
  int fitting = 0;
  int compared = 0;
  testing::holds(3000, [&] {
    const Value document = *testing::schema_document(3);
    const Value value = *rc::gen::oneOf(testing::meeting_value(), testing::value(3));
    const auto schema = Schema::from(document);
    if (!schema)
      return;  // bounds that cross and the like
    ++compared;
    const bool expected = testing::naive_fits(document, value);
    fitting += expected ? 1 : 0;
    RC_ASSERT(schema->fits(value) == expected);
    RC_ASSERT(schema->check(value).ok() == expected);
    RC_ASSERT(Schema::from(schema->document()).value().fits(value) == expected);
  });
  CHECK(fitting > compared / 20);
  CHECK(fitting < compared * 19 / 20);
}

TEST_CASE("an inferred schema takes the value that it was inferred from", "[schema][property]") {
  testing::holds(500, [] {
    const Value value = *rc::gen::arbitrary<Value>();
    RC_ASSERT(Schema::from(inferred_schema(value)).value().fits(value));
  });
}

TEST_CASE("commits are refused exactly when what they lead to does not fit", "[schema][property][F84]") {
  int refused = 0;
  int committed = 0;
  testing::holds(4000, [&] {
    std::map<std::string, Value> documents{{"domain", *testing::schema_document(3)}};
    if (*rc::gen::element(true, false))
      documents.emplace("domain.a", *testing::schema_document(2));
    const auto guard = guard_of(documents);
    if (guard == nullptr)
      return;
    ExecutionStage stage;
    Value state = Value::map();
    {
      ProposalView bring{.schema = &guard};
      RC_ASSERT(stage.turn.commit(bring).ok());
    }
    const int commits = *rc::gen::inRange(1, 8);
    for (int i = 0; i < commits; ++i) {
      const auto writes =
          *testing::unscaled(rc::gen::resize(4, rc::gen::container<std::vector<Write>>(testing::meeting_write())));
      std::optional<Value> next = state;
      for (const Write& write : writes)
        next = next ? testing::after(*next, write) : std::nullopt;
      const bool expected = next && all_fit(documents, *next);
      const Version before = stage.turn.version();
      const Outcome outcome = stage.commit(writes);
      RC_ASSERT(outcome.ok() == expected);
      if (expected) {
        state = *next;
        ++committed;
      } else {
        RC_ASSERT(stage.turn.version() == before);
        refused += next ? 1 : 0;
        if (next)
          RC_ASSERT(outcome.error().code() == Errc::schema_violation);
      }
      RC_ASSERT(stage.everything() == state);
    }
  });
  CHECK(refused > 500);
  CHECK(committed > 500);
}

}  // namespace
}  // namespace theus

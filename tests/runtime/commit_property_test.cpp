// Commits, overlays and executions against the plainest model of a state: random writes that often meet.

#include "tests/support/execution_stage.hpp"
#include "tests/support/naive_state.hpp"
#include "tests/support/property.hpp"
#include "tests/support/random_writes.hpp"

#include <catch2/catch.hpp>

namespace theus {
namespace {

using testing::ExecutionStage;
using testing::NaiveState;

using Writes = std::vector<Write>;

rc::Gen<Writes> writes(double scale) {
  return rc::gen::scale(scale, rc::gen::container<Writes>(testing::meeting_write()));
}

/// A stage and its model after the writes, each a commit of its own; impossible ones are refused by both.
struct Pair {
  ExecutionStage stage;
  NaiveState model;

  void commit_each(const Writes& all) {
    for (const Write& write : all) {
      const bool possible = testing::after(model.head(), write).has_value();
      RC_ASSERT(stage.commit({write}).ok() == possible);
      if (possible)
        model.commit({write});
    }
    RC_ASSERT(stage.everything() == model.head());
    RC_ASSERT(stage.turn.version() == model.version());
  }
};

/// Sets a map wherever a parent is absent. An overlay forgets a parent that it made only for something it erased
/// again; commits one by one leave it as an empty map.
void fill(Pair& pair, const Path& path) {
  const auto there = testing::look_up(pair.model.head(), path.segments());
  if (!there)
    pair.commit_each({{path, Value::map()}});
  if (path.size() < 4 && (!there || there->is_map()))
    for (const char* key : {"a", "b", "c"})
      fill(pair, path.key(key));
}

TEST_CASE("an overlay shows and commits what the same writes give on a nested value", "[overlay][property]") {
  testing::holds(300, [] {
    Pair pair;
    pair.commit_each(*writes(0.3));
    fill(pair, "domain");
    Overlay sut{pair.stage.turn.snapshot(), [](const Path&) {}};
    Value expected = pair.model.head();
    for (const Write& write : *writes(0.5)) {
      const auto next = testing::after(expected, write);
      RC_ASSERT(sut.write(write).ok() == next.has_value());
      expected = next.value_or(expected);
      const Path path = *testing::meeting_path();
      RC_ASSERT(sut.find(path) == testing::look_up(expected, path.segments()));
      RC_ASSERT(sut.find("") == expected);
    }
    const Writes recorded = sut.writes();
    pair.stage.turn.commit(ProposalView{sut.base().version(), false, {}, recorded, {}}).value();
    RC_ASSERT(pair.stage.everything() == expected);
  });
}

TEST_CASE("commits on stale bases are accepted, refused and applied as the model says", "[commit][property][F81]") {
  testing::holds(300, [] {
    Pair pair;
    std::vector<Snapshot> snapshots{pair.stage.turn.snapshot()};
    pair.commit_each(*writes(0.2));
    const auto proposals = *rc::gen::inRange(0, 30);
    for (int i = 0; i < proposals; ++i) {
      const Version age = std::min<Version>(*rc::gen::inRange<Version>(0, 5), pair.model.version());
      const Version base = pair.model.version() - age;
      const auto reads = *rc::gen::scale(0.05, rc::gen::container<std::vector<Path>>(testing::meeting_path()));
      const Writes wanted = *writes(0.05);

      const auto verdict = pair.model.judge(base, reads, wanted);
      const Outcome outcome = pair.stage.turn.commit(ProposalView{base, false, reads, wanted, {}});

      if (outcome) {
        RC_ASSERT(verdict == NaiveState::Verdict::accepts || verdict == NaiveState::Verdict::either);
        pair.model.commit(wanted);
      } else if (outcome.error().code() == Errc::version_mismatch) {
        RC_ASSERT(verdict != NaiveState::Verdict::accepts);
      } else {
        RC_ASSERT(outcome.error().code() == Errc::bad_argument);
        RC_ASSERT(verdict == NaiveState::Verdict::impossible);
      }
      RC_ASSERT(pair.stage.turn.version() == pair.model.version());
      RC_ASSERT(pair.stage.everything() == pair.model.head());
      snapshots.push_back(pair.stage.turn.snapshot());
    }
    for (const Snapshot& snapshot : snapshots)
      RC_ASSERT(snapshot.find("") == pair.model.at(snapshot.version()));
  });
}

/// One step of a body: reads feed what is written later, so that a stale read cannot hide.
struct Step {
  enum class Kind { write, read, copy, move, probe };

  Kind kind;
  Write write;
  Path other;
};

void showValue(const Step& step, std::ostream& out) {
  constexpr std::array<const char*, 5> names{"", "read of ", "copy of ", "move of ", "probe of "};
  out << names[static_cast<std::size_t>(step.kind)];
  if (step.kind != Step::Kind::write)
    out << step.other.text() << " with ";
  theus::showValue(step.write, out);
}

rc::Gen<Step> step() {
  const auto kind = rc::gen::weightedElement<Step::Kind>({{5, Step::Kind::write},
                                                          {3, Step::Kind::read},
                                                          {2, Step::Kind::copy},
                                                          {1, Step::Kind::move},
                                                          {1, Step::Kind::probe}});
  return rc::gen::map(rc::gen::tuple(kind, testing::meeting_write(), testing::meeting_path()),
                      [](const std::tuple<Step::Kind, Write, Path>& parts) {
                        return Step{std::get<0>(parts), std::get<1>(parts), std::get<2>(parts)};
                      });
}

/// Runs the steps and counts them in `done`; returns all that was read.
Value act(Context& ctx, const std::vector<Step>& steps, std::size_t& done) {
  Value seen = Value::list();
  for (done = 0; done < steps.size(); ++done) {
    const Step& step = steps[done];
    switch (step.kind) {
      case Step::Kind::write: ctx.write(step.write); break;
      case Step::Kind::read: seen.push_back(ctx.find(step.other).value_or("absent")); break;
      case Step::Kind::copy: ctx.set(step.write.path, ctx.find(step.other).value_or("absent")); break;
      case Step::Kind::move:
        if (ctx.contains(step.other))
          ctx.move(step.other, step.write.path);
        break;
      case Step::Kind::probe: seen.push_back(ctx.contains(step.other)); break;
    }
  }
  return seen;
}

TEST_CASE("an execution that commits on a stale snapshot would have done the same on the newest one",
          "[execution][property][F81]") {
  testing::holds(2000, [] {
    Pair pair;
    pair.commit_each(*writes(0.3));
    auto steps = *rc::gen::scale(0.08, rc::gen::container<std::vector<Step>>(step()));
    const std::vector<std::vector<std::string>> contracts{{"domain"},
                                                          {"domain.a", "domain.b"},
                                                          {"domain.*.a", "domain.b"},
                                                          {"domain.**.a"},
                                                          {"domain.a.*", "domain.b.**.a"}};
    const auto contract = *rc::gen::elementOf(contracts);
    Value seen;
    std::size_t done = 0;
    const auto run = [&] {
      Process process{.name = "p", .outputs = contract};
      process.body = [&](Context& ctx) { seen = act(ctx, steps, done); };
      return pair.stage.run(process);
    };

    auto early = run();
    for (; !early; early = run())
      steps.erase(steps.begin() + static_cast<std::ptrdiff_t>(done));  // out of contract, or impossible
    const Value seen_early = seen;
    pair.commit_each({*testing::meeting_write()});
    pair.commit_each(*writes(0.04));
    const auto late = run();
    const Outcome outcome = pair.stage.turn.commit(early->proposal.view());
    if (!outcome)
      return;
    RC_ASSERT(late.ok());
    RC_ASSERT(seen_early == seen);
    Value expected = pair.model.head();
    for (const Write& write : late->proposal.writes)
      expected = testing::after(expected, write).value();
    RC_ASSERT(pair.stage.everything() == expected);
  });
}

}  // namespace
}  // namespace theus

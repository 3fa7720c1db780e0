#include <theus/replay.hpp>

#include "actors/rehearsal.hpp"
#include "actors/user_callback.hpp"
#include "runtime/divergence.hpp"
#include "runtime/store/checkpoint_writer.hpp"
#include "runtime/store/journal_states.hpp"

#include <deque>
#include <set>

namespace theus {
namespace {

using store::JournalReader;
using store::JournalStates;
using store::KeptCommit;

// States that bodies are likely to have seen; older ones are read from the journal again.
constexpr std::size_t states_held_max = 256;

bool is_of_body(Cause::Kind kind) noexcept {
  return kind == Cause::Kind::process || kind == Cause::Kind::round || kind == Cause::Kind::agent ||
         kind == Cause::Kind::cohort;
}

/// One replay from its first state to its last.
class Replay {
public:
  Replay(JournalReader& reader, JournalStates states, const ReplayOptions& options, Rerun* rerun)
      : reader_(reader), states_(std::move(states)), options_(options), rerun_(rerun) {}

  Result<ReplayReport> run() {
    if (auto checked = look_at_checkpoints(); !checked)
      return checked.error();
    report_.from = states_.version();
    hold(states_.state());
    if (states_.first_digest())
      if (auto same = check_digest(*states_.first_digest()); !same)
        return same.error();
    for (;;) {
      const auto commit = states_.read();
      if (!commit)
        return commit.error();
      if (!*commit)
        break;
      if (auto replayed = replay(**commit); !replayed)
        return replayed.error();
    }
    report_.version = states_.version();
    report_.digest = store::state_digest(states_.state());
    report_.runs = rerun_ != nullptr ? rerun_->runs() : 0;
    return report_;
  }

private:
  Status look_at_checkpoints() {
    const auto versions = store::checkpoint_versions(reader_.database());
    if (!versions)
      return versions.error();
    checkpoints_ = {versions->begin(), versions->end()};
    return {};
  }

  Status replay(const KeptCommit& commit) {
    const auto& [version, link, record] = commit;
    const std::vector<Write>* writes = &record.writes;
    std::optional<Effects> wanted;
    if (rerun_ != nullptr) {
      auto ran = run_again(commit);
      if (!ran)
        return ran.error();
      wanted = *std::move(ran);
      if (wanted) {
        if (auto same = check_same_effects(version, record, *wanted, states_.state()); !same)
          return same;
        rerun_->accept();
        std::erase_if(wanted->writes, [](const Write& write) { return write.path.zone() == Zone::meta; });
        writes = &wanted->writes;
      }
    }
    if (auto applied = states_.apply(version, *writes); !applied)
      return applied;
    ++report_.commits;
    ++report_.causes[std::string{to_string(record.cause.kind)} + (record.cause.origin != 0 ? " (joined)" : "")];
    hold(states_.state());
    if (options_.on_version)
      if (auto told = actors::call_user([&] { options_.on_version(held_.back()); }); !told)
        return told;
    if (const auto& mark = reader_.mark(); mark && mark->version == version && mark->link != link)
      return store::corrupt(reader_.path(), version, "this version is not the one that was safe");
    return checkpoints_.contains(version) ? check_checkpoint(version, link) : Status{};
  }

  Result<std::optional<Effects>> run_again(const KeptCommit& commit) {
    if (!is_of_body(commit.record.cause.kind))
      return std::optional<Effects>{};
    const Version base = commit.record.base;
    const auto held = std::ranges::find(held_, base, &Snapshot::version);
    if (held != held_.end())
      return rerun_->run(commit.version, commit.record, *held);
    if (base < report_.from)
      return Error{Errc::not_replayable, "version " + std::to_string(commit.version),
                   "its body read version " + std::to_string(base) + ", whose history was dropped",
                   "Keep more with JournalOptions::history_min"}
          .with("version", commit.version)
          .with("process", commit.record.cause.name);
    const auto old = theus::state_at(reader_.path(), base);
    if (!old)
      return old.error();
    return rerun_->run(commit.version, commit.record, *old);
  }

  void hold(Snapshot state) {
    if (rerun_ == nullptr)
      held_.clear();
    held_.push_back(std::move(state));
    if (held_.size() > states_held_max)
      held_.pop_front();
  }

  Status check_checkpoint(Version version, const Digest& link) {
    const auto checkpoint = store::read_checkpoint(reader_.database(), version);
    if (!checkpoint)
      return checkpoint.error();
    if (!*checkpoint)
      return store::corrupt(reader_.path(), version, "its checkpoint is not what it was made of");
    if ((*checkpoint)->link != link)
      return store::corrupt(reader_.path(), version, "its checkpoint belongs to another chain");
    return check_digest((*checkpoint)->digest);
  }

  Status check_digest(const Digest& recorded) {
    const Digest now = store::state_digest(states_.state());
    if (now != recorded)
      return Error{Errc::replay_diverged, reader_.path().string() + ", version " + std::to_string(states_.version()),
                   "the state has the digest " + now.text() + ", but " + recorded.text() + " was recorded",
                   "Compare it with a copy of the journal; theus diff shows what two of them differ in"}
          .with("version", states_.version())
          .with("process", "")
          .with("diff", Value::list());
    ++report_.checkpoints;
    return {};
  }

  JournalReader& reader_;
  JournalStates states_;
  const ReplayOptions& options_;
  Rerun* const rerun_;
  std::set<Version> checkpoints_;
  std::deque<Snapshot> held_;
  ReplayReport report_;
};

Result<ReplayReport> replay_with(JournalReader& reader, const ReplayOptions& options, Rerun* rerun) {
  if (const auto& mark = reader.mark(); mark && mark->version > reader.newest())
    return store::corrupt(
        reader.path(), mark->version,
        "this version was safe, but the journal ends with version " + std::to_string(reader.newest()));
  auto states = JournalStates::begin(reader, options.to.value_or(reader.newest()),
                                     options.from_nearest ? JournalStates::From::nearest : JournalStates::From::oldest);
  if (!states)
    return states.error();
  return Replay{reader, *std::move(states), options, rerun}.run();
}

}  // namespace

Result<ReplayReport> replay(const std::filesystem::path& journal, const ReplayOptions& options) {
  auto reader = JournalReader::open(journal);
  if (!reader)
    return reader.error();
  if (!options.definitions)
    return replay_with(*reader, options, nullptr);
  Rehearsal rehearsal{options.access, reader->header().seed};
  Status defined;
  if (auto called = actors::call_user([&] { defined = options.definitions(rehearsal.engine()); }); !called)
    return called.error();
  if (!defined)
    return defined.error();
  Cast cast = rehearsal.cast();
  cast.log = options.log;
  Rerun rerun{std::move(cast)};
  return replay_with(*reader, options, &rerun);
}

}  // namespace theus

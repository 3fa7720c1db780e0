#pragma once

// Running the bodies behind commits again, one record after the other, on the states that they saw.
//
// What a body could see stands in its record and in the state of its base; what it could see besides, the private state
// of an agent and the columns of a cohort, is followed from record to record. Where it cannot be followed, the record
// is refused as not_replayable: nothing is guessed.

#include "runtime/agent_cause.hpp"
#include "runtime/cohort_table.hpp"
#include "runtime/commit_record.hpp"
#include "runtime/execution.hpp"

#include <map>

namespace theus {

struct RerunProcess {
  Process definition;
  std::shared_ptr<const Contract> contract;
};

struct RerunAgent {
  std::shared_ptr<const Contract> contract;
  Body body;
  bool acts = false;  // on its own, instead of in rounds
};

/// Who can be run again, and with what.
struct Cast {
  std::map<std::string, RerunProcess, std::less<>> processes{};
  std::vector<RerunAgent> agents{};  // in order of their spawning
  std::vector<Cohort> cohorts{};
  std::shared_ptr<const AccessTable> access = AccessTable::standard();
  std::uint64_t seed = 0;
  LogSink log{};
};

/// What a commit does.
struct Effects {
  std::vector<Write> writes;
  std::vector<Signal> signals;
};

/// Belongs to one thread.
class Rerun {
public:
  explicit Rerun(Cast cast);
  Rerun(const Rerun&) = delete;
  Rerun& operator=(const Rerun&) = delete;

  /// What the body wants that caused the record, on the state of its base; nothing: no body did, or none that can be
  /// run. Errors: not_replayable; replay_diverged when the body fails now.
  Result<std::optional<Effects>> run(Version version, const CommitRecord& record, const Snapshot& base);
  /// It wanted what was recorded: the private states go on. Only after a run() that gave effects.
  void accept();

  /// Bodies that ran.
  std::uint64_t runs() const noexcept { return runs_; }

private:
  class Names final : public Addressees {
  public:
    explicit Names(const std::vector<RerunAgent>& agents);
    Status check(std::string_view agent) const override;

  private:
    std::vector<std::string> names_;  // sorted
  };

  struct CohortPlace {
    const Cohort* cohort = nullptr;
    std::shared_ptr<CohortTable> table;
  };

  Result<std::optional<Effects>> run_process(const CommitRecord& record, const Snapshot& base);
  Result<std::optional<Effects>> run_round(const CommitRecord& record, const Snapshot& base);
  Result<std::optional<Effects>> run_agent(const CommitRecord& record, const Snapshot& base);
  Result<std::optional<Effects>> run_cohort(const CommitRecord& record, const Snapshot& base);

  ExecutionStart start_of(const Cause& cause, const Snapshot& base);
  Result<std::vector<std::size_t>> members_of(const Cause& cause, std::size_t count) const;
  Error not_replayable(const Cause& cause, std::string why, std::string remedy) const;
  Error failed(const Cause& cause, const Error& error) const;
  Status check_kept(const Cause& cause, const Contract& contract) const;

  const Cast cast_;
  const Names names_;
  const std::shared_ptr<AuditTrail> trail_;   // forgets
  std::vector<std::optional<Value>> states_;  // private, of each agent; nothing: not known
  std::map<std::string, CohortPlace, std::less<>> cohorts_;
  std::vector<std::pair<std::size_t, Value>> next_states_;  // of the run that is to be accepted
  CohortTable* stepped_ = nullptr;                          // of the run that is to be accepted
  Version version_ = 0;                                     // of the record in hand
  std::uint64_t runs_ = 0;
};

}  // namespace theus

#pragma once

// The whole cast. Messages carry shared, immutable contents and stay inside one process; see message_types below.

#include "actors/answer.hpp"
#include "actors/call.hpp"
#include "actors/core.hpp"
#include "actors/round.hpp"
#include "actors/seat.hpp"
#include "actors/signal_feed.hpp"
#include "actors/workflow_run.hpp"
#include "runtime/attach/round_desk.hpp"
#include "runtime/cohort_table.hpp"
#include "runtime/proposal.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/replies_to.hpp>
#include <caf/typed_actor.hpp>

namespace theus::actors {

// ---- state owner ----

/// The outcome of a CommitRequest, to whoever asked.
struct CommitReply {
  Outcome outcome = Version{0};
};
using CommitClient = caf::typed_actor<caf::reacts_to<CommitReply>>;

struct CommitRequest {
  std::shared_ptr<const Proposal> proposal;
  CommitClient client;
  /// Where the owner notes the outcome for who may take over from the client; nobody else looks at it. nullptr: nobody.
  std::shared_ptr<std::optional<Outcome>> noted = nullptr;
};
/// The client of this request has died: answer this one, and commit only if that was not done for the other.
struct TakeOverCommit {
  CommitRequest request;
};
/// To itself: everything that was in the mailbox has been taken; commit it as one batch.
struct CommitBatch {};
/// Commits that wait for the journal.
struct CommitsInFlight : ProposalBatch {
  std::vector<CommitRequest> requests;
};
/// To itself: the journal has answered.
struct BatchSettled {
  std::shared_ptr<CommitsInFlight> batch;
};
/// To itself: try again what others' reservations held back.
struct RetryHeldBack {};

/// STATE OWNER: takes all commits of actors through the commit turn, a batch at a time.
using StateOwner =
    caf::typed_actor<caf::reacts_to<CommitRequest>, caf::reacts_to<TakeOverCommit>, caf::reacts_to<CommitBatch>,
                     caf::reacts_to<BatchSettled>, caf::reacts_to<RetryHeldBack>>;
StateOwner spawn_state_owner(caf::actor_system& system, CorePtr core);

// ---- process ----

struct RunAgain {};
/// A blocking body has ended, on a thread of the pool.
struct BodyEnded {
  std::shared_ptr<Result<ExecutionResult>> result;
};

/// A worker has answered, or will not.
struct WorkerAnswered {
  std::shared_ptr<Result<WorkerAnswer>> answer;
};

/// PROCESS: runs one call: body, contract, commit; again after a conflict. Lives as long as the call.
using ProcessActor = caf::typed_actor<caf::reacts_to<RunAgain>, caf::reacts_to<BodyEnded>,
                                      caf::reacts_to<WorkerAnswered>, caf::reacts_to<CommitReply>>;
ProcessActor spawn_process(caf::actor_system& system, CorePtr core, StateOwner owner, CallPtr call);

// ---- hub ----

struct HubTerms {
  /// What a subscriber may take at most before it hears of anything else.
  std::size_t budget = SignalFeed::default_budget;
  /// A subscriber that has taken nothing for so long, although there is something, is told of in the log.
  std::chrono::milliseconds stuck_after = std::chrono::seconds{10};
};

/// From the answer on the actor hears the signals that the options want: as SignalBatch, SignalLag and SignalsEnded. A
/// name (options.name) is held by one living actor at a time. Errors: duplicate_name, overloaded, closed.
struct SubscribeActor {
  caf::actor subscriber;
  SubscribeOptions options{};
  std::function<void(Result<SubscriptionId>)> answer;
};
/// The subscriber hears SignalsEnded, senders no longer wait for it. An unknown id is ignored.
struct UnsubscribeActor {
  SubscriptionId subscription = 0;
};
struct SubscriptionReport {
  SubscriptionId id = 0;
  caf::actor_id subscriber = 0;
  SubscriberStatistics statistics{};
  std::uint64_t wakes = 0;
  bool is_stuck = false;
};
struct ListSubscriptions {
  std::function<void(std::vector<SubscriptionReport>)> answer;
};
/// To itself: look whether subscribers are stuck.
struct HubTick {};

/// HUB: decides who among the actors hears which signals, and lets go of those that die. Signals do not pass it.
using Hub = caf::typed_actor<caf::reacts_to<SubscribeActor>, caf::reacts_to<UnsubscribeActor>,
                             caf::reacts_to<ListSubscriptions>, caf::reacts_to<HubTick>>;
Hub spawn_hub(caf::actor_system& system, CorePtr core, HubTerms terms = {});

// ---- agents ----

/// Run once on the round's snapshot, leave the result in the round's slot `index` and pass the token on.
struct RoundStep {
  RoundPtr round;
  Round::Token* token = nullptr;  ///< of the round
  std::size_t index = 0;
};

/// AGENT: steps when told to. Its private state travels in the round, so a restarted agent goes on from what was
/// committed last.
using AgentActor = caf::typed_actor<caf::reacts_to<RoundStep>>;
AgentActor spawn_agent(caf::actor_system& system, CorePtr core, AgentDirectoryPtr directory,
                       AgentDefinitionPtr definition);
using AgentSpawner = std::function<AgentActor(const AgentDefinitionPtr&)>;

/// Something has come into the agent's inbox; or, to itself, may still be in it.
struct LookIntoInbox {};
/// To itself: a tick is due.
struct AgentTick {};
/// The agent was stopped: begin no attempt any more, and end when the commit that is under way is answered.
struct LeaveSeat {};

/// What all agents that act on their own share.
struct ActingTerms {
  CorePtr core;
  StateOwner owner;
  AgentDirectoryPtr directory;
  std::function<void(AgentDirectory::Id, const Error&)> failed;
};
using ActingTermsPtr = std::shared_ptr<const ActingTerms>;

/// ACTING AGENT: takes one thing after the other out of its inbox, runs and commits, again after a conflict. It begins
/// with the run that it finds in its seat.
using ActingAgent = caf::typed_actor<caf::reacts_to<LookIntoInbox>, caf::reacts_to<AgentTick>, caf::reacts_to<RunAgain>,
                                     caf::reacts_to<CommitReply>, caf::reacts_to<LeaveSeat>>;
ActingAgent spawn_acting_agent(caf::actor_system& system, ActingTermsPtr terms, const SeatPtr& seat);
using ActingSpawner = std::function<ActingAgent(caf::actor_system&, const ActingTermsPtr&, const SeatPtr&)>;

/// From now on leave in the inboxes what these agents look out for: signals, and changes after version `since`.
struct LookOutFor {
  std::vector<SeatPtr> seats{};
  Version since = 0;
  std::function<void(Status)> ready{};
};
struct ForgetAgents {
  std::vector<SeatPtr> seats{};
};
/// Something was committed.
struct LookAtCommits {};

/// SCOUT: looks out for signals and changes on behalf of all agents that act on their own: one subscription and one
/// look at the state, however many agents there are.
using Scout = caf::typed_actor<caf::reacts_to<LookOutFor>, caf::reacts_to<ForgetAgents>, caf::reacts_to<LookAtCommits>,
                               caf::reacts_to<SignalBatch>, caf::reacts_to<SignalLag>, caf::reacts_to<SignalsEnded>>;
Scout spawn_scout(caf::actor_system& system, CorePtr core, Hub hub);

/// The last agent of that part of a round is done.
struct RoundStepped {
  std::uint64_t part = 0;
};
struct AddAgents {
  std::vector<AgentDefinitionPtr> definitions;
  std::function<void(Status)> answer;
};
struct StopAgent {
  std::string name;
  std::function<void(Status)> answer;
};
struct ListAgents {
  std::function<void(std::vector<AgentStatus>)> answer;
};
struct Supervise {
  std::string group;
  SupervisionTree::Terms terms{};
};
/// A run of an agent that acts on its own has failed.
struct AgentFailed {
  AgentDirectory::Id id = 0;
  Error error{Errc::internal, {}, {}};
};
struct StartRound {
  RoundRequestPtr request;
};

// ---- rounds in several processes: see round_wire.hpp ----

/// A joined process offers to step agents; it is told how many it may.
struct OfferedAgents {
  HostLinePtr line;
  std::vector<OfferedAgent> agents;
};
/// What came of a share; nobody else looks at it.
struct ShareAnswered {
  HostLinePtr line;
  std::shared_ptr<ShareAnswer> answer;
};
/// Its connection has ended: what it was given is done elsewhere.
struct HostLeft {
  HostLinePtr line;
};
/// To itself: some host may have had a share for too long, or some part of a round may have waited too long for one.
struct LookAtParts {};
struct ListHosts {
  std::function<void(std::vector<RoundHost>)> answer;
};

/// In a process that joined: which agents it can step, in the order of its shares' numbers.
struct OfferAgents {
  std::function<void(std::vector<OfferedAgent>)> answer;
};
/// In a process that joined: step these agents on that snapshot and answer the owner.
struct StepShare {
  std::shared_ptr<RoundShare> share;
  Snapshot snapshot;
};
/// To itself: the last agent of that share is done.
struct ShareStepped {
  std::uint64_t number = 0;  ///< its own
};

/// Whether another host can be expected after one that has gone: of a process that runs still, nobody knows whether it
/// is just ending.
enum class HostOutlook : std::uint8_t { none, runs_still, coming };

struct PopulationTerms {
  CorePtr core;
  StateOwner owner;
  Scout scout;
  AgentDirectoryPtr directory = std::make_shared<AgentDirectory>();
  AgentSpawner spawner{};  ///< of agents that take part in rounds; nothing: spawn_agent
  ActingSpawner acting_spawner = spawn_acting_agent;
  std::function<void(const Escalation&)> on_escalation{};
  /// Takes what came of a share to the owner.
  std::function<void(const RoundShare& share, std::vector<std::byte> answer)> answer_share{};
  /// As to the processes that the engine keeps alive, after this one has gone; nothing: it keeps none.
  std::function<HostOutlook(int pid)> outlook{};
  /// Kills the process, if it is one that the engine keeps alive.
  std::function<void(int pid)> kill_host{};
};

/// POPULATION: owns the agents, restarts those that die, gives up those that fail too often, runs rounds one after the
/// other and commits each as a whole. It shares rounds out to processes that joined; in one of those, it steps the
/// owner's shares as well.
using Population = caf::typed_actor<
    caf::reacts_to<AddAgents>, caf::reacts_to<StopAgent>, caf::reacts_to<ListAgents>, caf::reacts_to<Supervise>,
    caf::reacts_to<AgentFailed>, caf::reacts_to<StartRound>, caf::reacts_to<RoundStepped>, caf::reacts_to<CommitReply>,
    caf::reacts_to<OfferedAgents>, caf::reacts_to<ShareAnswered>, caf::reacts_to<HostLeft>, caf::reacts_to<LookAtParts>,
    caf::reacts_to<ListHosts>, caf::reacts_to<OfferAgents>, caf::reacts_to<StepShare>, caf::reacts_to<ShareStepped>>;
Population spawn_population(caf::actor_system& system, PopulationTerms terms);

// ---- cohorts ----

struct StepCohort {
  Answer<CohortReport> answer;
};
struct ReadColumn {
  std::string column;
  Answer<std::vector<double>> answer;
};

/// COHORT: owns many light agents and steps them, one step after the other, each with one commit at most.
using CohortActor = caf::typed_actor<caf::reacts_to<StepCohort>, caf::reacts_to<ReadColumn>, caf::reacts_to<RunAgain>,
                                     caf::reacts_to<CommitReply>>;
CohortActor spawn_cohort(caf::actor_system& system, CorePtr core, StateOwner owner, std::shared_ptr<CohortTable> table);

// ---- workflow runner ----

/// The process of the current step has answered.
struct StepAnswered {
  std::uint64_t step = 0;  ///< which step it was, so that a late answer of an earlier one is told apart
  Result<Executed> result = Executed{};
};
/// The round of the current step has ended.
struct RoundAnswered {
  Result<RoundReport> report = RoundReport{};
};
/// To itself: look at the deadlines of the step and of the whole run.
struct RunTick {};
/// To itself: repeat the current step's process.
struct RepeatStep {};

/// The run was cancelled: do not wait to repeat a step.
struct CancelRun {};

/// WORKFLOW RUNNER: asks the cursor what comes next and has it done, one step after the other, until the end, the
/// first failure or the deadline. Lives as long as the run.
using WorkflowRunner =
    caf::typed_actor<caf::reacts_to<StepAnswered>, caf::reacts_to<RoundAnswered>, caf::reacts_to<CommitReply>,
                     caf::reacts_to<RepeatStep>, caf::reacts_to<RunTick>, caf::reacts_to<CancelRun>>;
WorkflowRunner spawn_workflow_runner(caf::actor_system& system, CorePtr core, StateOwner owner, Population population,
                                     WorkflowRunPtr run);

// ---- supervisor ----

/// Answer the call with `deadline` when its time has come and it is not over.
struct WatchDeadline {
  std::weak_ptr<Call> call;
};
/// To itself: look at the deadlines.
struct DeadlineTick {};

/// SUPERVISOR: notices when one of the engine's own actors dies, which ends the engine's service, and ends
/// asynchronous calls whose deadline nobody waits for.
using Supervisor = caf::typed_actor<caf::reacts_to<WatchDeadline>, caf::reacts_to<DeadlineTick>>;
Supervisor spawn_supervisor(caf::actor_system& system, CorePtr core, std::vector<caf::actor> wards);

}  // namespace theus::actors

// None of these ever leaves the process: they hold handles, shared pointers and functions.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::CommitReply)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::CommitRequest)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::TakeOverCommit)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::CommitBatch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::BatchSettled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::RetryHeldBack)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::RunAgain)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::BodyEnded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::WorkerAnswered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::RoundStep)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::LookIntoInbox)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::AgentTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::LeaveSeat)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::LookOutFor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::ForgetAgents)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::LookAtCommits)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::RoundStepped)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::OfferedAgents)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::ShareAnswered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::HostLeft)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::LookAtParts)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::ListHosts)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::OfferAgents)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::StepShare)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::ShareStepped)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::Supervise)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::AgentFailed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::AddAgents)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::StopAgent)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::ListAgents)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::StartRound)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::SignalBatch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::SignalLag)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::SignalsEnded)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::SubscribeActor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::UnsubscribeActor)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::ListSubscriptions)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::HubTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::StepCohort)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::ReadColumn)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::StepAnswered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::RoundAnswered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::RunTick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::RepeatStep)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::CancelRun)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::WatchDeadline)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(theus::actors::DeadlineTick)

#pragma once

#include "actors/agent_definition.hpp"
#include "actors/call.hpp"

#include <deque>
#include <mutex>
#include <span>
#include <unordered_map>
#include <vector>

namespace theus::actors {

/// A round somebody waits for. Thread-safe; whoever is first, the round's end or its deadline, answers.
class RoundRequest {
public:
  using Answer = std::function<void(Result<RoundReport>)>;

  RoundRequest(std::string pattern, Deadline deadline, Answer answer)
      : pattern_(std::move(pattern)), deadline_(deadline), answer_(std::move(answer)) {}

  const std::string& pattern() const noexcept { return pattern_; }
  Deadline deadline() const noexcept { return deadline_; }

  /// Whom the round waits for besides the agents of this process, for who is told that it took too long.
  void set_awaited(std::string processes) {
    const std::lock_guard lock{mutex_};
    awaited_ = std::move(processes);
  }

  /// From now on the deadline does not count. False when it has passed.
  bool begin_commit() noexcept { return !ended_.exchange(true); }
  void finish(Result<RoundReport> result) { answer_(std::move(result)); }
  bool expire();

private:
  const std::string pattern_;
  const Deadline deadline_;
  const Answer answer_;
  std::atomic<bool> ended_{false};
  std::mutex mutex_;
  std::string awaited_;  // guarded by mutex_
};
using RoundRequestPtr = std::shared_ptr<RoundRequest>;

/// One run of a round, or of the part of it that one process steps: a slot for each agent, filled by the agents in any
/// order and read when the last is done.
///
/// The agents pass a few tokens on: whoever has filled its slot sends the next one that has not been sent into its
/// step. So a round keeps all threads busy without a queue of as many messages as there are agents. A token carries
/// what those wrote who held it, so that one thread need not clear up after all agents.
class Round {
public:
  struct alignas(64) Token {
    std::vector<Write> writes;  // belongs to who holds it
  };
  /// What few steps have beside writes.
  struct Extra {
    std::optional<Error> error;
    std::vector<Signal> signals;
    Standing standing;
    std::vector<OutgoingMessage> messages;
  };
  struct Slot {
    Value state;                   // of the agent before its step, then after it
    std::unique_ptr<Extra> extra;  // nothing: no error, signals or messages, an ordinary standing
    Token* token = nullptr;        // that has its writes; nullptr: none
    std::uint32_t first = 0;       // of them
    std::uint32_t count = 0;
    std::atomic<bool> is_done{false};

    std::span<Write> writes() const noexcept {
      return token == nullptr ? std::span<Write>{} : std::span{token->writes}.subspan(first, count);
    }
  };
  /// Tells the agent of the slot to step.
  using Send = std::function<void(std::shared_ptr<Round>, Token&, std::size_t)>;

  struct Start {
    Snapshot snapshot;
    std::chrono::system_clock::time_point time;
    std::uint64_t seed = 0;
    std::uint64_t first_execution = 0;  // the step in slot i is the execution first + i
    std::unordered_map<std::size_t, std::vector<AgentMessage>> messages{};  // by slot, where there are some
    const Addressees* addressees = nullptr;                                 // nullptr: those of the engine
  };

  Round(Start start, std::size_t agents, Send send, std::function<void()> all_done)
      : snapshot(std::move(start.snapshot)),
        time(start.time),
        seed(start.seed),
        addressees(start.addressees),
        first_execution(start.first_execution),
        slots(agents),
        silent_{.kind = Trigger::Kind::round},
        send_(std::move(send)),
        all_done_(std::move(all_done)),
        left_(agents) {
    for (auto& [slot, messages] : start.messages)
      triggers_.emplace(slot, Trigger{.kind = Trigger::Kind::round, .messages = std::move(messages)});
  }

  const Snapshot snapshot;
  const std::chrono::system_clock::time_point time;  // the same for all steps
  const std::uint64_t seed;
  const Addressees* const addressees;
  const std::uint64_t first_execution;
  std::vector<Slot> slots;

  /// Why the agent of the slot runs: the round, with the messages to it.
  const Trigger& trigger(std::size_t index) const {
    const auto found = triggers_.empty() ? triggers_.end() : triggers_.find(index);
    return found == triggers_.end() ? silent_ : found->second;
  }

  /// Leaves the result in a slot that has none. Whoever fills the last one tells the population.
  void fill(std::size_t index, Result<ExecutionResult> result, Token& token);
  /// The agent will not fill its slot, unless it has done so before.
  void fail(std::size_t index, const Error& error);
  /// Sends the next agent into its step, if there is one left.
  static void pass_on(std::shared_ptr<Round> round, Token& token);
  /// Begins with another token. Of the population only, as is the next.
  static void pass_on_another(std::shared_ptr<Round> round) {
    Token& token = round->add_token();
    pass_on(std::move(round), token);
  }
  /// One that nobody passes on, to fill slots with.
  Token& add_token() { return tokens_.emplace_back(); }

private:
  void settle(Slot& slot, std::unique_ptr<Extra> extra);

  std::unordered_map<std::size_t, Trigger> triggers_;  // constant after construction
  std::deque<Token> tokens_;                           // the list belongs to the population
  const Trigger silent_;
  const Send send_;
  const std::function<void()> all_done_;
  std::atomic<std::size_t> next_{0};
  std::atomic<std::size_t> left_;
};
using RoundPtr = std::shared_ptr<Round>;

}  // namespace theus::actors

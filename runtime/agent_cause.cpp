#include "runtime/agent_cause.hpp"

#include <charconv>

namespace theus {
namespace {

Value to_value(const std::vector<AgentMessage>& messages) {
  Value list = Value::list();
  for (const AgentMessage& message : messages)
    list.push_back(Value::list({message.sender, message.content}));
  return list;
}

Value to_value(const Trigger& trigger) {
  Value value{{"kind", static_cast<int>(trigger.kind)}};
  if (trigger.number != 0)
    value.set("number", trigger.number);
  if (trigger.missed != 0)
    value.set("missed", trigger.missed);
  if (!trigger.name.empty())
    value.set("name", trigger.name);
  if (!trigger.payload.is_null())
    value.set("payload", trigger.payload);
  if (!trigger.paths.empty()) {
    Value paths = Value::list();
    for (const Path& path : trigger.paths)
      paths.push_back(path.spelling());
    value.set("paths", std::move(paths));
  }
  if (trigger.since != 0)
    value.set("since", trigger.since);
  if (!trigger.messages.empty())
    value.set("messages", to_value(trigger.messages));
  return value;
}

Error unreadable(std::string_view what) {
  return Error{Errc::bad_argument, "the arguments of a cause", std::string{what} + " cannot be read"};
}

/// The number of a member; 0 when there is none.
std::optional<std::uint64_t> number_of(const Value& map, std::string_view name) {
  const Value* member = map.find(name);
  if (member == nullptr)
    return 0;
  return member->is_int() && member->as_int() >= 0 ? std::optional{static_cast<std::uint64_t>(member->as_int())}
                                                   : std::nullopt;
}

std::optional<std::size_t> slot_of(std::string_view text) {
  std::size_t slot = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), slot);
  return failed == std::errc{} && end == text.data() + text.size() ? std::optional{slot} : std::nullopt;
}

std::optional<std::vector<AgentMessage>> messages_of(const Value& list) {
  if (!list.is_list())
    return std::nullopt;
  std::vector<AgentMessage> messages;
  for (const Value& each : list.items()) {
    if (!each.is_list() || each.size() != 2 || !each[std::size_t{0}].is_string())
      return std::nullopt;
    messages.push_back({std::string{each[std::size_t{0}].as_string()}, each[std::size_t{1}]});
  }
  return messages;
}

Result<Trigger> trigger_of(const Value& value) {
  if (!value.is_map())
    return unreadable("a trigger");
  Trigger trigger;
  const auto kind = number_of(value, "kind");
  const auto number = number_of(value, "number");
  const auto missed = number_of(value, "missed");
  const auto since = number_of(value, "since");
  if (!kind || *kind > static_cast<std::uint64_t>(Trigger::Kind::message) || !number || !missed || !since)
    return unreadable("a number of a trigger");
  trigger.kind = static_cast<Trigger::Kind>(*kind);
  trigger.number = *number;
  trigger.missed = *missed;
  trigger.since = *since;
  if (const Value* name = value.find("name")) {
    if (!name->is_string())
      return unreadable("the name of a trigger");
    trigger.name = name->as_string();
  }
  if (const Value* payload = value.find("payload"))
    trigger.payload = *payload;
  if (const Value* paths = value.find("paths")) {
    if (!paths->is_list())
      return unreadable("the paths of a trigger");
    for (const Value& text : paths->items()) {
      auto path = text.is_string() ? Path::parse(text.as_string()) : Result<Path>{unreadable("a path of a trigger")};
      if (!path)
        return path.error();
      trigger.paths.push_back(*std::move(path));
    }
  }
  if (const Value* list = value.find("messages")) {
    auto messages = messages_of(*list);
    if (!messages)
      return unreadable("a message");
    trigger.messages = *std::move(messages);
  }
  return trigger;
}

}  // namespace

Value to_value(const AgentCause& cause) {
  Value value{{"trigger", to_value(cause.trigger)}};
  if (cause.state)
    value.set("state", *cause.state);
  return value;
}

Value to_value(const RoundCause& cause) {
  Value value{{"agents", cause.agents}};
  if (!cause.mail.empty()) {
    Value mail = Value::map();
    for (const auto& [slot, messages] : cause.mail)
      mail.set(std::to_string(slot), to_value(messages));
    value.set("mail", std::move(mail));
  }
  if (cause.states.empty())
    return value;
  const bool is_whole = cause.states.size() == cause.agents;
  Value states = is_whole ? Value::list() : Value::map();
  for (const auto& [slot, state] : cause.states)
    if (is_whole)
      states.push_back(state);
    else
      states.set(std::to_string(slot), state);
  value.set("states", std::move(states));
  return value;
}

Result<AgentCause> agent_cause_of(const Value& arguments) {
  const Value* trigger = arguments.is_map() ? arguments.find("trigger") : nullptr;
  if (trigger == nullptr)
    return unreadable("why an agent ran");
  auto read = trigger_of(*trigger);
  if (!read)
    return read.error();
  AgentCause cause{.trigger = *std::move(read), .state = {}};
  if (const Value* state = arguments.find("state"))
    cause.state = *state;
  return cause;
}

Result<RoundCause> round_cause_of(const Value& arguments) {
  RoundCause cause;
  const auto agents = arguments.is_map() ? number_of(arguments, "agents") : std::nullopt;
  if (!agents)
    return unreadable("a round");
  cause.agents = *agents;
  if (const Value* mail = arguments.find("mail"); mail != nullptr && mail->is_map())
    for (const auto [key, list] : mail->members()) {
      const auto slot = slot_of(key);
      auto messages = messages_of(list);
      if (!slot || !messages)
        return unreadable("the messages of a round");
      cause.mail.emplace(*slot, *std::move(messages));
    }
  const Value* states = arguments.find("states");
  if (states != nullptr && states->is_list())
    for (std::size_t slot = 0; slot < states->size(); ++slot)
      cause.states.emplace(slot, (*states)[slot]);
  else if (states != nullptr && states->is_map())
    for (const auto [key, state] : states->members()) {
      const auto slot = slot_of(key);
      if (!slot)
        return unreadable("the private states of a round");
      cause.states.emplace(*slot, state);
    }
  return cause;
}

std::uint64_t contract_hash(const Contract& contract) {
  std::string text{to_string(contract.semantic())};
  for (const auto& [mark, patterns] : {std::pair{'<', &contract.inputs()}, std::pair{'>', &contract.outputs()}})
    for (const PathPattern& pattern : *patterns)
      (text += mark) += pattern.path().spelling();
  for (const std::string& grant : contract.standing().grants)
    (text += '!') += grant;
  return key_hash(text);
}

std::uint64_t with_name(std::uint64_t hash, std::string_view name) noexcept {
  return (hash ^ key_hash(name)) * 0x9e3779b97f4a7c15ULL + 1;
}

}  // namespace theus

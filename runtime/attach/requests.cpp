#include "runtime/attach/requests.hpp"
#include "runtime/schema_guard.hpp"

#include <theus/limits.hpp>
#include <theus/nearest.hpp>

#include <algorithm>
#include <array>
#include <bit>

#include "runtime/access.hpp"
#include "runtime/attach/heavy_wire.hpp"
#include "runtime/attach/protocol.hpp"
#include "runtime/attach/wire.hpp"
#include "runtime/cbor.hpp"

namespace theus {
namespace {

constexpr std::size_t paths_max = 64;
constexpr std::size_t entries_max = 10'000;
constexpr std::size_t reason_bytes_max = 1024;
constexpr std::size_t signal_name_bytes_max = 255;
constexpr std::size_t heavy_buffers_max = 10'000;
constexpr std::uint64_t heavy_age_ms_max = std::uint64_t{1} << 40;
// What the frame around an answer's value may take.
constexpr std::size_t frame_bytes = 1024;

Error bad_request(std::string cause) { return {Errc::bad_argument, "attach", std::move(cause)}; }

Result<std::optional<Version>> version_in(const Value& request, std::string_view field) {
  const Value* value = request.find(field);
  if (value == nullptr)
    return std::optional<Version>{};
  if (!value->is_int() || value->as_int() < 0)
    return bad_request("the field " + std::string{field} + " is no version");
  return std::optional{static_cast<Version>(value->as_int())};
}

/// Refuses those that nobody may read.
Result<std::vector<Path>> paths_in(const Value& request) {
  auto paths = paths_from_wire(request["paths"], paths_max);
  if (paths)
    for (const Path& path : *paths)
      if (const Status allowed = AccessTable::standard()->check_read(path, Standing::ordinary()); !allowed)
        return allowed.error();
  return paths;
}

/// Without those that another one covers, so that no change is told twice.
std::vector<Path> uncovered(const std::vector<Path>& paths) {
  std::vector<Path> kept;
  for (const Path& path : paths) {
    if (std::ranges::any_of(kept, [&](const Path& other) { return other.covers(path); }))
      continue;
    std::erase_if(kept, [&](const Path& other) { return path.covers(other); });
    kept.push_back(path);
  }
  return kept;
}

Changes changes_between(const Snapshot& before, const Snapshot& after, const std::vector<Path>& paths,
                        std::size_t limit) {
  Changes changes{before.version(), after.version(), {}};
  for (const Path& path : paths) {
    Diff found = diff(before, after, path, {.entries_max = limit - changes.diff.entries.size()});
    changes.diff.omitted += found.omitted;
    std::ranges::move(found.entries, std::back_inserter(changes.diff.entries));
  }
  return changes;
}

/// The changes as they are sent, without what a schema calls secret.
Value told(const AttachTarget& target, Changes changes) {
  if (const auto schema = target.schema(); schema != nullptr && schema->has_secrets())
    for (Difference& each : changes.diff.entries) {
      each.before = schema->redacted(each.path, each.before);
      each.after = schema->redacted(each.path, each.after);
    }
  return to_wire(changes);
}

Result<Value> info(AttachTarget& target, AttachedClient&, const Value&) { return to_wire(target.info()); }

Result<Value> get(AttachTarget& target, AttachedClient&, const Value& request) {
  const auto path = path_from_wire(request["path"]);
  if (!path)
    return path.error();
  if (const Status allowed = AccessTable::standard()->check_read(*path, Standing::ordinary()); !allowed)
    return allowed.error();
  const Snapshot state = target.state();
  auto value = state.find(*path);
  if (!value)
    return Value{{"version", state.version()}};
  if (const auto schema = target.schema(); schema != nullptr && schema->has_secrets())
    value = schema->redacted(*path, *value);
  constexpr std::size_t limit = answer_bytes_max - frame_bytes;
  if (encoded_size(*value, limit) > limit)
    return Error{Errc::too_large, path->text(),
                 "the value has more than the " + std::to_string(limit) + " bytes that one answer holds",
                 "Ask for a path below it"}
        .with("limit", limit);
  return Value{{"version", state.version()}, {"value", *value}};
}

Result<Value> set(AttachTarget& target, AttachedClient&, const Value& request) {
  const auto path = path_from_wire(request["path"]);
  if (!path)
    return path.error();
  const auto expected = version_in(request, "expected");
  if (!expected)
    return expected.error();
  const auto reason = request["reason"].get<std::string>();
  if (!reason || reason->size() > reason_bytes_max || !request.contains("value"))
    return bad_request("a request to set needs a value and a reason of at most " + std::to_string(reason_bytes_max) +
                       " bytes");
  const auto version = target.set(*path, request["value"], {*expected, *reason});
  if (!version)
    return version.error();
  return Value{{"version", *version}};
}

Status check_free(const AttachedClient& client) {
  if (client.feed || client.stream)
    return bad_request("this client watches or listens already");
  return {};
}

Result<Value> watch(AttachTarget& target, AttachedClient& client, const Value& request) {
  if (Status free = check_free(client); !free)
    return free.error();
  const auto paths = paths_in(request);
  if (!paths)
    return paths.error();
  const auto since = version_in(request, "since");
  if (!since)
    return since.error();
  Snapshot now = target.state();
  if (*since && **since > now.version())
    return bad_request("version " + std::to_string(**since) + " does not exist yet; the newest is " +
                       std::to_string(now.version()));
  client.feed.emplace(uncovered(*paths), *since, now);
  return Value{{"version", since->value_or(now.version())}};
}

Result<Value> send_signal(AttachTarget& target, AttachedClient&, const Value& request) {
  const auto name = request["name"].get<std::string>();
  if (!name || name->empty() || name->size() > signal_name_bytes_max)
    return bad_request("a signal has a name of 1 to " + std::to_string(signal_name_bytes_max) + " bytes");
  if (Status sound = check_limits(request["payload"]); !sound)
    return sound.error();
  const auto sequence = target.send_signal(*name, request["payload"]);
  if (!sequence)
    return sequence.error();
  return Value{{"sequence", *sequence}};
}

Result<Value> stream(AttachTarget& target, AttachedClient& client, const Value& request, bool counts_only) {
  if (Status free = check_free(client); !free)
    return free.error();
  const auto filter = request["filter"].get<std::string>();
  if (!filter || filter->size() > signal_name_bytes_max)
    return bad_request("a filter has at most " + std::to_string(signal_name_bytes_max) + " bytes");
  const auto last = request.contains("last") ? request["last"].get<std::uint64_t>() : Result<std::uint64_t>{0U};
  if (!last)
    return bad_request("the field last is no number of signals");
  auto receiver = target.listen({*filter, *last});
  if (!receiver)
    return receiver.error();
  client.stream.emplace(*std::move(receiver), counts_only);
  return Value::map();
}

Result<Value> listen(AttachTarget& target, AttachedClient& client, const Value& request) {
  return stream(target, client, request, false);
}

Result<Value> count(AttachTarget& target, AttachedClient& client, const Value& request) {
  return stream(target, client, request, true);
}

Result<Value> mark(AttachTarget& target, AttachedClient& client, const Value&) {
  client.mark.emplace(target.state());
  client.lost_mark = false;
  return Value{{"version", client.mark->version()}};
}

Result<Value> changes(AttachTarget& target, AttachedClient& client, const Value& request) {
  if (client.lost_mark)
    return Error{Errc::resource_exhausted, "attach", "the marked state was given up, because it kept too much memory",
                 "Compare over a shorter time"};
  if (!client.mark)
    return bad_request("there is no mark to compare with");
  const auto paths = paths_in(request);
  if (!paths)
    return paths.error();
  const auto wanted = request["entries_max"].get<std::size_t>();
  if (!wanted)
    return bad_request("a request for changes tells how many it wants");
  return told(target, changes_between(*client.mark, target.state(), uncovered(*paths), std::min(*wanted, entries_max)));
}

Result<Value> heavy(AttachTarget& target, AttachedClient&, const Value& request) {
  const auto age = request["age_ms"].get<std::uint64_t>();
  const auto wanted = request["buffers_max"].get<std::size_t>();
  const auto places = request["places"].get<bool>();
  if (!age || *age > heavy_age_ms_max || !wanted || !places)
    return bad_request(
        "a request about the heavy zone tells from which age on leases are old, how many buffers it wants, and "
        "whether it wants their places");
  return to_wire(target.heavy({.age_max = std::chrono::milliseconds{*age},
                               .buffers_max = std::min(*wanted, heavy_buffers_max),
                               .wants_places = *places}));
}

Result<Value> join(AttachTarget&, AttachedClient& client, const Value&) {
  if (client.guest != nullptr)
    return bad_request("this client has joined already");
  if (!client.invite)
    return Error{Errc::join_refused, "attach", "this engine lets nobody read its heavy buffers"};
  auto guest = client.invite();
  if (!guest)
    return guest.error();
  auto files = (*guest)->files();
  if (!files)
    return files.error();
  client.guest = *std::move(guest);
  client.passed = *std::move(files);
  return Value::map();
}

Result<Value> segment(AttachTarget&, AttachedClient& client, const Value& request) {
  if (client.guest == nullptr)
    return bad_request("this client has not joined");
  const auto id = request["segment"].get<std::uint32_t>();
  if (!id)
    return bad_request("the field segment is no number of a segment");
  auto file = client.guest->segment(*id);
  if (!file)
    return file.error();
  client.passed.push_back(*std::move(file));
  return Value::map();
}

Error other_history(std::string cause) {
  return {Errc::stale_epoch, "join", std::move(cause), "Join it anew, with Engine::from_handle()"};
}

/// Counts who joins; who was joined before keeps its number, also with the next run of the owner.
std::uint64_t origin_of(const FollowTerms& terms, std::int64_t told) {
  const std::uint64_t own = terms.origins + 1;
  const bool is_known = told > 0 && told < origin_max;
  const std::uint64_t origin = is_known ? static_cast<std::uint64_t>(told) : std::min<std::uint64_t>(own, origin_max);
  terms.origins = std::max(terms.origins, origin);
  return origin;
}

Result<Value> follow(AttachTarget& target, AttachedClient& client, const Value& request) {
  const FollowTerms* const terms = target.follow_terms();
  if (terms == nullptr)
    return Error{Errc::unsupported, "join", "this engine has itself joined another one", "Join that one"};
  if (client.feed || client.stream || client.follower != nullptr)
    return bad_request("this client watches, listens or follows already");
  const auto known = version_in(request, "known");
  if (!known)
    return known.error();
  const std::string history = request["history"].get<std::string>().value_or("");
  const OwnerIdentity& identity = terms->identity;
  if (!history.empty() && history != identity.history)
    return other_history("the engine that runs now has another history");
  const Version version = terms->turn.version();
  if (known->value_or(0) > version)
    return other_history("the engine has gone back to version " + std::to_string(version) + "; here it is version " +
                         std::to_string(**known));
  const bool knows_run = request["epoch"].get<std::string>().value_or("") == identity.epoch;
  const std::uint64_t origin = origin_of(*terms, request["origin"].get<std::int64_t>().value_or(0));
  // Who was invited to the heavy zone is on this host.
  const bool is_near = client.invite && request["near"] == Value{true};
  client.follower = std::make_unique<Follower>(*terms, known->value_or(0), knows_run, is_near,
                                               std::chrono::steady_clock::now(), origin);
  Value answer{{"history", identity.history},
               {"epoch", identity.epoch},
               {"access", to_wire(terms->access)},
               {"seed", std::bit_cast<std::int64_t>(terms->seed)},
               {"origin", origin},
               {"records_causes", terms->records_causes}};
  if (const GuestSignals& signals = client.follower->signals(); signals.is_near()) {
    answer.set("signals_from", signals.begin());
    client.passed = signals.descriptors();
  }
  return answer;
}

Result<Value> answer_of(AttachTarget& target, AttachedClient& client, const Value& request) {
  const std::string name = request["do"].get<std::string>().value_or("");
  const auto found = std::ranges::find(attach_requests(), name, &AttachRequest::name);
  if (found == attach_requests().end()) {
    std::vector<std::string> names;
    for (const AttachRequest& each : attach_requests())
      names.emplace_back(each.name);
    return Error{Errc::unsupported, "attach", "there is no request '" + name + "'", suggest(name, names)};
  }
  for (const auto [field, value] : request.members())
    if (field != "id" && field != "do" && std::ranges::find(found->fields, field) == found->fields.end())
      return bad_request("a request " + name + " has no field '" + std::string{field} + "'");
  return found->answer(target, client, request);
}

}  // namespace

std::span<const AttachRequest> attach_requests() {
  static const std::array table{
      AttachRequest{"info", {}, info},
      AttachRequest{"get", {"path"}, get},
      AttachRequest{"set", {"path", "value", "expected", "reason"}, set},
      AttachRequest{"watch", {"paths", "since"}, watch},
      AttachRequest{"mark", {}, mark},
      AttachRequest{"changes", {"paths", "entries_max"}, changes},
      AttachRequest{"signal", {"name", "payload"}, send_signal},
      AttachRequest{"listen", {"filter", "last"}, listen},
      AttachRequest{"count", {"filter"}, count},
      AttachRequest{"heavy", {"age_ms", "buffers_max", "places"}, heavy},
      AttachRequest{"join", {}, join},
      AttachRequest{"segment", {"segment"}, segment},
      AttachRequest{"lend", {"handle"}, lend},
      AttachRequest{"fetch", {"from"}, fetch},
      AttachRequest{"give_back", {}, give_back},
      AttachRequest{"follow", {"known", "history", "epoch", "origin", "near"}, follow},
  };
  return table;
}

std::optional<Value> answer_request(AttachTarget& target, AttachedClient& client, const Value& request) {
  const Value* id = request.find("id");
  if (id == nullptr || !id->is_int() || !request["do"].is_string())
    return std::nullopt;
  const auto answer = answer_of(target, client, request);
  if (!answer)
    return Value{{"id", *id}, {"error", to_wire(answer.error())}};
  return Value{{"id", *id}, {"ok", *answer}};
}

ChangeFeed::ChangeFeed(std::vector<Path> paths, std::optional<Version> since, Snapshot now)
    : paths_(std::move(paths)), since_(since), told_(std::move(now)) {}

std::optional<Value> ChangeFeed::look(const AttachTarget& target) {
  if (since_)
    if (auto earlier = earlier_changes(target))
      return earlier;
  if (!is_behind(target))
    return std::nullopt;
  const Snapshot before = std::exchange(told_, target.state());
  const Changes found = changes_between(before, told_, paths_, entries_max);
  if (found.diff.empty())
    return std::nullopt;
  Value message = told(target, found);
  message.set("event", "changes");
  return message;
}

std::optional<Value> ChangeFeed::earlier_changes(const AttachTarget& target) {
  Changes earlier{*since_, told_.version(), {}};
  for (const Path& path : paths_)
    if (told_.last_change(path) > *since_) {
      auto value = told_.find(path);
      const auto kind = value ? Difference::Kind::changed : Difference::Kind::removed;
      earlier.diff.entries.push_back({kind, path, {}, value.value_or(Value{})});
    }
  since_.reset();
  if (earlier.diff.empty())
    return std::nullopt;
  Value message = told(target, std::move(earlier));
  message.set("event", "changes");
  return message;
}

}  // namespace theus

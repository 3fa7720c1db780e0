#include "runtime/attach/join_wire.hpp"

#include "runtime/attach/wire.hpp"
#include "runtime/cbor_time.hpp"

#include <theus/limits.hpp>

namespace theus {
namespace {

using Bytes = std::vector<std::byte>;

enum class AnswerKind : std::uint8_t { committed = 0, refused = 1, unknown = 2, known = 3 };

void append_list(Bytes& out, std::size_t items) { append_cbor_head(out, CborMajor::array, items); }
void append_null(Bytes& out) { append_cbor(out, Value{}); }
void append(Bytes& out, AnswerKind kind) { append_cbor_number(out, static_cast<std::uint64_t>(kind)); }

void append_standing(Bytes& out, const Standing* standing) {
  if (standing == nullptr || *standing == Standing::ordinary())
    return append_null(out);
  append_list(out, 2);
  append_cbor_number(out, standing->is_elevated ? 1 : 0);
  append_list(out, standing->grants.size());
  for (const std::string& grant : standing->grants)
    append_cbor_text(out, grant);
}

Standing read_standing(CborCursor& in) {
  Standing standing;
  if (in.take_null())
    return standing;
  if (in.list() != 2)
    in.fail("a standing has two parts");
  standing.is_elevated = in.number() != 0;
  for (std::size_t left = in.list(); left > 0 && in.failure() == nullptr; --left)
    standing.grants.emplace_back(in.text());
  return standing;
}

void append_audit(Bytes& out, const AuditEntry* audit) {
  if (audit == nullptr)
    return append_null(out);
  append_list(out, 4);
  append_cbor_number(out, static_cast<std::uint64_t>(audit->kind));
  append_cbor_text(out, audit->who);
  append_cbor_text(out, audit->reason);
  append_cbor_time(out, audit->time);
}

std::optional<AuditEntry> read_audit(CborCursor& in) {
  if (in.take_null())
    return std::nullopt;
  if (in.list() != 4)
    in.fail("an entry of the audit log has four parts");
  AuditEntry entry;
  const std::uint64_t kind = in.number();
  if (kind > static_cast<std::uint64_t>(AuditEntry::Kind::edit))
    in.fail("the kind of an entry is unknown");
  entry.kind = static_cast<AuditEntry::Kind>(kind);
  entry.who = in.text();
  entry.reason = in.text();
  entry.time = read_cbor_time(in);
  return entry;
}

}  // namespace

void append_proposal(Bytes& out, const ProposalView& proposal, const Cause& cause) {
  append_cbor_number(out, proposal.strict ? 1 : 0);
  append_cbor_number(out, proposal.reservation);
  append_list(out, proposal.reads.size());
  for (const Path& path : proposal.reads)
    append_cbor_text(out, path.spelling());
  append_standing(out, proposal.standing);
  append_audit(out, proposal.audit);
  append_record(out, proposal, cause, MetaZone::kept);
}

Submission read_submission(CborCursor& in, PathCache& paths) {
  Submission submission;
  Proposal& proposal = submission.proposal;
  proposal.strict = in.number() != 0;
  proposal.reservation = in.number();
  for (std::size_t left = in.list(); left > 0 && in.failure() == nullptr; --left) {
    auto path = paths.path(in.text());
    if (!path)
      in.fail("a path cannot be read");
    else
      proposal.reads.push_back(*std::move(path));
  }
  proposal.standing = read_standing(in);
  submission.audit = read_audit(in);
  CommitRecord record = read_record(in, paths);
  proposal.base = record.base;
  proposal.writes = std::move(record.writes);
  proposal.signals = std::move(record.signals);
  proposal.request = std::move(record.request);
  submission.cause = std::move(record.cause);
  return submission;
}

void append_answer(Bytes& out, std::uint64_t number, const Result<Version>& outcome) {
  append_cbor_number(out, number);
  append(out, outcome ? AnswerKind::committed : AnswerKind::refused);
  if (outcome)
    append_cbor_number(out, *outcome);
  else
    append_cbor(out, to_wire(outcome.error()));
}

void append_answer(Bytes& out, std::uint64_t number, const Result<std::optional<RequestLog::Outcome>>& known) {
  if (!known)
    return append_answer(out, number, Result<Version>{known.error()});
  append_cbor_number(out, number);
  append(out, *known ? AnswerKind::known : AnswerKind::unknown);
  if (!*known)
    return;
  append_cbor_number(out, (*known)->fingerprint);
  append_cbor_number(out, (*known)->version);
  append_cbor(out, (*known)->value);
}

JoinAnswer read_answer(CborCursor& in) {
  JoinAnswer answer;
  answer.number = in.number();
  RequestLog::Outcome outcome{};
  switch (static_cast<AnswerKind>(in.number())) {
    case AnswerKind::committed: outcome.version = in.number(); break;
    case AnswerKind::refused: answer.outcome = error_from_wire(in.value()); return answer;
    case AnswerKind::unknown: return answer;
    case AnswerKind::known:
      outcome.fingerprint = in.number();
      outcome.version = in.number();
      outcome.value = in.value();
      break;
    default: in.fail("the kind of an answer is unknown"); return answer;
  }
  answer.outcome = std::optional{std::move(outcome)};
  return answer;
}

// Hubs take payloads that no message may hold, such as texts that are no UTF-8.
void append_signal(Bytes& out, const Event& event) {
  append_cbor_text(out, event.name.view());
  append_cbor_number(out, event.version);
  append_cbor_number(out, event.index);
  const Value payload = event.payload.value();
  append_cbor(out, check_limits(payload) ? payload : Value{{"$omitted", encoded_size(payload)}});
}

void append_loss(Bytes& out, std::uint64_t signals) {
  append_null(out);
  append_cbor_number(out, signals);
}

RelayedSignal read_signal(CborCursor& in) {
  RelayedSignal signal;
  if (in.take_null()) {
    signal.lost = in.number();
    return signal;
  }
  signal.name = in.text();
  signal.version = in.number();
  signal.index = static_cast<std::uint32_t>(in.number());
  signal.payload = in.value();
  return signal;
}

Error misread(const CborCursor& in) {
  return Error{Errc::bad_input, "join",
               "a message cannot be read at byte " + std::to_string(in.offset()) + ": " + in.failure()}
      .with("offset", in.offset());
}

}  // namespace theus

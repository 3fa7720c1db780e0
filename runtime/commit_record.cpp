#include "runtime/commit_record.hpp"

#include "runtime/cbor_time.hpp"

namespace theus {
namespace {

using Bytes = std::vector<std::byte>;

void append_list(Bytes& out, std::size_t items) { append_cbor_head(out, CborMajor::array, items); }

void append_cause(Bytes& out, const Cause& cause) {
  append_list(out, cause.origin != 0 ? 8 : 7);
  append_cbor_number(out, static_cast<std::uint64_t>(cause.kind));
  append_cbor_text(out, cause.name);
  append_cbor_number(out, cause.number);
  append_cbor_number(out, cause.attempt);
  append_cbor_time(out, cause.time);
  append_cbor_number(out, cause.contract);
  append_cbor(out, cause.arguments);
  if (cause.origin != 0)
    append_cbor_number(out, cause.origin);
}

Cause read_cause(CborCursor& in) {
  Cause cause;
  const std::size_t parts = in.list();
  if (parts != 7 && parts != 8)
    in.fail("a cause has seven parts, that of a joined process eight");
  const std::uint64_t kind = in.number();
  if (kind > static_cast<std::uint64_t>(Cause::Kind::last))
    in.fail("the kind of a cause is unknown");
  cause.kind = static_cast<Cause::Kind>(kind);
  cause.name = in.text();
  cause.number = in.number();
  cause.attempt = in.number();
  cause.time = read_cbor_time(in);
  cause.contract = in.number();
  cause.arguments = in.value();
  if (parts == 8)
    cause.origin = in.number();
  return cause;
}

void append_write(Bytes& out, const Write& write) {
  const bool is_splice = write.kind == Write::Kind::splice;
  append_list(out, is_splice ? 5 : 3);
  append_cbor_number(out, static_cast<std::uint64_t>(write.kind));
  append_cbor_text(out, write.path.spelling());
  append_cbor(out, write.value);
  if (is_splice) {
    append_cbor_number(out, write.position);
    append_cbor_number(out, write.removed);
  }
}

Write read_write(CborCursor& in, PathCache& paths) {
  Write write;
  const std::size_t parts = in.list();
  const std::uint64_t kind = in.number();
  if (kind > static_cast<std::uint64_t>(Write::Kind::insert))
    in.fail("the kind of a write is unknown");
  write.kind = static_cast<Write::Kind>(kind);
  if (parts != (write.kind == Write::Kind::splice ? 5U : 3U))
    in.fail("a write has three parts, a splice five");
  if (const std::string_view text = in.text(); in.failure() == nullptr) {
    auto path = paths.path(text);
    if (!path || path->is_root())
      in.fail("the path of a write cannot be read");
    else
      write.path = *std::move(path);
  }
  write.value = in.value();
  if (write.kind == Write::Kind::splice) {
    write.position = in.number();
    write.removed = in.number();
  }
  return write;
}

Signal read_signal(CborCursor& in) {
  if (in.list() != 2)
    in.fail("a signal has two parts");
  Signal signal;
  signal.name = in.text();
  signal.payload = in.value();
  return signal;
}

Request read_request(CborCursor& in) {
  if (in.list() != 3)
    in.fail("a request has three parts");
  Request request;
  request.id = in.text();
  request.fingerprint = in.number();
  request.value = in.value();
  return request;
}

}  // namespace

void append_writes(Bytes& out, std::span<const Write> writes) {
  append_list(out, writes.size());
  for (const Write& write : writes)
    append_write(out, write);
}

void append_record(Bytes& out, const ProposalView& proposal, const Cause& cause, MetaZone meta) {
  const auto is_kept = [&](const Write& write) { return meta == MetaZone::kept || write.path.zone() != Zone::meta; };
  append_list(out, 5);
  append_cbor_number(out, proposal.base);
  append_cause(out, cause);
  append_list(out, static_cast<std::size_t>(std::ranges::count_if(proposal.writes, is_kept)));
  for (const Write& write : proposal.writes)
    if (is_kept(write))
      append_write(out, write);
  append_list(out, proposal.signals.size());
  for (const Signal& signal : proposal.signals) {
    append_list(out, 2);
    append_cbor_text(out, signal.name);
    append_cbor(out, signal.payload);
  }
  if (proposal.request == nullptr)
    return append_cbor(out, Value{});
  append_list(out, 3);
  append_cbor_text(out, proposal.request->id);
  append_cbor_number(out, proposal.request->fingerprint);
  append_cbor(out, proposal.request->value);
}

Result<Path> PathCache::path(std::string_view text) {
  if (const auto known = paths_.find(text); known != paths_.end())
    return known->second;
  auto path = Path::parse(text);
  if (path && path->spelling() == text) {
    if (paths_.size() == paths_max)
      paths_.clear();
    paths_.emplace(path->spelling(), *path);
  }
  return path;
}

std::vector<Write> read_writes(CborCursor& in, PathCache& paths) {
  std::vector<Write> writes;
  for (std::size_t left = in.list(); left > 0 && in.failure() == nullptr; --left)
    writes.push_back(read_write(in, paths));
  return writes;
}

CommitRecord read_record(CborCursor& in, PathCache& paths) {
  CommitRecord record;
  if (in.list() != 5)
    in.fail("a record has five parts");
  record.base = in.number();
  record.cause = read_cause(in);
  record.writes = read_writes(in, paths);
  for (std::size_t left = in.list(); left > 0 && in.failure() == nullptr; --left)
    record.signals.push_back(read_signal(in));
  if (!in.take_null())
    record.request = read_request(in);
  return record;
}

Result<CommitRecord> read_record(std::span<const std::byte> bytes, PathCache& paths) {
  CborCursor in{bytes};
  CommitRecord record = read_record(in, paths);
  if (in.failure() == nullptr && !in.is_at_end())
    in.fail("more bytes follow the record");
  if (in.failure() != nullptr)
    return Error{Errc::journal_corrupt, "a record, byte " + std::to_string(in.offset()), in.failure(),
                 "Restore the journal from a copy"}
        .with("offset", in.offset());
  return record;
}

}  // namespace theus

// A worker that does not keep to what workers say. The first argument tells how.

#include "runtime/descriptor_passing.hpp"
#include "runtime/isolated/call.hpp"
#include "runtime/isolated/packets.hpp"
#include "shm/guest_heavy.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <array>
#include <csignal>
#include <string>
#include <string_view>

namespace theus {
namespace {

constexpr int engine = 3;

void say(PacketKind kind, const Value& value) {
  if (auto body = encode_body(value); !body || !send_message(engine, kind, *body))
    ::_exit(1);
}

void say_raw(std::string_view bytes, std::span<const int> descriptors = {}) {
  (void)send_with(engine, std::as_bytes(std::span{bytes}), descriptors, 0);
}

void send_file(off_t size) {
  const int file = ::memfd_create("lies", MFD_CLOEXEC);
  if (::ftruncate(file, size) != 0)
    ::_exit(1);
  const std::array<int, 1> passed{file};
  say_raw(std::string_view{"\x06\x01\x00", 3}, passed);
}

Value done(Value reads, Value writes, Value signals) {
  return Value::list({Value{1}, std::move(reads), std::move(writes), std::move(signals)});
}

Value write_of(const char* path) { return Value::list({Value{0}, Value{path}, Value{666}, Value{0}, Value{0}}); }

constexpr std::uint64_t row_bytes = 100'000;
constexpr std::uint64_t whole = 102'400 + shm::SegmentHeader::page_bytes;  // the file of such a row
constexpr int all_seals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;

/// A buffer as a worker of ours would send it, but for what `spoil` makes of it.
template <class Spoil>
void send_row(PacketKind kind, const Spoil& spoil) {
  shm::Handle handle{.type = HeavyType::u8,
                     .lease = shm::lease_word(0, 1),
                     .bytes = row_bytes,
                     .shape = {row_bytes},
                     .zone = shm::GuestHeavy::zone};
  Descriptor file = std::move(shm::SealedBuffer::create(row_bytes).value()).seal().value();
  spoil(handle, file);
  const HeavyRef ref = shm::encode(handle);
  std::vector<PassedBuffer> buffers;
  buffers.push_back({ref, shm::SegmentHeader::page_bytes, std::move(file)});
  const Value rows = Value::list({Value{0}, Value{"heavy.rows"}, Value::heavy(ref), Value{0}, Value{0}});
  const auto body = encode_body(done(Value::list(), Value::list({rows}), Value::list())).value();
  (void)send_message(engine, kind, body, buffers);
}

/// The same bytes in another file, with these seals.
Descriptor copy_of(const Descriptor& file, std::uint64_t bytes, int seals) {
  Descriptor copy{::memfd_create("lies", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  std::vector<std::byte> content(bytes);
  (void)!::pread(file.number(), content.data(), content.size(), 0);
  (void)!::pwrite(copy.number(), content.data(), content.size(), 0);
  ::fcntl(copy.number(), F_ADD_SEALS, seals);
  return copy;
}

void lie_about_buffers(std::string_view how) {
  const auto send = [](auto spoil) { send_row(PacketKind::done, spoil); };
  if (how == "unsealed_row")
    send([](auto&, Descriptor& file) { file = copy_of(file, whole, 0); });
  if (how == "row_that_shrinks")
    send([](auto&, Descriptor& file) { file = copy_of(file, whole, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SEAL); });
  if (how == "short_row")
    send([](auto&, Descriptor& file) { file = copy_of(file, whole - shm::SegmentHeader::page_bytes, all_seals); });
  if (how == "row_in_a_pipe")
    send([](auto&, Descriptor& file) {
      std::array<int, 2> ends{};
      (void)!::pipe(ends.data());
      file = Descriptor{ends[0]};
    });
  if (how == "row_with_holes")
    send([](auto&, Descriptor& file) {
      Descriptor copy{::memfd_create("lies", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
      std::array<std::byte, shm::SegmentHeader::page_bytes> head{};
      (void)!::pread(file.number(), head.data(), head.size(), 0);
      (void)!::pwrite(copy.number(), head.data(), head.size(), 0);
      (void)!::ftruncate(copy.number(), static_cast<off_t>(whole));
      ::fcntl(copy.number(), F_ADD_SEALS, all_seals);
      file = std::move(copy);
    });
  if (how == "shape_too_large")
    send([](shm::Handle& handle, auto&) {
      handle.bytes = row_bytes << 10;
      handle.shape = {handle.bytes};
    });
  if (how == "shape_that_lies")
    send([](shm::Handle& handle, auto&) { handle.shape = {7, 7}; });
  if (how == "type_that_is_none")
    send([](shm::Handle& handle, auto&) { handle.type = static_cast<HeavyType>(99); });
  if (how == "row_of_another_zone")
    send([](shm::Handle& handle, auto&) { handle.zone = 12345; });
  if (how == "row_with_a_log")
    send_row(PacketKind::log, [](auto&, auto&) {});
  if (how == "row_without_file")
    say_raw(std::string{"\x06\x00\x01", 3} + std::string(72, 'x'));
  if (how == "file_without_row") {
    const std::array<int, 1> passed{STDIN_FILENO};
    say_raw(std::string_view{"\x06\x00\x00\x80", 4}, passed);
  }
  if (how == "honest_row")
    send([](auto&, auto&) {});
}

void misbehave(std::string_view how) {
  lie_about_buffers(how);
  const Value none = Value::list();
  if (how == "garbage")
    say_raw("this is no message");
  if (how == "empty_answer")
    say(PacketKind::done, Value{});
  if (how == "huge_file")
    send_file((off_t{1} << 40));
  if (how == "empty_file")
    send_file(0);
  if (how == "no_cbor")
    say_raw(std::string_view{"\x06\x00\x00\xff\xff\xff", 6});
  if (how == "no_error")
    say(PacketKind::failed, Value{{"code", 1}});
  if (how == "stray_write")
    say(PacketKind::done, done(none, Value::list({write_of("domain.other")}), none));
  if (how == "global_write")
    say(PacketKind::done, done(none, Value::list({write_of("global.setting")}), none));
  if (how == "stray_read")
    say(PacketKind::done, done(Value::list({Value{"domain.secret"}}), none, none));
  if (how == "bad_path")
    say(PacketKind::done, done(none, Value::list({write_of("domain..[")}), none));
  if (how == "signals")
    say(PacketKind::done, done(none, none, Value::list({Value::list({Value{"bad signal name\n"}, Value{}, Value{}})})));
  if (how == "twice") {
    say(PacketKind::failed, failed_value(Error{Errc::process_failed, "first", "first"}));
    say(PacketKind::done, done(none, Value::list({write_of("domain.count")}), none));
  }
  if (how == "engines_words")
    say(PacketKind::call, Value{});
}

int run(std::string_view how) {
  if (how == "never_ready")
    ::raise(SIGTERM);
  WorkerMessageReader reader;
  (void)reader.next(engine, 0);
  if (how == "early_answer")
    say(PacketKind::done, done(Value::list(), Value::list(), Value::list()));
  say(PacketKind::ready, Value{});
  while (true) {
    const auto call = reader.next(engine, 0);
    if (!call)
      return 0;
    misbehave(how);
  }
}

}  // namespace
}  // namespace theus

int main(int, char** argv) { return theus::run(argv[1]); }

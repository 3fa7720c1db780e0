// A worker that does not keep to what workers say. The first argument tells how.

#include "runtime/descriptor_passing.hpp"
#include "runtime/isolated/call.hpp"
#include "runtime/isolated/packets.hpp"

#include <sys/mman.h>
#include <sys/socket.h>

#include <csignal>
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
  say_raw(std::string_view{"\x06\x01", 2}, passed);
}

Value done(Value reads, Value writes, Value signals) {
  return Value::list({Value{1}, std::move(reads), std::move(writes), std::move(signals)});
}

Value write_of(const char* path) { return Value::list({Value{0}, Value{path}, Value{666}, Value{0}, Value{0}}); }

void misbehave(std::string_view how) {
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
    say_raw(std::string_view{"\x06\x00\xff\xff\xff", 5});
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

// Signals between an owner and a process on its host, both ways, and the memory that they share.

#include "tests/support/near_signals.hpp"
#include "tests/support/property.hpp"

#include <catch2/catch.hpp>

#include <sys/mman.h>
#include <sys/wait.h>

namespace theus {
namespace {

using testing::all_of;
using testing::NearSignalsStage;

const std::string long_text(1000, 'x');

}  // namespace

TEST_CASE("joined again to the same run nothing is missed, to another one it begins anew", "[near_signals]") {
  NearSignalsStage stage;
  auto receiver = stage.here.subscribe();
  stage.owner.send("tick", 1);
  stage.settle();
  stage.signals.leave();
  stage.owner.send("tick", 2);
  CHECK(stage.here.send("tick", 0) != 0);  // by a message, which the stage takes
  const bool knows_run = GENERATE(true, false);
  stage.guest.emplace(stage.owner, true);
  stage.join(knows_run);
  stage.owner.send("tick", 3);
  stage.settle();
  CHECK(all_of(receiver) == (knows_run ? std::vector<std::string>{"tick 1", "tick 2", "tick 3"}
                                       : std::vector<std::string>{"tick 1", "tick 3"}));
}

TEST_CASE("another run of the owner has numbers of its own for names [F08]", "[near_signals]") {
  NearSignalsStage stage;
  auto receiver = stage.here.subscribe();
  stage.owner.send("first", 1);
  stage.settle();
  stage.signals.leave();
  stage.guest.reset();
  stage.owner = SignalExport::make_hub({});
  stage.guest.emplace(stage.owner, true);
  stage.join(false);
  stage.owner.send("second", 2);
  stage.here.send("third", 3);
  stage.settle();
  CHECK(all_of(receiver) == std::vector<std::string>{"first 1", "second 2", "third 3"});
}

TEST_CASE("whatever is sent on either side and carried when, every signal is heard in order or counted as lost",
          "[near_signals]") {
  testing::holds(300, [] {
    NearSignalsStage stage{*rc::gen::inRange<std::size_t>(1, 40), 1 << 14};
    auto everywhere = stage.owner.subscribe({.overflow = SignalOverflow::drop_oldest()});
    auto here = stage.here.subscribe();
    std::uint64_t sent = 0;
    std::uint64_t version = 0;
    const auto name = [](int step) { return step % 3 == 0 ? std::string(300, 'n') : "s" + std::to_string(step % 5); };
    const auto payload = [&](int step) {
      return step % 4 == 0 ? Value{{"n", sent}, {"x", long_text}} : Value{{"n", sent}};
    };
    for (const int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 60))) {
      if (step < 20)
        sent += stage.here.send(name(step), payload(step)) != 0;
      else if (step < 35)
        sent += stage.owner.send(name(step), payload(step)) != 0;
      else if (step < 40)
        sent += stage.owner.publish_commit(++version, std::vector<Signal>{{name(step), payload(step)}}) != 0;
      else if (step < 45 && !stage.to_owner.empty())
        stage.carry_one();
      else if (step < 50)
        stage.guest->look().value();
      else if (step < 53)
        stage.answer();
      else if (step < 58)
        stage.signals.pump().look(stage.visible);
      else
        stage.visible = version;
      RC_ASSERT(stage.fault.empty());
    }
    stage.visible = version;
    stage.settle();
    RC_ASSERT(stage.fault.empty());
    RC_ASSERT(stage.owner.statistics().published == sent);
    std::uint64_t heard = 0;
    for (Received received = here.try_recv(); !received.is_empty(); received = here.try_recv())
      heard += received.is_lagged() ? received.lagged() : 1;
    RC_ASSERT(heard == sent);
  });
}

TEST_CASE("memory that is no ring, or no lane, is refused [F42]", "[near_signals]") {
  const auto pages = MappedPages::shared("forged", 1 << 16).value();
  const Descriptor file{::dup(pages.file())};
  CHECK(SignalWindow::open(file, 0).error().code() == Errc::bad_input);
  CHECK(LaneWriter::open(file).error().code() == Errc::bad_input);
  SignalRing::create(pages.bytes(), 100);
  CHECK(SignalWindow::open(file, 0));
  // The same in a file that could be cut.
  const Descriptor unsealed{::memfd_create("unsealed", MFD_CLOEXEC)};
  REQUIRE(::pwrite(unsealed.number(), pages.bytes().data(), pages.bytes().size(), 0) == 1 << 16);
  CHECK(SignalWindow::open(unsealed, 0).error().code() == Errc::bad_input);
  // A header that claims more than there is: slots, or second lines.
  for (const std::uint64_t claimed : {1 << 12, 600}) {
    reinterpret_cast<RingHeader*>(pages.bytes().data())->capacity = claimed;
    CHECK(SignalWindow::open(file, 0).error().code() == Errc::bad_input);
  }
}

TEST_CASE("another process cannot write where the owner's signals are, nor shrink it [F41]", "[near_signals]") {
  SignalHub hub = SignalExport::make_hub({.capacity = 64});
  const Descriptor file{::dup(SignalExport{hub}.memory())};
  CHECK(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0) == MAP_FAILED);
  CHECK(::pwrite(file.number(), "x", 1, 0) < 0);
  CHECK(::ftruncate(file.number(), 0) != 0);
}

TEST_CASE("what a forked child sends stays with it [F13]", "[near_signals]") {
  SignalHub hub = SignalExport::make_hub({.capacity = 64});
  hub.send("tick", 1);
  const pid_t child = ::fork();
  if (child == 0) {
    for (int i = 0; i < 1000; ++i)
      hub.send("tick", i);
    hub.close();
    ::_exit(0);
  }
  int status = 1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(hub.statistics().published == 1);
  CHECK(hub.send("tick", 2) == 2);
}

}  // namespace theus

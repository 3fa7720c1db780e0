#include "runtime/attach/signal_window.hpp"

namespace theus {
namespace {

constexpr std::size_t bytes_max = std::size_t{4} << 30;

}  // namespace

SignalWindow::SignalWindow(MappedPages pages, SignalRing ring, std::uint64_t place) noexcept
    : pages_(std::move(pages)),
      ring_(ring),
      second_lines_(reinterpret_cast<const SecondLine*>(pages_.bytes().data() + SignalRing::bytes(ring.capacity()))),
      at_(ring_.walk(place)) {}

Result<SignalWindow> SignalWindow::open(const Descriptor& memory, std::uint64_t place) {
  auto pages = MappedPages::open(memory, MappedPages::Access::read, sizeof(RingHeader), bytes_max);
  if (!pages)
    return pages.error();
  const auto ring = SignalRing::open(pages->bytes());
  if (!ring || pages->bytes().size() < SignalRing::bytes(ring->capacity()) + ring->capacity() * sizeof(SecondLine))
    return Error{Errc::bad_input, "join", "the owner's memory of signals is not laid out as it should be",
                 "Use the same version of Theus in both processes"};
  return SignalWindow{*std::move(pages), *ring, place};
}

}  // namespace theus

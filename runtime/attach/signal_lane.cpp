#include "runtime/attach/signal_lane.hpp"

#include <new>

namespace theus {

Result<LaneReader> LaneReader::make() {
  auto pages = MappedPages::shared("theus-lane", lane_bytes);
  if (!pages)
    return pages.error();
  new (pages->bytes().data()) LaneHeader;
  return LaneReader{*std::move(pages)};
}

Result<LaneWriter> LaneWriter::open(const Descriptor& file) {
  auto pages = MappedPages::open(file, MappedPages::Access::write, lane_bytes, lane_bytes);
  if (!pages)
    return pages.error();
  LaneWriter writer{*std::move(pages)};
  if (writer.header().magic != LaneHeader::magic_word || writer.header().produced.load() != 0)
    return Error{Errc::bad_input, "join", "the owner's memory for signals is not laid out as it should be",
                 "Use the same version of Theus in both processes"};
  return writer;
}

}  // namespace theus

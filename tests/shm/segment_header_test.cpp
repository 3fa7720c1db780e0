#include "shm/segment_header.hpp"

#include "shm/mapping.hpp"
#include "shm/reader.hpp"
#include "shm/segment.hpp"
#include "shm/segment_file.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <random>

#include <catch2/catch.hpp>

namespace theus::shm {
namespace {

constexpr std::uint64_t size = 64 * 1024;
constexpr int all_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE;

SegmentHeader right_header() {
  SegmentHeader header = new_header();
  header.segment = 1;
  header.zone = 5;
  header.size = size;
  header.data_bytes = size - SegmentHeader::page_bytes;
  return sealed(header);
}

const FileFacts right_facts{.size = size, .bytes_backed = size, .seals = all_seals};

// A file in memory that begins with the header.
Descriptor file_with(const SegmentHeader& header, std::uint64_t bytes, int seals) {
  Descriptor file{::memfd_create("forged", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  REQUIRE(::posix_fallocate(file.number(), 0, static_cast<off_t>(bytes)) == 0);
  REQUIRE(::pwrite(file.number(), &header, std::min<std::size_t>(bytes, sizeof header), 0) > 0);
  REQUIRE(::fcntl(file.number(), F_ADD_SEALS, seals) == 0);
  return file;
}

}  // namespace

TEST_CASE("a header is refused when any one thing about it is wrong [F42]", "[segment_header]") {
  REQUIRE(check_header(right_header(), right_facts, SegmentKind::pool));
  const auto refuses = [](const SegmentHeader& header, const FileFacts& facts = right_facts) {
    return !check_header(header, facts, SegmentKind::pool);
  };
  auto changed = [](auto change) {
    SegmentHeader header = right_header();
    change(header);
    return sealed(header);
  };
  CHECK(refuses(changed([](auto& h) { h.magic ^= 1; })));
  CHECK(refuses(changed([](auto& h) { ++h.abi; })));
  CHECK(refuses(changed([](auto& h) { h.layout ^= 1; })));
  CHECK(refuses(changed([](auto& h) { h.kind = SegmentKind::table; })));
  CHECK(refuses(changed([](auto& h) { h.size = size + 1; })));
  CHECK(refuses(changed([](auto& h) { h.data_offset = 0; })));
  CHECK(refuses(changed([](auto& h) { h.data_offset = ~std::uint64_t{0}; })));
  CHECK(refuses(changed([](auto& h) { h.data_bytes = ~std::uint64_t{0}; })));
  CHECK(refuses(changed([](auto& h) { h.zone = 0; })));
  CHECK(refuses(changed([](auto& h) { h.owner_pid = -1; })));
  SegmentHeader damaged = right_header();
  damaged.owner_started ^= 1;
  CHECK(refuses(damaged));
  CHECK(refuses(right_header(), {.size = size - 1, .bytes_backed = size, .seals = all_seals}));
  CHECK(refuses(right_header(), {.size = size, .bytes_backed = size - 512, .seals = all_seals}));
  CHECK(refuses(right_header(), {.size = size, .bytes_backed = size, .seals = -1}));
  CHECK(refuses(right_header(), {.size = size, .bytes_backed = size, .seals = all_seals & ~F_SEAL_SHRINK}));
  CHECK(refuses(right_header(), {.size = size, .bytes_backed = size, .seals = all_seals & ~F_SEAL_FUTURE_WRITE}));
}

TEST_CASE("of a million forged headers none passes, and none takes anything down [F42]", "[segment_header]") {
  constexpr unsigned seed = 20'261'128;
  INFO("seed " << seed);
  std::mt19937_64 random{seed};
  const SegmentHeader right = right_header();
  int passed = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    SegmentHeader forged = right;
    auto* bytes = reinterpret_cast<unsigned char*>(&forged);
    const auto flips = 1 + random() % 8;
    for (std::uint64_t flip = 0; flip < flips; ++flip)
      bytes[random() % offsetof(SegmentHeader, padding)] ^= static_cast<unsigned char>(1 + random() % 255);
    if (std::memcmp(&forged, &right, sizeof forged) != 0)
      passed += static_cast<int>(check_header(forged, right_facts, SegmentKind::pool).ok());
  }
  // The crc misses one in four thousand million.
  CHECK(passed == 0);
}

TEST_CASE("files that are empty, short, full of zeros, unsealed or of another kind are refused at once [F42]",
          "[segment_header]") {
  const auto refuses = [](const Descriptor& file) {
    const auto result = read_header(file, SegmentKind::pool);
    return !result && result.error().code() == Errc::bad_handle;
  };
  CHECK_FALSE(refuses(file_with(right_header(), size, all_seals)));
  CHECK(refuses(Descriptor{::memfd_create("empty", MFD_CLOEXEC)}));
  CHECK(refuses(file_with(right_header(), 64, all_seals)));
  CHECK(refuses(file_with(right_header(), size / 2, all_seals)));
  CHECK(refuses(file_with(SegmentHeader{.magic = 0}, size, all_seals)));
  CHECK(refuses(file_with(right_header(), size, 0)));
  CHECK(refuses(file_with(right_header(), size, F_SEAL_GROW | F_SEAL_FUTURE_WRITE)));
  CHECK(refuses(Descriptor{::open("/proc/self/exe", O_RDONLY | O_CLOEXEC)}));
  CHECK(refuses(Descriptor{::open("/dev/zero", O_RDONLY | O_CLOEXEC)}));
}

TEST_CASE("forged files are refused wherever a consumer would map them [F42]", "[segment_header]") {
  const Descriptor forged = file_with(right_header(), size, all_seals);
  CHECK_FALSE(BlockTableView::attach(forged));
  CHECK_FALSE(Reader::attach(forged, forged));
  CHECK_FALSE(read_header(forged, SegmentKind::single));
}

TEST_CASE("a segment begins at a multiple of 2 MiB and all of it is backed by memory", "[segment]") {
  auto segment = Segment::create({.zone = 3}, 1, 5'000'000).value();
  CHECK(reinterpret_cast<std::uintptr_t>(segment.base()) % huge_page_bytes == 0);
  CHECK(segment.bytes() % huge_page_bytes == 0);
  const auto facts = facts_of(segment.file()).value();
  CHECK(facts.bytes_backed >= segment.bytes());
  CHECK(read_header(segment.file(), SegmentKind::pool).value().zone == 3);
}

}  // namespace theus::shm

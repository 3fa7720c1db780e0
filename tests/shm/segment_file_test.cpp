#include "shm/segment_file.hpp"

#include "shm/mapping.hpp"
#include "shm/sealed_buffer.hpp"
#include "shm/segment.hpp"

#include <theus/value.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <catch2/catch.hpp>

namespace theus::shm {
namespace {

// A limit of this process while this lives.
class Limit {
public:
  Limit(__rlimit_resource which, rlim_t value) : which_(which) {
    ::getrlimit(which_, &before_);
    rlimit now = before_;
    now.rlim_cur = value;
    ::setrlimit(which_, &now);
  }
  ~Limit() { ::setrlimit(which_, &before_); }
  Limit(const Limit&) = delete;
  Limit& operator=(const Limit&) = delete;

private:
  __rlimit_resource which_;
  rlimit before_{};
};

}  // namespace

TEST_CASE("a sealed segment can be neither written nor resized nor sealed further, but its owner writes on [F41]",
          "[segment_file]") {
  auto segment = Segment::create({.zone = 3}, 1, 100'000).value();
  const int fd = segment.file().number();
  CHECK(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
  CHECK(::pwrite(fd, "x", 1, 0) < 0);
  CHECK(::ftruncate(fd, 0) < 0);
  CHECK(::ftruncate(fd, 1L << 30) < 0);
  CHECK(::fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096) < 0);
  void* readable = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
  REQUIRE(readable != MAP_FAILED);
  CHECK(::mprotect(readable, 4096, PROT_READ | PROT_WRITE) < 0);
  ::munmap(readable, 4096);
  std::byte* piece = segment.allocator().allocate(64);
  REQUIRE(piece != nullptr);
  *piece = std::byte{1};
  segment.allocator().free(piece);
  CHECK(segment.allocator().is_sane());
}

TEST_CASE("beyond the limit of file sizes the answer is no_space and no signal [F40]", "[segment_file]") {
  const Limit limit{RLIMIT_FSIZE, 1 << 20};
  const auto refused = create_memory_file("large", 2 << 20);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::no_space);
  CHECK(refused.error().field("needed")->as_int() == 2 << 20);
  CHECK(refused.error().field("free")->as_int() == 1 << 20);
  CHECK(create_memory_file("small", 4096));
}

TEST_CASE("without room in the address space the answer is no_space [F40]", "[segment_file]") {
  auto file = create_memory_file("mapped", 64 << 20).value();
#if !defined(__SANITIZE_ADDRESS__)
  rlimit used{};
  ::getrlimit(RLIMIT_AS, &used);
  const Limit limit{RLIMIT_AS, 1 << 20};
  const auto refused = Mapping::map(file, 64 << 20, Mapping::Access::write);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::no_space);
#endif
}

// UBSan looks at objects through a pipe, and takes what it cannot look at for an object of another type.
#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("without descriptors the answer is no_space", "[segment_file]") {
  const Limit limit{RLIMIT_NOFILE, 0};
  const auto refused = create_memory_file("file", 4096);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::no_space);
}
#endif

TEST_CASE("a size that cannot be is no_space, not an overflow", "[segment_file]") {
  CHECK(Segment::create({.zone = 3}, 1, ~std::uint64_t{0}).error().code() == Errc::no_space);
  CHECK(Segment::create({.zone = 3}, 1, std::uint64_t{1} << 62).error().code() == Errc::no_space);
  CHECK(SealedBuffer::create(~std::uint64_t{0}).error().code() == Errc::no_space);
  CHECK(SealedBuffer::create(0).error().code() == Errc::no_space);
}

TEST_CASE("more than the machine has is refused before any of it is taken [F40]", "[segment_file]") {
  const std::uint64_t before = available_memory_bytes();
  REQUIRE(before > 0);
  REQUIRE(before < std::uint64_t{1} << 50);
  const auto refused = create_memory_file("too-large", std::uint64_t{1} << 50);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code() == Errc::no_space);
  CHECK(refused.error().field("free")->as_int() > 0);
  CHECK(refused.error().cause().find("more than the memory that is left") != std::string::npos);
}

TEST_CASE("nobody can write a sealed buffer, its builder included", "[segment_file]") {
  auto buffer = SealedBuffer::create(10'000).value();
  buffer.bytes()[9'999] = std::byte{1};
  const auto file = std::move(buffer).seal().value();
  CHECK(::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file.number(), 0) == MAP_FAILED);
  CHECK(::pwrite(file.number(), "x", 1, 0) < 0);
  CHECK(::ftruncate(file.number(), 0) < 0);
}

}  // namespace theus::shm

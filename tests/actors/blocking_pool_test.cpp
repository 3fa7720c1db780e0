#include "actors/blocking_pool.hpp"

#include <catch2/catch.hpp>

#include <atomic>
#include <latch>
#include <thread>

namespace theus::actors {
namespace {

TEST_CASE("jobs beyond the threads wait, and then run in order", "[blocking_pool]") {
  std::latch release{1};
  std::latch all_done{3};
  std::vector<int> order;
  BlockingPool pool{1};
  pool.run([&] {
    release.wait();
    all_done.count_down();
  });
  for (int i = 1; i <= 2; ++i)
    pool.run([&, i] {
      order.push_back(i);
      all_done.count_down();
    });
  CHECK(pool.load().threads == 1);
  CHECK(pool.load().waiting >= 2);
  release.count_down();
  all_done.wait();
  CHECK(order == std::vector{1, 2});
}

TEST_CASE("each job that waits has a thread of its own, up to the limit", "[blocking_pool]") {
  std::latch together{4};
  std::latch all_done{4};
  BlockingPool pool{4};
  for (int i = 0; i < 4; ++i)
    pool.run([&] {
      together.arrive_and_wait();
      all_done.count_down();
    });
  all_done.wait();
  CHECK(pool.load().threads == 4);
}

TEST_CASE("a pool that goes leaves a job behind that does not end", "[blocking_pool]") {
  auto release = std::make_shared<std::latch>(1);
  auto begun = std::make_shared<std::latch>(1);
  auto ended = std::make_shared<std::latch>(1);
  {
    BlockingPool pool{1};
    pool.run([=] {
      begun->count_down();
      release->wait();
      ended->count_down();
    });
    begun->wait();
    pool.run([] { FAIL("a job that waited was run after the end"); });
  }
  release->count_down();
  ended->wait();
}

}  // namespace
}  // namespace theus::actors

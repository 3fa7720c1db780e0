#include "tests/shm/owner_process.hpp"

#include <filesystem>
#include <fstream>
#include <optional>

#include <catch2/catch.hpp>

namespace theus::testing {
namespace {

constexpr int exit_skipped = 77;

void check(int exit, const char* needs) {
  if (exit == exit_skipped)
    WARN("skipped: " << needs);
  else
    CHECK(exit == 0);
}

/// A group of processes below our own, where the kernel lets us make one. Gone with this.
class Group {
public:
  Group() {
    std::ifstream membership{"/proc/self/cgroup"};
    for (std::string line; std::getline(membership, line) && path_.empty();)
      for (const auto& [part, root] : {std::pair{":memory:", "/sys/fs/cgroup/memory"}, {"0::", "/sys/fs/cgroup"}})
        if (const auto at = line.find(part); at != std::string::npos && path_.empty()) {
          const std::string own = root + line.substr(at + std::string{part}.size());
          const std::string made = own + "/theus-test-" + std::to_string(::getpid());
          std::error_code failed;
          if (std::filesystem::create_directory(made, failed) && !failed)
            path_ = made;
        }
  }
  ~Group() {
    if (!path_.empty())
      ::rmdir(path_.c_str());
  }
  Group(const Group&) = delete;
  Group& operator=(const Group&) = delete;

  const std::string& path() const { return path_; }

private:
  std::string path_;
};

}  // namespace

TEST_CASE("a full /dev/shm is no_space, never a signal, and service goes on when there is room [F40]", "[full]") {
  check(OwnerProcess{{"fill", "tmpfs"}}.wait(), "mounting a small /dev/shm is not allowed here");
}

TEST_CASE("an address space that is used up is no_space, never a signal [F40]", "[full]") {
#if !defined(__SANITIZE_ADDRESS__)
  check(OwnerProcess{{"fill", "addresses"}}.wait(), "the address space cannot be limited here");
#endif
}

TEST_CASE("the memory limit of a container is no_space before the kernel kills anybody for it [F40][F14]", "[full]") {
  const Group group;
  check(OwnerProcess{{"fill", "group", group.path()}}.wait(), "groups of processes cannot be made here");
}

}  // namespace theus::testing

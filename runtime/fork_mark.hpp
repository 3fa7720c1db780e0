#pragma once

namespace theus {

/// Tells a forked child from the process in which this was made: a page that the kernel wipes in every child
/// (madvise(2), MADV_WIPEONFORK), so that asking costs one load. Threads and locks do not survive a fork, so whoever
/// has any asks first. Immutable and thread-safe.
class ForkMark {
public:
  ForkMark();
  ~ForkMark();
  ForkMark(const ForkMark&) = delete;
  ForkMark& operator=(const ForkMark&) = delete;

  bool is_child() const noexcept { return *page_ == 0; }

private:
  volatile unsigned char* page_;
};

}  // namespace theus

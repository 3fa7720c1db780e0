#pragma once

#include <cassert>
#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

namespace theus {

/// A stack whose first `inline_max` elements need no allocation: what replaces recursion over nested values.
template <class T, std::size_t inline_max>
class SmallStack {
  static_assert(std::is_trivially_copyable_v<T>);

public:
  SmallStack() noexcept {}
  SmallStack(const SmallStack&) = delete;
  SmallStack& operator=(const SmallStack&) = delete;

  /// May throw bad_alloc beyond `inline_max` elements.
  void push(const T& element) {
    if (size_ < inline_max)
      std::construct_at(inline_ + size_, element);
    else
      beyond_.push_back(element);
    ++size_;
  }
  void pop() noexcept {
    assert(size_ > 0);
    if (size_-- > inline_max)
      beyond_.pop_back();
  }

  T& operator[](std::size_t index) noexcept {
    return index < inline_max ? inline_[index] : beyond_[index - inline_max];
  }
  const T& operator[](std::size_t index) const noexcept {
    return index < inline_max ? inline_[index] : beyond_[index - inline_max];
  }
  T& top() noexcept { return (*this)[size_ - 1]; }
  const T& top() const noexcept { return (*this)[size_ - 1]; }
  std::size_t size() const noexcept { return size_; }
  bool empty() const noexcept { return size_ == 0; }

private:
  std::size_t size_ = 0;
  std::vector<T> beyond_;
  union {
    T inline_[inline_max];  // elements begin their life when pushed
  };
};

}  // namespace theus

#pragma once

#include <cstddef>
#include <vector>

namespace beringia::io {

/// Memory of one fiber: a guard page below `bytes` of stack. Owned by its fiber or a StackPool.
class Stack {
 public:
  explicit Stack(size_t bytes);  // throws std::bad_alloc
  Stack(Stack&& other) noexcept;
  Stack& operator=(Stack&& other) noexcept;
  ~Stack();
  void* top() const;
  void* bottom() const;  // lowest usable byte
  size_t bytes() const { return bytes_; }
  /// Gives the touched pages back to the kernel.
  void drop_pages();

 private:
  char* map_ = nullptr;
  size_t bytes_ = 0;
};

/// Stacks for reuse, warmest first. Used by one loop.
class StackPool {
 public:
  explicit StackPool(size_t stack_bytes);
  Stack take();  // throws std::bad_alloc when the kernel gives no more
  void give(Stack stack);

 private:
  const size_t stack_bytes_;
  std::vector<Stack> free_;
};

}  // namespace beringia::io

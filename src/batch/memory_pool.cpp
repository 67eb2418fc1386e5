// SPDX-License-Identifier: Apache-2.0
#include "referent/batch/memory_pool.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <shared_mutex>
#include <utility>
#include <vector>

#include "referent/core/error.h"

namespace referent {

class PoolState;

namespace {

constexpr std::size_t kAlignment = 64;
constexpr std::size_t kSlabBytes = std::size_t{64} << 20U;

/// A stretch of memory from the kernel and the holes in it.
class Slab {
 public:
  explicit Slab(std::size_t size) : size_(size) {
    void* memory =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      throw DeviceError("out of memory: {} bytes more are needed for this batch; lower the batch",
                        size);
    }
    ::madvise(memory, size, MADV_HUGEPAGE);  // fewer page faults; not every kernel has them
    begin_ = static_cast<std::byte*>(memory);
    holes_.emplace(0, size);
  }
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;
  ~Slab() { ::munmap(begin_, size_); }

  bool owns(const std::byte* pointer) const { return pointer >= begin() && pointer < end(); }
  const std::byte* begin() const { return begin_; }
  const std::byte* end() const { return begin_ + size_; }
  std::size_t size() const { return size_; }
  bool empty() const { return used_.empty(); }

  /// The first hole that is large enough, so that the memory in use stays together; null: none.
  std::byte* take(std::size_t size) {
    for (auto hole = holes_.begin(); hole != holes_.end(); ++hole) {
      const auto [offset, length] = *hole;
      if (length < size) continue;
      holes_.erase(hole);
      if (length > size) holes_.emplace(offset + size, length - size);
      used_.emplace(offset, size);
      return begin_ + offset;
    }
    return nullptr;
  }

  void give_back(const std::byte* pointer) {
    const auto used = used_.find(static_cast<std::size_t>(pointer - begin_));
    auto [offset, length] = *used;
    used_.erase(used);
    auto next = holes_.lower_bound(offset);
    if (next != holes_.end() && next->first == offset + length) {
      length += next->second;
      next = holes_.erase(next);
    }
    if (next != holes_.begin()) {
      const auto previous = std::prev(next);
      if (previous->first + previous->second == offset) {
        previous->second += length;
        return;
      }
    }
    holes_.emplace(offset, length);
  }

 private:
  std::byte* begin_;
  std::size_t size_;
  std::map<std::size_t, std::size_t> holes_;  ///< offset to length
  std::map<std::size_t, std::size_t> used_;
};

/// Which pool an address belongs to, of all that live.
class Registry {
 public:
  static Registry& instance() {
    static auto* registry = new Registry;  // tensors may be freed while the process ends
    return *registry;
  }

  void add(const Slab& slab, PoolState* pool) {
    const std::unique_lock lock(mutex_);
    pools_.emplace(slab.end(), std::pair{slab.begin(), pool});
    if (lowest_ == nullptr || slab.begin() < lowest_) lowest_ = slab.begin();
    highest_ = std::max(highest_.load(), slab.end());
  }

  void remove(const Slab& slab) {
    const std::unique_lock lock(mutex_);
    pools_.erase(slab.end());
  }

  /// Those that live.
  std::vector<std::shared_ptr<PoolState>> pools();

  /// Null where it is no pool's.
  PoolState* find(const std::byte* pointer) {
    // Nearly all memory is the system's and told by this.
    if (pointer < lowest_ || pointer >= highest_) return nullptr;
    const std::shared_lock lock(mutex_);
    const auto slab = pools_.upper_bound(pointer);
    if (slab == pools_.end() || pointer < slab->second.first) return nullptr;
    return slab->second.second;
  }

 private:
  std::shared_mutex mutex_;
  std::map<const std::byte*, std::pair<const std::byte*, PoolState*>> pools_;  ///< by end
  std::atomic<const std::byte*> lowest_{nullptr};
  std::atomic<const std::byte*> highest_{nullptr};
};

}  // namespace

/// Lives as long as its MemoryPool or any block.
class PoolState : public std::enable_shared_from_this<PoolState> {
 public:
  PoolState() = default;
  PoolState(const PoolState&) = delete;
  PoolState& operator=(const PoolState&) = delete;
  ~PoolState() {
    for (const auto& slab : slabs_) Registry::instance().remove(*slab);
  }

  std::byte* take(std::size_t bytes) {
    const std::size_t size = (bytes + kAlignment - 1) / kAlignment * kAlignment;
    const std::lock_guard lock(mutex_);
    if (blocks_++ == 0) self_ = shared_from_this();
    for (const auto& slab : slabs_) {
      if (std::byte* memory = slab->take(size)) return memory;
    }
    slabs_.push_back(std::make_unique<Slab>(std::max(size, kSlabBytes)));
    Registry::instance().add(*slabs_.back(), this);
    return slabs_.back()->take(size);
  }

  void give_back(const std::byte* pointer) {
    std::shared_ptr<PoolState> last;  // let go of when the lock is
    const std::lock_guard lock(mutex_);
    for (const auto& slab : slabs_) {
      if (slab->owns(pointer)) slab->give_back(pointer);
    }
    if (--blocks_ == 0) last = std::move(self_);
  }

  void release_unused() {
    const std::lock_guard lock(mutex_);
    std::erase_if(slabs_, [](const auto& slab) {
      if (slab->empty()) Registry::instance().remove(*slab);
      return slab->empty();
    });
  }

  std::size_t reserved() {
    const std::lock_guard lock(mutex_);
    std::size_t bytes = 0;
    for (const auto& slab : slabs_) bytes += slab->size();
    return bytes;
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<Slab>> slabs_;
  std::size_t blocks_ = 0;
  std::shared_ptr<PoolState> self_;  ///< while there are blocks
};

namespace {

std::vector<std::shared_ptr<PoolState>> Registry::pools() {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<PoolState>> living;
  for (const auto& [end, slab] : pools_) {
    if (auto pool = slab.second->weak_from_this().lock()) living.push_back(std::move(pool));
  }
  return living;
}

thread_local std::shared_ptr<PoolState> current_pool;

/// LibTorch's own allocator, which was there before.
c10::Allocator* own_allocator = nullptr;

void free_memory(void* memory) {
  if (PoolState* pool = Registry::instance().find(static_cast<std::byte*>(memory))) {
    pool->give_back(static_cast<std::byte*>(memory));
  } else {
    own_allocator->raw_deallocate(memory);
  }
}

/// LibTorch's own allocator but for large tensors within a scope.
class PoolingAllocator final : public c10::Allocator {
 public:
  c10::DataPtr allocate(std::size_t bytes) override {
    void* memory = current_pool == nullptr || bytes < MemoryPool::kLeastBytes
                       ? own_allocator->raw_allocate(bytes)
                       : current_pool->take(bytes);
    return {memory, memory, &free_memory, c10::Device(c10::DeviceType::CPU)};
  }

  c10::DeleterFnPtr raw_deleter() const override { return &free_memory; }

  void copy_data(void* target, const void* source, std::size_t count) const override {
    std::memcpy(target, source, count);
  }
};

bool install_allocator() noexcept {
  static PoolingAllocator allocator;
  own_allocator = c10::GetCPUAllocator();
  c10::SetCPUAllocator(&allocator, /*priority=*/1);
  return true;
}

/// LibTorch wants its allocator set before threads use it: when this library is loaded.
[[maybe_unused]] const bool kInstalled = install_allocator();

}  // namespace

MemoryPool::MemoryPool() : state_(std::make_shared<PoolState>()) {}

void MemoryPool::release_unused() {
  for (const auto& pool : Registry::instance().pools()) pool->release_unused();
}

std::size_t MemoryPool::reserved() const {
  return state_->reserved();
}

MemoryPool::Scope::Scope(const MemoryPool& pool)
    : outer_(std::exchange(current_pool, pool.state_)) {}

MemoryPool::Scope::~Scope() {
  current_pool = std::move(outer_);
}

}  // namespace referent

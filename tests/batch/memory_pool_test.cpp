// SPDX-License-Identifier: Apache-2.0
#include "referent/batch/memory_pool.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <optional>
#include <thread>
#include <vector>

namespace referent {
namespace {

using torch::Tensor;

constexpr std::int64_t kLarge = 1 << 20;  // floats: 4 MB

Tensor filled(std::int64_t count, float value) {
  return torch::full({count}, value);
}

TEST(MemoryPoolTest, MemoryComesBackAndIsUsedAgain) {
  const MemoryPool pool;
  const MemoryPool::Scope scope(pool);
  const void* first = filled(kLarge, 1).const_data_ptr();
  const std::size_t reserved = pool.reserved();
  EXPECT_GE(reserved, 4U * kLarge);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(filled(kLarge, 2).const_data_ptr(), first);
  EXPECT_EQ(pool.reserved(), reserved);
}

TEST(MemoryPoolTest, GivesBackWhatNoTensorLiesIn) {
  const MemoryPool pool;
  const MemoryPool::Scope scope(pool);
  const Tensor kept = filled(kLarge, 3);
  { const Tensor large = filled(40 * kLarge, 1); }
  const std::size_t both = pool.reserved();
  MemoryPool::release_unused();
  EXPECT_LT(pool.reserved(), both);
  EXPECT_GE(pool.reserved(), 4U * kLarge);
  EXPECT_EQ(kept.min().item<float>(), 3);
}

TEST(MemoryPoolTest, LiveTensorsDoNotOverlapWhateverTheOrderOfTheirEnds) {
  const MemoryPool pool;
  const MemoryPool::Scope scope(pool);
  std::vector<Tensor> tensors(40);
  for (int round = 0; round < 5; ++round) {
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if ((i * 7 + static_cast<std::size_t>(round)) % 3 == 0) continue;
      const auto count = static_cast<std::int64_t>(20'000 + 9'000 * ((i * 13) % 17));
      tensors[i] = filled(count, static_cast<float>(i));
    }
    for (std::size_t i = 0; i < tensors.size(); ++i) {
      if (!tensors[i].defined()) continue;
      EXPECT_TRUE(tensors[i].eq(static_cast<float>(i)).all().item<bool>()) << i;
    }
  }
}

TEST(MemoryPoolTest, SmallTensorsAndOtherThreadsAreTheSystems) {
  const MemoryPool pool;
  const MemoryPool::Scope scope(pool);
  const Tensor small = filled(16, 1);
  std::thread([] { filled(kLarge, 1); }).join();
  EXPECT_EQ(pool.reserved(), 0U);
}

TEST(MemoryPoolTest, ScopesNestAndEnd) {
  const MemoryPool outer;
  const MemoryPool inner;
  {
    const MemoryPool::Scope outer_scope(outer);
    {
      const MemoryPool::Scope inner_scope(inner);
      filled(kLarge, 1);
    }
    EXPECT_EQ(outer.reserved(), 0U);
    filled(kLarge, 1);
  }
  const std::size_t reserved = outer.reserved();
  EXPECT_GT(reserved, 0U);
  const std::vector<Tensor> outside{filled(32 * kLarge, 1)};
  EXPECT_EQ(outer.reserved(), reserved);
}

TEST(MemoryPoolTest, TensorsOutliveThePoolAndEndOnAnyThread) {
  std::optional<MemoryPool> pool(std::in_place);
  Tensor tensor;
  {
    const MemoryPool::Scope scope(*pool);
    tensor = filled(kLarge, 3);
  }
  pool.reset();
  EXPECT_TRUE(tensor.eq(3).all().item<bool>());
  std::thread([last = std::move(tensor)]() mutable { last.reset(); }).join();
}

}  // namespace
}  // namespace referent

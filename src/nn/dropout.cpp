// SPDX-License-Identifier: Apache-2.0
#include "referent/nn/dropout.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Parallel.h>
#include <ATen/ops/dropout.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>
#include <mutex>

#include "referent/core/vector_clones.h"

namespace referent::nn {
namespace {

using torch::Tensor;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr std::int64_t kGrain = 1 << 15;  ///< elements that are worth a thread
/// Elements whose places are told apart by 32 bits; each block of them has a key of its own.
constexpr std::int64_t kBlock = std::int64_t{1} << 30;

/// A bijection of 32 bits whose output bits each depend on every input bit (the constants are those
/// of Wellons' search for the least bias, "lowbias32").
constexpr std::uint32_t mixed(std::uint32_t x) {
  x ^= x >> 16U;
  x *= 0x7feb352dU;
  x ^= x >> 15U;
  x *= 0x846ca68bU;
  x ^= x >> 16U;
  return x;
}

struct Key {
  Key(std::uint64_t seed, std::int64_t block)
      : start(static_cast<std::uint32_t>(seed)),
        twist(mixed(static_cast<std::uint32_t>(seed >> 32U) ^
                    mixed(static_cast<std::uint32_t>(block)))) {}

  /// What is drawn for an element, the same whatever its type.
  std::uint32_t drawn(std::uint32_t place) const { return mixed(mixed(place + start) ^ twist); }

  std::uint32_t start;
  std::uint32_t twist;
};

// Twice, since the compiler clones no templates.

REFERENT_VECTOR_CLONES void drop(const float* __restrict x, float* __restrict y,
                                 std::uint32_t place, std::int64_t count, Key key,
                                 std::uint32_t limit, float factor) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t drawn = key.drawn(place + static_cast<std::uint32_t>(i));
    y[i] = x[i] * (drawn < limit ? 0 : factor);
  }
}

REFERENT_VECTOR_CLONES void drop(const double* __restrict x, double* __restrict y,
                                 std::uint32_t place, std::int64_t count, Key key,
                                 std::uint32_t limit, double factor) {
  for (std::int64_t i = 0; i < count; ++i) {
    const std::uint32_t drawn = key.drawn(place + static_cast<std::uint32_t>(i));
    y[i] = x[i] * (drawn < limit ? 0 : factor);
  }
}

template <class T>
void apply_to(const Tensor& x, Tensor& y, double rate, std::uint64_t seed) {
  const auto* from = x.const_data_ptr<T>();
  auto* to = y.mutable_data_ptr<T>();
  const auto limit = static_cast<std::uint32_t>(std::lround(rate * 0x1p32));
  const auto factor = static_cast<T>(1 / (1 - rate));
  for (std::int64_t block = 0; block * kBlock < x.numel(); ++block) {
    const Key key(seed, block);
    const std::int64_t first = block * kBlock;
    at::parallel_for(0, std::min(kBlock, x.numel() - first), kGrain,
                     [&](std::int64_t begin, std::int64_t end) {
                       drop(from + first + begin, to + first + begin,
                            static_cast<std::uint32_t>(begin), end - begin, key, limit, factor);
                     });
  }
}

class Dropout : public torch::autograd::Function<Dropout> {
 public:
  static Tensor forward(AutogradContext* context, const Tensor& x, const DropoutMask& mask) {
    context->saved_data["rate"] = mask.rate();
    context->saved_data["seed"] = static_cast<std::int64_t>(mask.seed());
    return mask.apply(x);
  }

  static variable_list backward(AutogradContext* context, const variable_list& gradients) {
    const DropoutMask mask(context->saved_data["rate"].toDouble(),
                           static_cast<std::uint64_t>(context->saved_data["seed"].toInt()));
    return {mask.apply(gradients[0]), Tensor()};
  }
};

}  // namespace

DropoutMask DropoutMask::draw(double rate) {
  auto* generator = at::get_generator_or_default<at::CPUGeneratorImpl>(
      std::nullopt, at::detail::getDefaultCPUGenerator());
  const std::scoped_lock lock(generator->mutex_);
  return {rate, generator->random64()};
}

Tensor DropoutMask::apply(const Tensor& x) const {
  const Tensor dense = x.contiguous();
  Tensor y = at::empty_like(dense);
  if (x.scalar_type() == torch::kFloat64) {
    apply_to<double>(dense, y, rate_, seed_);
  } else {
    apply_to<float>(dense, y, rate_, seed_);
  }
  return y;
}

Tensor dropout(const Tensor& x, double rate, bool training) {
  if (!training || rate == 0) return x;
  const bool ours =
      x.is_cpu() && (x.scalar_type() == torch::kFloat32 || x.scalar_type() == torch::kFloat64);
  return ours ? Dropout::apply(x, DropoutMask::draw(rate)) : at::dropout(x, rate, training);
}

}  // namespace referent::nn

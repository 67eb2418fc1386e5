// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/core/dispatch/Dispatcher.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/types.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "gradient_check.h"
#include "referent/ops/own_kernels.h"
#include "support/test_device.h"

/// What the tests of both ops share. An op's arguments are a list in the order of its schema, in
/// which an undefined tensor is an absent one.
namespace referent::ops {

#ifdef REFERENT_TEST_ON_GPU
/// What our own kernels do not take goes to library routines, so both are tested.
inline const bool own_kernels = (use_own_kernels(true), true);
#endif

using Arguments = std::vector<torch::Tensor>;
using Op = std::function<torch::Tensor(const Arguments&)>;

inline std::optional<torch::Tensor> optional(const torch::Tensor& tensor) {
  return tensor.defined() ? std::optional<torch::Tensor>(tensor) : std::nullopt;
}

/// Leaves in another type, with the values that the first arguments have in that type; float64 on
/// the CPU, where it is the reference, every other type where kernels are tested.
inline Arguments leaves_in(const Arguments& arguments, at::ScalarType type) {
  const torch::Device device = type == torch::kFloat64 ? torch::kCPU : testing::test_device();
  Arguments leaves;
  for (const torch::Tensor& argument : arguments) {
    leaves.push_back(argument.defined() ? argument.detach().to(device, type).set_requires_grad(true)
                                        : argument);
  }
  return leaves;
}

/// Types with fewer digits than float32 that the kernels take.
inline std::vector<at::ScalarType> low_types() {
  if (testing::test_device().is_cuda()) return {torch::kBFloat16, torch::kHalf};
  return {torch::kBFloat16};
}

/// The output and then the gradients of sum(upstream * output) to every argument that is there.
inline std::vector<torch::Tensor> output_and_gradients(const Op& op, const Arguments& leaves,
                                                       const torch::Tensor& upstream) {
  const torch::Tensor y = op(leaves);
  std::vector<torch::Tensor> inputs;
  for (const torch::Tensor& leaf : leaves) {
    if (leaf.defined()) inputs.push_back(leaf);
  }
  std::vector<torch::Tensor> all{y.detach()};
  for (const torch::Tensor& gradient :
       torch::autograd::grad({y}, inputs, {upstream.to(y.device(), y.scalar_type())})) {
    all.push_back(gradient);
  }
  return all;
}

/// The op in float32 against the composition in float64: output and gradients within 1e-5.
inline void expect_float32_close(const Op& op, const Op& composition, const Arguments& arguments) {
  const Arguments exact = leaves_in(leaves_in(arguments, torch::kFloat32), torch::kFloat64);
  const torch::Tensor upstream = torch::randn_like(composition(exact)).to(torch::kFloat32);
  const auto expected = output_and_gradients(composition, exact, upstream);
  const auto got = output_and_gradients(op, leaves_in(arguments, torch::kFloat32), upstream);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(got[i].scalar_type(), torch::kFloat32);
    EXPECT_EQ(got[i].sizes(), expected[i].sizes());
    EXPECT_LE(relative_error(got[i], expected[i]), 1e-5) << (i == 0 ? "output" : "gradient ") << i;
  }
}

/// The op in low types: output and gradients at most twice as far from the composition in float64
/// as the composition in that type is.
inline void expect_low_close(const Op& op, const Op& composition, const Arguments& arguments) {
  for (const at::ScalarType type : low_types()) {
    const Arguments rounded = leaves_in(arguments, type);
    const Arguments exact = leaves_in(rounded, torch::kFloat64);
    const torch::Tensor upstream = torch::randn_like(composition(exact)).to(type);
    const auto expected = output_and_gradients(composition, exact, upstream);
    const auto plain = output_and_gradients(composition, rounded, upstream);
    const auto got = output_and_gradients(op, leaves_in(rounded, type), upstream);
    for (std::size_t i = 0; i < expected.size(); ++i) {
      EXPECT_EQ(got[i].scalar_type(), type);
      EXPECT_LE(relative_error(got[i], expected[i]), 2 * relative_error(plain[i], expected[i]))
          << type << (i == 0 ? " output " : " gradient ") << i;
    }
  }
}

inline void expect_repeatable(const Op& op, const Arguments& arguments, at::ScalarType type) {
  const Arguments leaves = leaves_in(arguments, type);
  const torch::Tensor upstream = torch::randn_like(op(leaves));
  const auto first = output_and_gradients(op, leaves, upstream);
  const auto second = output_and_gradients(op, leaves, upstream);
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_TRUE(torch::equal(first[i], second[i])) << i;
  }
}

/// That the op has kernels under all the keys through which calls of it go.
inline void expect_kernels(const char* name) {
  const auto op = c10::Dispatcher::singleton().findSchema({name, ""});
  ASSERT_TRUE(op.has_value()) << name;
  for (const auto key : {c10::DispatchKey::CPU, c10::DispatchKey::CUDA, c10::DispatchKey::Meta}) {
    EXPECT_TRUE(op->hasKernelForDispatchKey(key)) << name << " " << key;
  }
  EXPECT_TRUE(op->hasKernelForDispatchKey(c10::DispatchKey::Autograd)) << name;
}

}  // namespace referent::ops

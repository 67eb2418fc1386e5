// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#ifdef REFERENT_TEST_ON_GPU
#include <ATen/Context.h>
#include <gtest/gtest.h>
#include <torch/cuda.h>
#endif

namespace referent::testing {

/// Where what is tested runs. Some tests are built twice: for the CPU, and with
/// REFERENT_TEST_ON_GPU, labelled gpu, for a GPU, where they are skipped without one.
inline torch::Device test_device() {
#ifdef REFERENT_TEST_ON_GPU
  return torch::kCUDA;
#else
  return torch::kCPU;
#endif
}

#ifdef REFERENT_TEST_ON_GPU
class GpuEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    if (torch::cuda::device_count() == 0) GTEST_SKIP() << "no GPU answers";
    // As the program does: float32 is float32.
    at::globalContext().setAllowTF32CuDNN(false);
    at::globalContext().setAllowFP16ReductionCuBLAS(false);
  }
};
inline const ::testing::Environment* const gpu_environment =
    ::testing::AddGlobalTestEnvironment(new GpuEnvironment);
#endif

}  // namespace referent::testing

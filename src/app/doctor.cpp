// SPDX-License-Identifier: Apache-2.0
#include "doctor.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <algorithm>
#include <chrono>

#include "referent/app/commands.h"
#include "referent/image/library.h"
#include "referent/ops/gemm_binding.h"
#include "referent/ops/onednn.h"

namespace referent::app {
namespace {

using tools::Finding;
using tools::Health;

Finding examine_torch() {
  return {"LibTorch", Health::kGood,
          fmt::format("{}, kernels for {}, bfloat16 {} in oneDNN", TORCH_VERSION,
                      at::get_cpu_capability(),
                      ops::onednn_takes(at::kBFloat16) ? "computed" : "not computed"),
          ""};
}

Finding examine_threads() {
  const int threads = at::get_num_threads();
  const int usable = tools::usable_processors();
  Finding finding{"compute threads", Health::kGood, std::to_string(threads), ""};
  if (threads > usable) {
    finding.health = Health::kAdvice;
    finding.remedy = fmt::format(
        "more threads than the {} processors that may be used wait for one another: --threads {}, "
        "or mend OMP_NUM_THREADS",
        usable, usable);
  }
  return finding;
}

/// The fastest of a few products of two 1024 x 1024 matrices in float32 [GFLOP/s].
double measure_gemm() {
  constexpr std::int64_t kSize = 1024;
  constexpr int kRuns = 7;
  const at::Tensor a = at::randn({kSize, kSize});
  double best = 0;
  for (int i = 0; i < kRuns; ++i) {
    const auto start = std::chrono::steady_clock::now();
    const at::Tensor product = at::mm(a, a);
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    best = std::max(best, 2e-9 * kSize * kSize * kSize / spent.count());
  }
  return best;
}

Finding examine_blas(double gflops) {
  const ops::GemmBinding binding = ops::gemm_binding();
  Finding finding{"matrix products", Health::kGood,
                  fmt::format("{:.0f} GFLOP/s in float32 by {}", gflops,
                              binding.own ? "LibTorch's own BLAS" : binding.library),
                  ""};
  if (!binding.own) {
    finding.health = Health::kFault;
    finding.remedy =
        "another BLAS stands before LibTorch's: link torch_cpu directly and before what brings it "
        "(OpenCV), or load libreferent.so with RTLD_DEEPBIND";
  }
  return finding;
}

Finding examine_cuda() {
  const auto devices = torch::cuda::device_count();
  Finding finding{"CUDA", Health::kGood, fmt::format("{} devices can be used", devices), ""};
#ifdef REFERENT_TORCH_CUDA
  if (devices == 0 && !tools::driver_gpus().empty()) {
    finding.health = Health::kFault;
    finding.remedy =
        "the driver knows a GPU that LibTorch cannot use: it may be older than CUDA "
        "13.0 needs, or CUDA_VISIBLE_DEVICES hides it";
  }
#else
  finding.value = "not part of this build";
  if (!tools::driver_gpus().empty()) {
    finding.health = Health::kAdvice;
    finding.remedy =
        "to use the GPU run scripts/setup.sh --cuda, cmake --preset cuda and cmake --build "
        "build/cuda";
  }
#endif
  return finding;
}

}  // namespace

int run_doctor(const DoctorOptions& /*options*/, const CommonOptions& common) {
  const double gflops = measure_gemm();
  std::vector<Finding> findings = tools::examine_machine();
  findings.push_back(examine_torch());
  findings.push_back(examine_threads());
  findings.push_back(examine_blas(gflops));
  findings.push_back(examine_cuda());
  findings.push_back({"OpenCV", Health::kGood, std::string(image::opencv_version()), ""});
  return tools::report(findings, gflops, common);
}

}  // namespace referent::app

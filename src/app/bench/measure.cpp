// SPDX-License-Identifier: Apache-2.0
#include "measure.h"

#include <ATen/ATen.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <torch/cuda.h>

#include <algorithm>
#include <chrono>
#include <limits>

#include "referent/batch/memory_pool.h"
#include "referent/core/error.h"
#include "referent/ops/onednn.h"

namespace referent::app::bench {
namespace {

using torch::Tensor;

void wait_for(torch::Device device) {
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
}

double time_once(const Contender& contender, torch::Device device) {
  wait_for(device);
  const auto start = std::chrono::steady_clock::now();
  contender.run();
  wait_for(device);
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
  return spent.count();
}

/// Peak of a GPU's allocated memory over `work` [MiB].
std::optional<double> peak_memory(torch::Device device, const std::function<void()>& work) {
  if (!device.is_cuda()) return std::nullopt;
  const c10::DeviceIndex index = std::max<c10::DeviceIndex>(0, device.index());
  c10::DeviceAllocator& allocator = *c10::getDeviceAllocator(device.type());
  allocator.resetPeakStats(index);
  work();
  return static_cast<double>(allocator.getDeviceStats(index).allocated_bytes[0].peak) / (1 << 20);
}

/// Largest absolute difference over the largest absolute value of the rival's.
double largest_difference(const std::vector<Tensor>& ours, const std::vector<Tensor>& rival) {
  REFERENT_CHECK(ours.size() == rival.size(), "{} outputs beside {}", ours.size(), rival.size());
  double worst = 0;
  for (std::size_t i = 0; i < ours.size(); ++i) {
    const Tensor a = ours[i].detach().to(torch::kCPU, torch::kFloat64);
    const Tensor b = rival[i].detach().to(torch::kCPU, torch::kFloat64);
    if (a.numel() == 0) continue;
    const double scale = std::max(b.abs().max().item<double>(), 1e-12);
    worst = std::max(worst, (a - b).abs().max().item<double>() / scale);
  }
  return worst;
}

/// GFLOP/s, or GB/s, of the fastest of a few runs of this many GFLOP, or GB.
double best_rate(double amount, torch::Device device, const std::function<Tensor()>& run) {
  constexpr int kRuns = 7;
  const Contender contender{"", [&] { return std::vector<Tensor>{run()}; }};
  double best_ms = std::numeric_limits<double>::infinity();
  for (int i = 0; i < kRuns; ++i) best_ms = std::min(best_ms, time_once(contender, device));
  return 1e3 * amount / best_ms;
}

/// A 3x3 convolution of 512 channels, its weights in the layout that oneDNN likes best.
std::function<Tensor()> packed_convolution(at::TensorOptions options, std::int64_t side) {
  constexpr std::int64_t kChannels = 512;
  const Tensor x =
      at::randn({1, kChannels, side, side}, options).contiguous(at::MemoryFormat::ChannelsLast);
  const ops::ConvolutionGeometry geometry{.padding = {1, 1}};
  const Tensor packed = ops::onednn_pack_convolution(
      at::randn({kChannels, kChannels, 3, 3}, options), geometry, side, side);
  return [=] { return ops::onednn_convolution(x, packed, std::nullopt, geometry); };
}

}  // namespace

double peak_gflops(at::ScalarType type, torch::Device device) {
  const at::NoGradGuard guard;
  const at::TensorOptions options = at::TensorOptions().dtype(type).device(device);
  const std::int64_t n = device.is_cuda() ? 8192 : 1024;
  const Tensor a = at::randn({n, n}, options);
  const double gflop = 2e-9 * static_cast<double>(n) * static_cast<double>(n * n);
  const double product = best_rate(gflop, device, [&] { return a.mm(a); });
  if (!device.is_cpu() || !ops::onednn_takes(type)) return product;
  constexpr std::int64_t kSide = 20;
  constexpr double kGflop = 2e-9 * 512 * 512 * 9 * kSide * kSide;
  return std::max(product, best_rate(kGflop, device, packed_convolution(options, kSide)));
}

double copy_rate(torch::Device device) {
  constexpr std::int64_t kBytes = std::int64_t{1} << 29;  // more than any cache holds
  const at::TensorOptions options = at::TensorOptions().dtype(torch::kUInt8).device(device);
  const Tensor from = at::ones({kBytes}, options);
  Tensor to = at::empty_like(from);
  return best_rate(2e-9 * static_cast<double>(kBytes), device, [&] { return to.copy_(from); });
}

Spread spread_of(std::vector<double> milliseconds) {
  std::sort(milliseconds.begin(), milliseconds.end());
  return {milliseconds[milliseconds.size() / 2], milliseconds.front(), milliseconds.back()};
}

Row measure(const Work& work, std::int64_t rounds, torch::Device device) {
  // Both sides keep their memory: what the system takes to hand it out anew would be timed.
  const MemoryPool pool;
  const MemoryPool::Scope pooled(pool);
  Row row;
  row.name = work.name;
  row.rounds = rounds;
  row.floor = work.floor;
  const std::vector<Tensor> ours = work.ours.run();  // warms up too
  if (work.rival) {
    row.rival_name = work.rival->name;
    row.max_difference = largest_difference(ours, work.rival->run());
    // Not a number differs too.
    row.differs = !(*row.max_difference <= work.tolerance);
  }
  row.peak_mib = peak_memory(device, [&] { time_once(work.ours, device); });
  std::vector<double> our_times, rival_times;
  const auto time_of_part = [&](const Contender& contender) {
    return time_once(contender, device) / static_cast<double>(work.parts);
  };
  for (std::int64_t i = 0; i < rounds; ++i) {
    our_times.push_back(time_of_part(work.ours));
    if (work.rival) rival_times.push_back(time_of_part(*work.rival));
  }
  row.ours = spread_of(our_times);
  if (work.rival) row.rival = spread_of(rival_times);
  return row;
}

nlohmann::ordered_json Row::json() const {
  nlohmann::ordered_json document{{"name", name},
                                  {"median_ms", ours.median_ms},
                                  {"min_ms", ours.min_ms},
                                  {"max_ms", ours.max_ms},
                                  {"rounds", rounds},
                                  {"rival", nullptr},
                                  {"rival_median_ms", nullptr},
                                  {"ratio", nullptr},
                                  {"max_difference", nullptr}};
  if (!rival_name.empty()) {
    document["rival"] = rival_name;
    document["rival_median_ms"] = rival.median_ms;
    document["ratio"] = rival.median_ms / ours.median_ms;
  }
  if (max_difference) document["max_difference"] = *max_difference;
  if (images_per_second) document["images_per_second"] = *images_per_second;
  if (peak_mib) document["peak_mib"] = *peak_mib;
  if (floor) {
    document["floor_ms"] = floor->milliseconds;
    document["percent_of_floor"] = 100 * floor->milliseconds / ours.median_ms;
    document["floor"] = floor->formula;
  }
  return document;
}

}  // namespace referent::app::bench

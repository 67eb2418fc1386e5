// SPDX-License-Identifier: Apache-2.0
#include "referent/training/running_statistics.h"

#include <torch/nn/modules/batchnorm.h>

namespace referent::training {

using torch::Tensor;

RunningStatistics::RunningStatistics(const torch::nn::Module& model) {
  for (const auto& module : model.modules()) {
    if (module->as<torch::nn::BatchNorm2d>() == nullptr) continue;
    for (const Tensor& buffer : module->buffers(/*recurse=*/false)) {
      (buffer.is_floating_point() ? values_ : counts_).push_back(buffer);
    }
  }
}

void RunningStatistics::keep() {
  kept_.clear();
  for (const Tensor& value : values_) kept_.push_back(value.clone());
  for (const Tensor& count : counts_) kept_.push_back(count.clone());
}

void RunningStatistics::restore() {
  const torch::NoGradGuard no_grad;
  for (std::size_t i = 0; i < kept_.size(); ++i) {
    (i < values_.size() ? values_[i] : counts_[i - values_.size()]).copy_(kept_[i]);
  }
}

void RunningStatistics::average(distributed::ProcessGroup& group) {
  if (values_.empty() || group.size() == 1) return;
  const torch::NoGradGuard no_grad;
  std::vector<Tensor> flat;
  flat.reserve(values_.size());
  for (const Tensor& value : values_) flat.push_back(value.flatten());
  Tensor all = torch::cat(flat);
  group.all_reduce_sum(all);
  all.div_(group.size());
  std::int64_t begin = 0;
  for (const Tensor& value : values_) {
    value.copy_(all.narrow(0, begin, value.numel()).view_as(value));
    begin += value.numel();
  }
}

}  // namespace referent::training

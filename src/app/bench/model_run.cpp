// SPDX-License-Identifier: Apache-2.0
#include "model_run.h"

#include <nlohmann/json.hpp>

#include "referent/core/error.h"

namespace referent::app::bench {

engine::RunConfig model_run(const BenchOptions& options) {
  nlohmann::json description{
      {"model", {{"preset", options.preset}}},
      {"train", {{"optimizer", {{"learning_rate", 1e-5}, {"clip_norm", 0.1}}}}}};
  if (options.image_size) description["data"]["image"]["size"] = *options.image_size;
  return engine::parse_run_config(description.dump(), "bench");
}

torch::ScalarType type_of(const BenchOptions& options, torch::Device device) {
  if (options.dtype == "bfloat16") return torch::kBFloat16;
  if (options.dtype != "float16") return torch::kFloat32;
  if (device.is_cpu()) throw ConfigError("--dtype float16: only a GPU computes in it");
  return torch::kHalf;
}

std::string row_name(const BenchOptions& options, const engine::RunConfig& config,
                     std::string_view what) {
  return fmt::format("{} {} batch {} {} px", options.preset, what, options.batch_size,
                     config.data.image.size);
}

std::vector<torch::Tensor> outputs_of(const Output& output) {
  std::vector<torch::Tensor> tensors;
  for (const torch::Tensor& tensor : {output.boxes, output.scores, output.mask_logits}) {
    if (tensor.defined()) tensors.push_back(tensor);
  }
  return tensors;
}

}  // namespace referent::app::bench

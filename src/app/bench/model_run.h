// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "referent/app/options.h"
#include "referent/batch/batch.h"
#include "referent/engine/config.h"

namespace referent::app::bench {

/// The type that is computed in. Throws ConfigError for one that the device does not compute in.
torch::ScalarType type_of(const BenchOptions& options, torch::Device device);

/// The run that a benchmark of a whole model stands for.
engine::RunConfig model_run(const BenchOptions& options);

/// "mmca-r50 forward batch 1 640 px".
std::string row_name(const BenchOptions& options, const engine::RunConfig& config,
                     std::string_view what);

/// The tensors of an output that are there.
std::vector<torch::Tensor> outputs_of(const Output& output);

}  // namespace referent::app::bench

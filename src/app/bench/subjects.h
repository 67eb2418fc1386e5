// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "measure.h"
#include "referent/app/options.h"

/// What `referent bench` can measure: each returns the rows of its table.
namespace referent::app::bench {

std::vector<Row> bench_forward(const BenchOptions& options, torch::Device device);
std::vector<Row> bench_ops(const BenchOptions& options, torch::Device device);
std::vector<Row> bench_train(const BenchOptions& options, torch::Device device);

/// A step of the optimizer with its clipping, gradients given, beside LibTorch's own.
std::vector<Row> bench_optimizer(const BenchOptions& options, torch::Device device);

/// Milliseconds a picture of what loads the data, beside the bare decode of the same JPEG files:
/// samples and collation on one thread, the whole loader with 1 and `workers` workers.
std::vector<Row> bench_loader(const BenchOptions& options, std::int64_t workers);

}  // namespace referent::app::bench

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "measure.h"
#include "referent/app/options.h"

/// What `referent bench` can measure: each returns the rows of its table.
namespace referent::app::bench {

std::vector<Row> bench_forward(const BenchOptions& options, torch::Device device);
std::vector<Row> bench_train(const BenchOptions& options, torch::Device device);

}  // namespace referent::app::bench

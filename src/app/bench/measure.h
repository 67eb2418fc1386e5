// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace referent::app::bench {

/// One way of doing the work that a row measures. `run` returns what it computed, so that two ways
/// can be compared; on a GPU it need not wait for the device.
struct Contender {
  std::string name;
  std::function<std::vector<torch::Tensor>()> run;
};

/// The least time that the arithmetic or the traffic of the work allows on this machine.
struct Floor {
  double milliseconds;
  std::string formula;  ///< "95.0 GFLOP / 508 GFLOP/s"
};

/// What one row of the table measures.
struct Work {
  std::string name;
  Contender ours;
  std::optional<Contender> rival = std::nullopt;
  double tolerance = 1e-4;  ///< of ours to the rival's outputs, absolute, over the largest value
  std::optional<Floor> floor = std::nullopt;  ///< of one part
  std::int64_t parts = 1;                     ///< equal ones, of which one's time is given
};

struct Spread {
  double median_ms = 0;
  double min_ms = 0;
  double max_ms = 0;
};

struct Row {
  std::string name;
  std::int64_t rounds = 0;
  Spread ours;
  std::string rival_name;  ///< empty: none
  Spread rival;
  std::optional<Floor> floor;
  std::optional<double>
      max_difference;    ///< over the largest absolute value, where outputs were compared
  bool differs = false;  ///< beyond the tolerance
  std::optional<double> images_per_second = std::nullopt;
  std::optional<double> peak_mib = std::nullopt;  ///< of a GPU's memory, while ours ran

  nlohmann::ordered_json json() const;
};

/// Runs both sides once and compares what they computed, then times them alternately: A B A B ...
/// for `rounds` rounds, both with memory that a pool keeps. Times on `device` are taken with it
/// idle before and after.
Row measure(const Work& work, std::int64_t rounds, torch::Device device);

/// What this machine reaches at `type` [GFLOP/s], the best of several runs: the better of a large
/// matrix product and, on a CPU, a large 3x3 convolution with packed weights.
double peak_gflops(at::ScalarType type, torch::Device device);

/// What a large copy on `device` moves, bytes read and written together [GB/s], the best of
/// several.
double copy_rate(torch::Device device);

/// Median, least and largest of milliseconds, of which there is at least one.
Spread spread_of(std::vector<double> milliseconds);

}  // namespace referent::app::bench

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "referent/app/options.h"

namespace referent::tools {

enum class Health { kGood, kAdvice, kFault };

/// One thing that was looked at.
struct Finding {
  std::string name;
  Health health = Health::kGood;
  std::string value;   ///< what was seen
  std::string remedy;  ///< what to do about it; empty where nothing is wrong
};

/// What can be told without LibTorch: program, processor, threads, memory, graphics processors.
std::vector<Finding> examine_machine();

/// Processors that this process may run on.
int usable_processors();

/// Names of the NVIDIA graphics processors that the driver knows.
std::vector<std::string> driver_gpus();

/// Prints the findings as text or as a JSON document, with the rate of a matrix product where it
/// was measured [GFLOP/s]. 8 when one is a fault, else 0.
int report(const std::vector<Finding>& findings, std::optional<double> gemm_gflops,
           const app::CommonOptions& common);

/// The doctor's report where libreferent.so cannot be loaded, which `why` tells.
int report_without_library(const std::string& why, const app::CommonOptions& common);

}  // namespace referent::tools

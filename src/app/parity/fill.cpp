// SPDX-License-Identifier: Apache-2.0
// Compiled with -ffp-contract=off: each line below is one multiply and at most one add, each
// rounded once.
#include "fill.h"

#include <cmath>
#include <string>

#include "referent/core/error.h"
#include "referent/core/hash.h"

namespace referent::app {
namespace {

/// value = offset + (2u - 1) * scale, or offset + u where `plain`.
struct Rule {
  float scale;
  float offset;
  bool plain = false;
};

Rule rule_of(std::string_view kind, const std::vector<std::int64_t>& shape, double gain) {
  if (kind == "matrix") {
    double fan_in = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) fan_in *= static_cast<double>(shape[i]);
    return {static_cast<float>(gain * std::sqrt(3.0 / fan_in)), 0.0F};
  }
  if (kind == "norm_weight") return {0.1F, 1.0F};
  if (kind == "bias" || kind == "embedding") return {0.05F, 0.0F};
  if (kind == "running_mean") return {0.1F, 0.0F};
  if (kind == "running_var") return {1.0F, 0.5F, true};
  if (kind == "unit") return {1.0F, 0.0F};
  throw DataError("unknown kind of filled tensor \"{}\"", kind);
}

}  // namespace

std::vector<float> fill(std::string_view salt, std::string_view name,
                        const std::vector<std::int64_t>& shape, std::string_view kind,
                        double gain) {
  std::size_t count = 1;
  for (const std::int64_t extent : shape) count *= static_cast<std::size_t>(extent);
  const Rule rule = rule_of(kind, shape, gain);
  const std::uint64_t hash = fnv1a64(std::string(salt) + "/" + std::string(name));
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t z = splitmix64(hash + (i + 1) * kGoldenGamma);
    const float u = static_cast<float>(z >> 40) * 0x1.0p-24F;
    const float s = rule.plain ? u : 2.0F * u - 1.0F;
    const float scaled = s * rule.scale;
    values[i] = rule.offset + scaled;
  }
  return values;
}

}  // namespace referent::app

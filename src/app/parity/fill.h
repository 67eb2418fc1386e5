// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace referent::app {

/// The rule by which goldens make weights and inputs: bit-exact float32 from a hash of the name
/// (64-bit FNV-1a of "<salt>/<name>") and of the element's index (splitmix64). `kind` is matrix,
/// norm_weight, bias, embedding, running_mean, running_var or unit; anything else throws DataError.
std::vector<float> fill(std::string_view salt, std::string_view name,
                        const std::vector<std::int64_t>& shape, std::string_view kind,
                        double gain = 1.0);

}  // namespace referent::app

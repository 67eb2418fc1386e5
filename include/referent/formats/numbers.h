// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "referent/formats/tensor.h"

namespace referent::formats {

/// float16 and bfloat16 numbers by their bits, exactly.
float half_to_float(std::uint16_t bits);
float bfloat16_to_float(std::uint16_t bits);

bool is_floating(DType dtype);

/// The elements as doubles; exact but for integers beyond 2^53. Booleans are 0 and 1.
std::vector<double> to_doubles(const Tensor& tensor);

}  // namespace referent::formats

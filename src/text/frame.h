// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

#include "referent/text/tokenizer.h"

namespace referent::text {

/// `first` tokens `last`, cut to `length` ids in all, which are at least 2.
Encoded frame(std::vector<Token> tokens, std::int64_t first, std::int64_t last,
              std::int64_t length);

}  // namespace referent::text

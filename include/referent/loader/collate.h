// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "referent/batch/batch.h"
#include "referent/data/example.h"

namespace referent::loader {

/// Expressions of several lengths side by side.
struct Texts {
  torch::Tensor tokens;   ///< [B, length] int64
  torch::Tensor padding;  ///< [B, length] bool, true = padding
};

/// Each has at most `length` tokens.
Texts collate_texts(std::span<const text::Encoded> expressions, std::int64_t length,
                    std::int64_t pad_id);

/// Samples of one square size as a batch on the CPU. Images stay bytes, channels-last in memory, 0
/// where the picture does not cover the square; normalised_images() makes them what a model reads.
/// Expressions are padded with `pad_id` to `length` ids, which none may exceed. Masks are there
/// where a sample has one.
Batch collate(std::span<const data::Sample> samples, std::int64_t length, std::int64_t pad_id);

}  // namespace referent::loader

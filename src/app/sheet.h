// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>

#include "referent/app/options.h"
#include "referent/engine/evaluator.h"

namespace referent::app {

/// Writes options.sheet: the options.sheet_count samples with the highest IoU, then those with the
/// lowest, the worst last; found and meant box, the mask where the model has one, rank, IoU and
/// expression. A relative name of a picture that is not there is looked for in options.images.
/// Throws ConfigError for a file name that no encoder takes, DataError for a picture that cannot be
/// read.
void write_sheet(const EvalOptions& options, std::span<const engine::Evaluation> evaluations);

}  // namespace referent::app

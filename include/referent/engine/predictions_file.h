// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "referent/core/file.h"
#include "referent/engine/evaluator.h"

namespace referent::engine {

/// Whether a file begins as JSON lines do, and so is no file of weights; false where it cannot be
/// read.
bool is_predictions_file(const Path& path);

/// Reads what write_predictions() writes, whoever wrote it: one Evaluation for every data set and
/// split, in the order of the file; without them, one that is named after the file.
///
/// A line needs "image", "expression", "box" and "target" (x1, y1, x2, y2 in pixels of the original
/// picture). Where it has no "id", the number of its line from 0 is one. Its "iou" counts where it
/// has one, since the evaluator measures on the model's square; one that box and target do not
/// allow is an error. Without "iou" it is that of box and target. Masks are not read: they are
/// measured against annotations, which the file does not hold.
///
/// Throws DataError, naming file and line, for a line that is not so, and for a file without lines.
std::vector<Evaluation> read_predictions(const Path& path);

}  // namespace referent::engine

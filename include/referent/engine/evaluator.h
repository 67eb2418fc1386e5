// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "referent/core/file.h"
#include "referent/data/dataset.h"
#include "referent/distributed/process_group.h"
#include "referent/engine/recorder.h"
#include "referent/formats/rle.h"
#include "referent/inference/predictor.h"
#include "referent/metrics/grounding_metrics.h"
#include "referent/metrics/mask_metrics.h"

namespace referent::engine {

/// What became of one expression.
struct SampleResult {
  std::string id;
  Path image;
  std::string expression;
  image::Box box;     ///< predicted, pixels of the original picture, inside it
  image::Box target;  ///< as annotated, pixels of the original picture
  std::optional<double> score;
  /// On the model's square as the released code measures it: the predicted box is cut to the
  /// square, the target rounded as the transform does. Apart from that rounding and from padding,
  /// the IoU of `box` and `target`.
  float iou = 0;
  std::optional<formats::Rle> mask = {};  ///< predicted, of the original picture
  /// Of `mask` with the annotated one, in the original picture; absent where there is none.
  std::optional<float> mask_iou = {};
  std::int64_t width = 0;  ///< of the original picture [pixels]; 0: unknown
  std::int64_t height = 0;
  std::int64_t same_class = 0;  ///< as data::Example has it
};

struct Evaluation {
  std::string dataset;  ///< its name in the configuration or the data set's own
  std::string split;
  std::int64_t missing = 0;  ///< examples left out because their image is not there
  metrics::GroundingMetrics metrics;
  /// Over the expressions with an annotated mask; absent for models without mask head.
  std::optional<metrics::MaskMetrics> masks;
  std::vector<SampleResult> results;  ///< in the data set's order
  double seconds = 0;

  /// "val", or "refcoco@unc testA".
  std::string title() const {
    return split.empty() || split == dataset ? dataset : dataset + " " + split;
  }
};

/// "prec@0.5" to "prec@0.9" and "mean_iou", fractions; where there are masks to compare with, also
/// "mask_prec@0.5" to "mask_prec@0.9", "mask_mean_iou" and "mask_overall_iou".
Values metric_values(const Evaluation& evaluation);

struct EvaluatorOptions {
  std::int64_t batch_size = 32;
  std::int64_t workers = 0;
  /// Looked at between batches; true ends the evaluation without a result.
  std::function<bool()> stop = {};
  /// Processes that share the work: each takes every so manieth batch, all get the whole result.
  /// Null: one process.
  distributed::ProcessGroup* group = nullptr;
};

/// Grounds every expression of `dataset`, in batches cut in its order, so that the result depends
/// on neither workers nor processes. Masks are compared in the frame of the original picture, which
/// is what a user sees; the released code of VG-LAW compares them on the network's square. Returns
/// nothing when it was stopped, also in another process.
std::optional<Evaluation> evaluate(const inference::Predictor& predictor, const std::string& name,
                                   const data::Dataset& dataset, const EvaluatorOptions& options);

/// {"schema_version": 1, "results": [{"dataset", "split", "samples", "missing", "prec@0.5", ...,
/// "mean_iou", "mask_samples"?, "mask_prec@0.5"?, ..., "mask_mean_iou"?, "mask_overall_iou"?,
/// "seconds"}]}; "mask_samples" are the expressions with an annotated mask.
std::string evaluations_json(std::span<const Evaluation> evaluations);

/// The array of "results".
nlohmann::ordered_json results_json(std::span<const Evaluation> evaluations);

/// A table for people, in percent; with masks, a line for boxes and one for masks.
std::string evaluations_table(std::span<const Evaluation> evaluations);

/// A JSON line per result, {"id", "image", "expression", "box", "score", "target", "iou",
/// "dataset", "split", "width"?, "height"?, "same_class"?, "mask"?, "mask_iou"?}: width and height
/// are the original picture's; what is not known is left out; the last two for models with a mask
/// head, "mask_iou" null where no mask is annotated. The file appears whole or not at all. Throws
/// FileError.
void write_predictions(const Path& path, std::span<const Evaluation> evaluations);

}  // namespace referent::engine

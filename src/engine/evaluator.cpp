// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/evaluator.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>

#include "referent/core/error.h"
#include "referent/core/progress.h"
#include "referent/image/decode.h"
#include "referent/loader/loader.h"

namespace referent::engine {
namespace {

using Json = nlohmann::ordered_json;
using Corners = std::array<double, 4>;

constexpr std::array<const char*, 5> kThresholds = {"0.5", "0.6", "0.7", "0.8", "0.9"};

/// cx, cy, w, h to x1, y1, x2, y2.
Corners corners(const std::array<float, 4>& box) {
  const double cx = box[0], cy = box[1], w = box[2], h = box[3];
  return {cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2};
}

/// The released measure: the prediction is cut to the square, the target is not.
double square_iou(const std::array<float, 4>& predicted, const std::array<float, 4>& target) {
  Corners box = corners(predicted);
  for (double& coordinate : box) coordinate = std::clamp(coordinate, 0.0, 1.0);
  return metrics::box_iou(box, corners(target));
}

std::array<float, 4> row_of(const Tensor& boxes, std::size_t sample) {
  const auto row = boxes.accessor<float, 3>()[static_cast<std::int64_t>(sample)][0];
  return {row[0], row[1], row[2], row[3]};
}

void add_results(const loader::LoadedBatch& loaded, const Output& output,
                 const data::Dataset& dataset, Evaluation& evaluation) {
  for (std::size_t i = 0; i < loaded.samples.size(); ++i) {
    const data::Sample& sample = loaded.samples[i];
    const data::Example& example = dataset.examples[static_cast<std::size_t>(loaded.indices[i])];
    const std::array<float, 4> box = row_of(output.boxes, i);
    SampleResult result{example.id, example.image, example.expression,
                        inference::to_original(box, sample), example.box, std::nullopt,
                        square_iou(box, sample.target)};
    if (output.scores.defined()) {
      result.score = output.scores[static_cast<std::int64_t>(i)][0].item<double>();
    }
    evaluation.metrics.add(result.iou);
    evaluation.results.push_back(std::move(result));
  }
}

Json box_json(const image::Box& box) { return {box.x1, box.y1, box.x2, box.y2}; }

}  // namespace

std::optional<Evaluation> evaluate(const inference::Predictor& predictor, const std::string& name,
                                   const data::Dataset& dataset, const EvaluatorOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const auto make_sample = [&](std::int64_t index) {
    const data::Example& example = dataset.examples[static_cast<std::size_t>(index)];
    RandomStream unused(0);
    return predictor.transform()(
        example, image::decode_file(example.image, image::Orientation::kIgnore), unused);
  };
  std::vector<std::int64_t> order(dataset.examples.size());
  std::iota(order.begin(), order.end(), 0);
  loader::Loader loader(make_sample, std::move(order),
                        {.batch_size = options.batch_size,
                         .text_length = predictor.config().data.text.length,
                         .pad_id = predictor.tokenizer().pad_id(),
                         .workers = options.workers});
  Evaluation evaluation;
  evaluation.dataset = name;
  evaluation.split = dataset.split;
  evaluation.missing = dataset.missing;
  ProgressBar bar("evaluating " + name, loader.batches());
  while (const auto loaded = loader.next()) {
    if (options.stop && options.stop()) return std::nullopt;
    add_results(*loaded, predictor.forward(loaded->batch), dataset, evaluation);
    bar.advance();
  }
  evaluation.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return evaluation;
}

std::string evaluations_json(std::span<const Evaluation> evaluations) {
  Json results = Json::array();
  for (const Evaluation& evaluation : evaluations) {
    Json result = {{"dataset", evaluation.dataset},
                   {"split", evaluation.split},
                   {"samples", evaluation.metrics.samples()},
                   {"missing", evaluation.missing}};
    for (const auto& [metric, value] : evaluation.metrics.values()) result[metric] = value;
    result["seconds"] = evaluation.seconds;
    results.push_back(std::move(result));
  }
  return Json({{"schema_version", 1}, {"results", std::move(results)}}).dump(2) + "\n";
}

void write_predictions(const Path& path, std::span<const Evaluation> evaluations) {
  AtomicFile file(path);
  for (const Evaluation& evaluation : evaluations) {
    for (const SampleResult& result : evaluation.results) {
      const Json line = {{"id", result.id},
                         {"image", result.image.string()},
                         {"expression", result.expression},
                         {"box", box_json(result.box)},
                         {"score", result.score ? Json(*result.score) : Json(nullptr)},
                         {"target", box_json(result.target)},
                         {"iou", result.iou}};
      file.write(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    }
  }
  file.commit();
}

}  // namespace referent::engine

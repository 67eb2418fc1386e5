// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/evaluator.h"

#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>

#include "referent/core/error.h"
#include "referent/core/progress.h"
#include "referent/image/decode.h"
#include "referent/loader/loader.h"
#include "referent/metrics/box.h"

namespace referent::engine {
namespace {

using Json = nlohmann::ordered_json;

metrics::CenterBox center_box(const std::array<float, 4>& box) {
  return {box[0], box[1], box[2], box[3]};
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
    SampleResult result{example.id,
                        example.image,
                        example.expression,
                        inference::to_original(box, sample),
                        example.box,
                        std::nullopt,
                        metrics::evaluation_iou(center_box(box), center_box(sample.target))};
    if (output.scores.defined()) {
      result.score = output.scores[static_cast<std::int64_t>(i)][0].item<double>();
    }
    evaluation.metrics.add(loaded.indices[i], result.iou);
    evaluation.results.push_back(std::move(result));
  }
}

Json box_json(const image::Box& box) {
  return {box.x1, box.y1, box.x2, box.y2};
}

}  // namespace

Values metric_values(const metrics::GroundingMetrics& metrics) {
  Values values;
  for (const float threshold : metrics::GroundingMetrics::kThresholds) {
    values.emplace_back(fmt::format("prec@{:.1f}", threshold), metrics.precision(threshold));
  }
  values.emplace_back("mean_iou", metrics.mean_iou());
  return values;
}

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
                   {"samples", evaluation.metrics.count()},
                   {"missing", evaluation.missing}};
    for (const auto& [metric, value] : metric_values(evaluation.metrics)) result[metric] = value;
    result["seconds"] = evaluation.seconds;
    results.push_back(std::move(result));
  }
  return Json({{"schema_version", 1}, {"results", std::move(results)}}).dump(2) + "\n";
}

std::string evaluations_table(std::span<const Evaluation> evaluations) {
  std::string table = fmt::format("{:<24} {:>8} {:>8}", "data set", "samples", "missing");
  const Values head = metric_values({});
  for (const auto& [name, value] : head) table += fmt::format(" {:>9}", name);
  table += '\n';
  for (const Evaluation& evaluation : evaluations) {
    table += fmt::format("{:<24} {:>8} {:>8}", evaluation.title(), evaluation.metrics.count(),
                         evaluation.missing);
    for (const auto& [name, value] : metric_values(evaluation.metrics)) {
      table += fmt::format(" {:>9.2f}", 100 * value);
    }
    table += '\n';
  }
  return table;
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

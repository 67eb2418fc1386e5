// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/evaluator.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <nlohmann/json.hpp>
#include <numeric>

#include "agreement.h"
#include "exchange_results.h"
#include "referent/core/error.h"
#include "referent/core/progress.h"
#include "referent/data/view.h"
#include "referent/formats/rle_json.h"
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

/// Compares the predicted mask with the annotated one, where there is one.
void add_mask(std::int64_t index, const data::Example& example, const data::Sample& sample,
              SampleResult& result, metrics::MaskMetrics& masks) {
  if (!example.mask || !result.mask) return;
  const formats::Rle target =
      data::target_rle(example, sample.original_width, sample.original_height);
  const metrics::MaskOverlap overlap = metrics::mask_overlap(*result.mask, target);
  result.mask_iou = metrics::mask_iou(overlap);
  masks.add(index, overlap);
}

void add_results(const inference::Predictor& predictor, const loader::LoadedBatch& loaded,
                 const Output& output, const data::Dataset& dataset, Evaluation& evaluation) {
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
                        metrics::evaluation_iou(center_box(box), center_box(sample.target)),
                        std::nullopt,
                        std::nullopt,
                        sample.original_width,
                        sample.original_height,
                        example.same_class};
    if (output.scores.defined()) {
      result.score = output.scores[static_cast<std::int64_t>(i)][0].item<double>();
    }
    evaluation.metrics.add(loaded.indices[i], result.iou);
    if (evaluation.masks) {
      result.mask = predictor.mask_of(output, static_cast<std::int64_t>(i), sample);
      add_mask(loaded.indices[i], example, sample, result, *evaluation.masks);
    }
    evaluation.results.push_back(std::move(result));
  }
}

Json box_json(const image::Box& box) {
  return {box.x1, box.y1, box.x2, box.y2};
}

/// Whether there is a mask to compare with.
bool has_masks(const Evaluation& evaluation) {
  return evaluation.masks && evaluation.masks->count() > 0;
}

Values box_values(const metrics::GroundingMetrics& metrics) {
  Values values;
  for (const float threshold : metrics::GroundingMetrics::kThresholds) {
    values.emplace_back(fmt::format("prec@{:.1f}", threshold), metrics.precision(threshold));
  }
  values.emplace_back("mean_iou", metrics.mean_iou());
  return values;
}

/// The names begin as those of box_values do.
Values mask_values(const metrics::MaskMetrics& metrics) {
  Values values;
  for (const float threshold : metrics::MaskMetrics::kThresholds) {
    values.emplace_back(fmt::format("prec@{:.1f}", threshold), metrics.precision(threshold));
  }
  values.emplace_back("mean_iou", metrics.mean_iou());
  values.emplace_back("overall_iou", metrics.overall_iou());
  return values;
}

std::string table_values(const Values& values) {
  std::string row;
  for (const auto& [name, value] : values) row += fmt::format(" {:>11.2f}", 100 * value);
  return row;
}

/// Boxes and, with `kinds`, masks beneath them in the same columns.
std::string table_rows(const Evaluation& evaluation, bool kinds) {
  std::string rows = fmt::format("{:<24}{} {:>8} {:>8}{}\n", evaluation.title(),
                                 kinds ? " box " : "", evaluation.metrics.count(),
                                 evaluation.missing, table_values(box_values(evaluation.metrics)));
  if (!evaluation.masks) return rows;
  rows += fmt::format("{:<24} mask {:>8} {:>8}", "", evaluation.masks->count(), "");
  rows +=
      has_masks(evaluation) ? table_values(mask_values(*evaluation.masks)) : " (none annotated)";
  return rows + "\n";
}

/// This process's batches.
loader::Batches batches_of(const data::Dataset& dataset, const EvaluatorOptions& options) {
  std::vector<std::int64_t> order(dataset.examples.size());
  std::iota(order.begin(), order.end(), 0);
  loader::Batches batches = loader::cut(order, options.batch_size, /*drop_last=*/false);
  if (options.group == nullptr) return batches;
  loader::Batches own;
  const auto processes = static_cast<std::size_t>(options.group->size());
  for (auto i = static_cast<std::size_t>(options.group->rank()); i < batches.size();
       i += processes) {
    own.push_back(std::move(batches[i]));
  }
  return own;
}

/// Nothing when it was stopped.
std::optional<Evaluation> evaluate_batches(const inference::Predictor& predictor,
                                           const std::string& name, const data::Dataset& dataset,
                                           const EvaluatorOptions& options) {
  const auto make_sample = [&](std::int64_t index) {
    data::Example example = dataset.examples[static_cast<std::size_t>(index)];
    example.mask = nullptr;  // made where it is compared, in the original picture only
    RandomStream unused(0);
    return predictor.transform()(
        example, image::decode_file(example.image, image::Orientation::kIgnore), unused);
  };
  loader::Batches batches = batches_of(dataset, options);
  ProgressBar bar("evaluating " + name, static_cast<std::int64_t>(batches.size()));
  loader::Loader loader(make_sample, std::move(batches),
                        {.text_length = predictor.config().data.text.length,
                         .pad_id = predictor.tokenizer().pad_id(),
                         .workers = options.workers});
  Evaluation evaluation;
  evaluation.dataset = name;
  evaluation.split = dataset.split;
  evaluation.missing = dataset.missing;
  if (predictor.has_mask_head()) evaluation.masks.emplace();
  while (const auto loaded = loader.next()) {
    if (options.stop && options.stop()) return std::nullopt;
    add_results(predictor, *loaded, predictor.forward(loaded->batch), dataset, evaluation);
    bar.advance();
  }
  return evaluation;
}

}  // namespace

Values metric_values(const Evaluation& evaluation) {
  Values values = box_values(evaluation.metrics);
  if (!has_masks(evaluation)) return values;
  for (auto& [name, value] : mask_values(evaluation.masks.value())) {
    values.emplace_back("mask_" + name, value);
  }
  return values;
}

std::optional<Evaluation> evaluate(const inference::Predictor& predictor, const std::string& name,
                                   const data::Dataset& dataset, const EvaluatorOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  if (options.group != nullptr) {
    // Batches are dealt out by their numbers.
    options.group->check_agreement("data set " + name, description_of(dataset.examples));
  }
  auto evaluation = evaluate_batches(predictor, name, dataset, options);
  if (options.group != nullptr) {
    evaluation = exchange_results(*options.group, evaluation, dataset);
  }
  if (!evaluation) return std::nullopt;
  evaluation->seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return evaluation;
}

Json results_json(std::span<const Evaluation> evaluations) {
  Json results = Json::array();
  for (const Evaluation& evaluation : evaluations) {
    Json result = {{"dataset", evaluation.dataset},
                   {"split", evaluation.split},
                   {"samples", evaluation.metrics.count()},
                   {"missing", evaluation.missing}};
    if (evaluation.masks) result["mask_samples"] = evaluation.masks->count();
    for (const auto& [metric, value] : metric_values(evaluation)) result[metric] = value;
    result["seconds"] = evaluation.seconds;
    results.push_back(std::move(result));
  }
  return results;
}

std::string evaluations_json(std::span<const Evaluation> evaluations) {
  return Json({{"schema_version", 1}, {"results", results_json(evaluations)}}).dump(2) + "\n";
}

std::string evaluations_table(std::span<const Evaluation> evaluations) {
  const bool kinds = std::ranges::any_of(
      evaluations, [](const Evaluation& evaluation) { return evaluation.masks.has_value(); });
  std::string table =
      fmt::format("{:<24}{} {:>8} {:>8}", "data set", kinds ? " of  " : "", "samples", "missing");
  for (const auto& [name, value] : kinds ? mask_values({}) : box_values({})) {
    table += fmt::format(" {:>11}", name);
  }
  table += '\n';
  for (const Evaluation& evaluation : evaluations) table += table_rows(evaluation, kinds);
  return table;
}

void write_predictions(const Path& path, std::span<const Evaluation> evaluations) {
  AtomicFile file(path);
  for (const Evaluation& evaluation : evaluations) {
    for (const SampleResult& result : evaluation.results) {
      Json line = {{"id", result.id},
                   {"image", result.image.string()},
                   {"expression", result.expression},
                   {"box", box_json(result.box)},
                   {"score", result.score ? Json(*result.score) : Json(nullptr)},
                   {"target", box_json(result.target)},
                   {"iou", result.iou},
                   {"dataset", evaluation.dataset},
                   {"split", evaluation.split}};
      if (result.width > 0) line.update({{"width", result.width}, {"height", result.height}});
      if (result.same_class > 0) line["same_class"] = result.same_class;
      if (result.mask) {
        line["mask"] = formats::rle_json(*result.mask);
        line["mask_iou"] = result.mask_iou ? Json(*result.mask_iou) : Json(nullptr);
      }
      file.write(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
    }
  }
  file.commit();
}

}  // namespace referent::engine

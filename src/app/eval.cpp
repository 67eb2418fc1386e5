// SPDX-License-Identifier: Apache-2.0
#include "processes.h"
#include "referent/app/commands.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/engine/evaluation_report.h"
#include "referent/engine/evaluator.h"
#include "referent/engine/predictions_file.h"
#include "referent/image/encode.h"
#include "referent/inference/build.h"
#include "sheet.h"

namespace referent::app {
namespace {

/// A data set to evaluate on, under the name that results give it.
struct NamedDataset {
  std::string name;  ///< empty: the data set's own
  data::DatasetConfig config;
};

/// What --data asks for: names of the configuration's data.eval and FORMAT:PATH[:SPLIT]; without
/// it, all of data.eval.
std::vector<NamedDataset> chosen_datasets(const Path& checkpoint, const EvalOptions& options,
                                          const engine::RunConfig& config) {
  std::vector<NamedDataset> chosen;
  for (const std::string& word : options.data) {
    const auto found = config.data.eval.find(word);
    if (found != config.data.eval.end()) {
      chosen.push_back({word, found->second});
    } else {
      chosen.push_back({"", data::parse_dataset_argument(word)});
    }
  }
  if (options.data.empty()) {
    for (const auto& [name, dataset] : config.data.eval) chosen.push_back({name, dataset});
  }
  if (chosen.empty()) {
    throw ConfigError(
        "{}: its configuration names no data set in data.eval; give one with --data "
        "FORMAT:PATH[:SPLIT]",
        checkpoint.string());
  }
  for (NamedDataset& dataset : chosen) {
    if (!options.images.empty()) dataset.config.images = options.images;
    if (options.missing_given) dataset.config.missing = options.missing;
  }
  return chosen;
}

/// Gives every picture the expression from half the data set further on.
void exchange_expressions(data::Dataset& dataset) {
  std::vector<data::Example>& examples = dataset.examples;
  std::vector<std::string> expressions;
  expressions.reserve(examples.size());
  for (const data::Example& example : examples) expressions.push_back(example.expression);
  for (std::size_t i = 0; i < examples.size(); ++i) {
    examples[i].expression = expressions[(i + examples.size() / 2) % examples.size()];
  }
}

/// The results of a checkpoint on `datasets`; where that is empty, they are chosen first.
std::vector<engine::Evaluation> evaluate_checkpoint(const Path& checkpoint,
                                                    const EvalOptions& options,
                                                    const CommonOptions& common,
                                                    const Processes& processes,
                                                    std::vector<NamedDataset>& datasets) {
  const inference::Predictor predictor(
      checkpoint, {.device = processes.device,
                   .dtype = inference::parse_dtype(options.dtype, processes.device),
                   .weights = common.weights});
  const engine::RunConfig& config = predictor.config();
  if (datasets.empty()) datasets = chosen_datasets(checkpoint, options, config);
  std::vector<engine::Evaluation> evaluations;
  for (const NamedDataset& chosen : datasets) {
    data::Dataset dataset = data::open_dataset(
        chosen.config, predictor.has_mask_head() ? data::Masks::kRead : data::Masks::kIgnore);
    if (dataset.missing > 0) {
      log::warning("{}: {} expressions left out, their images are missing", dataset.name,
                   dataset.missing);
    }
    if (predictor.has_mask_head() && dataset.without_mask > 0) {
      log::warning(
          "{}: {} of {} expressions have no annotated mask; figures of masks leave them out",
          dataset.name, dataset.without_mask, dataset.examples.size());
    }
    if (options.exchange_expressions) exchange_expressions(dataset);
    auto evaluation = engine::evaluate(
        predictor, chosen.name.empty() ? dataset.name : chosen.name, dataset,
        {.batch_size = options.batch_size > 0 ? options.batch_size : config.eval.batch_size,
         .workers = common.workers,
         .group = processes.group.get()});
    evaluations.push_back(std::move(evaluation).value());
  }
  return evaluations;
}

/// What is measured: a checkpoint, or predictions made elsewhere.
std::vector<engine::Evaluation> evaluations_of(const EvalOptions& options,
                                               const CommonOptions& common,
                                               const Processes& processes,
                                               std::vector<NamedDataset>& datasets) {
  if (options.predictions.empty()) {
    return evaluate_checkpoint(options.checkpoint, options, common, processes, datasets);
  }
  return engine::read_predictions(options.predictions);
}

/// The other one on the same data, beside it.
engine::Compared compare(const EvalOptions& options, const CommonOptions& common,
                         const Processes& processes,
                         std::span<const engine::Evaluation> evaluations,
                         std::vector<NamedDataset>& datasets) {
  engine::Compared compared{options.compare.string(), {}, {}};
  compared.evaluations =
      engine::is_predictions_file(options.compare)
          ? engine::read_predictions(options.compare)
          : evaluate_checkpoint(options.compare, options, common, processes, datasets);
  compared.rows = engine::compare(evaluations, compared.evaluations);
  return compared;
}

void check(const EvalOptions& options) {
  if (options.checkpoint.empty() == options.predictions.empty()) {
    throw ConfigError("eval: give either a checkpoint or --predictions FILE");
  }
  if (options.exchange_expressions && !options.predictions.empty()) {
    throw ConfigError("--exchange-expressions needs a model that is asked, not --predictions");
  }
  if (!options.sheet.empty()) image::check_image_name(options.sheet);
}

void evaluate_and_report(const EvalOptions& options, const CommonOptions& common,
                         const Processes& processes) {
  std::vector<NamedDataset> datasets;
  const std::vector<engine::Evaluation> evaluations =
      evaluations_of(options, common, processes, datasets);
  std::optional<engine::Compared> compared;
  if (!options.compare.empty()) {
    compared = compare(options, common, processes, evaluations, datasets);
  }
  if (!processes.first()) return;
  if (!options.save_predictions.empty()) {
    engine::write_predictions(options.save_predictions, evaluations);
  }
  if (!options.sheet.empty()) write_sheet(options, evaluations);
  const engine::ReportOptions report{options.intervals, options.breakdown};
  const engine::Compared* const other = compared ? &*compared : nullptr;
  fmt::print("{}", common.json ? engine::report_json(evaluations, report, other)
                               : engine::report_table(evaluations, report, other));
}

}  // namespace

int run_eval(const EvalOptions& options, const CommonOptions& common) {
  check(options);
  const Processes processes = join_processes(common.device, {});
  telling_others(processes, [&] { evaluate_and_report(options, common, processes); });
  return 0;
}

}  // namespace referent::app

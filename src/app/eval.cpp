// SPDX-License-Identifier: Apache-2.0
#include "processes.h"
#include "referent/app/commands.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/engine/evaluator.h"

namespace referent::app {
namespace {

/// A data set to evaluate on, under the name that results give it.
struct NamedDataset {
  std::string name;  ///< empty: the data set's own
  data::DatasetConfig config;
};

/// What --data asks for: names of the configuration's data.eval and FORMAT:PATH[:SPLIT]; without
/// it, all of data.eval.
std::vector<NamedDataset> chosen_datasets(const EvalOptions& options,
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
        options.checkpoint.string());
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

}  // namespace

int run_eval(const EvalOptions& options, const CommonOptions& common) {
  const Processes processes = join_processes(common.device, {});
  const inference::Predictor predictor(options.checkpoint,
                                       {.device = processes.device, .weights = common.weights});
  const engine::RunConfig& config = predictor.config();
  std::vector<engine::Evaluation> evaluations;
  for (const NamedDataset& chosen : chosen_datasets(options, config)) {
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
  if (!processes.first()) return 0;
  if (!options.predictions.empty()) engine::write_predictions(options.predictions, evaluations);
  fmt::print("{}", common.json ? engine::evaluations_json(evaluations)
                               : engine::evaluations_table(evaluations));
  return 0;
}

}  // namespace referent::app

// SPDX-License-Identifier: Apache-2.0
#include "referent/data/check.h"

#include <fmt/core.h>

#include <memory>

#include "referent/app/commands.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/data/dataset.h"
#include "referent/engine/config.h"
#include "referent/text/config.h"

namespace referent::app {
namespace {

/// What BERT has positions for.
constexpr std::int64_t kMostTokens = 512;

/// What to look at and how the expressions are read.
struct Subject {
  std::vector<data::CheckedDataset> datasets;
  text::TokenizerConfig tokenizer;
  std::int64_t length = kMostTokens;
};

bool names_format(const std::string& word) {
  for (const auto& [format, name] : config::EnumNames<data::DatasetFormat>::kNames) {
    if (word.starts_with(std::string(name) + ":")) return true;
  }
  return false;
}

/// All of data.train and data.eval of a run's configuration.
void add_run(const std::string& file, Subject& into) {
  const engine::RunConfig config = engine::load_run_config(file);
  into.length = config.data.text.length;
  into.tokenizer = config.model.text_encoder.tokenizer;
  const auto add = [&](const std::string& name, const data::DatasetConfig& dataset, bool training) {
    into.datasets.push_back({fmt::format("{}: {}", file, name), dataset, training});
  };
  for (std::size_t i = 0; i < config.data.train.size(); ++i) {
    add(fmt::format("data.train[{}]", i), config.data.train[i], true);
  }
  for (const auto& [name, dataset] : config.data.eval) add("data.eval." + name, dataset, false);
  if (config.data.train.empty() && config.data.eval.empty()) {
    throw ConfigError("{} names no data set in data.train or data.eval", file);
  }
}

Subject subject_of(const DataCheckOptions& options) {
  Subject subject;
  for (const std::string& word : options.data) {
    if (!names_format(word) && std::filesystem::is_regular_file(word)) {
      add_run(word, subject);
    } else if (word.find(':') != std::string::npos) {
      subject.datasets.push_back({word, data::parse_dataset_argument(word), std::nullopt});
    } else {
      throw ConfigError(
          "{}: neither a run's configuration that is there, nor FORMAT:PATH[:SPLIT] with FORMAT "
          "jsonl, refer, index or seqtr",
          word);
    }
  }
  if (options.length > 0) subject.length = options.length;
  if (!options.images.empty()) {
    for (data::CheckedDataset& dataset : subject.datasets) dataset.config.images = options.images;
  }
  return subject;
}

}  // namespace

int run_data_check(const DataCheckOptions& options, const CommonOptions& common) {
  const Subject subject = subject_of(options);
  data::CheckOptions check;
  check.pictures = options.pictures;
  check.allowed = {options.allowed.begin(), options.allowed.end()};
  check.examples = options.examples;
  check.workers = common.workers;
  check.length = subject.length;
  check.tokenizer = text::make_tokenizer(subject.tokenizer);
  const data::CheckReport report = data::check_datasets(subject.datasets, check);
  fmt::print("{}", common.json ? data::report_json(report) : data::report_table(report));
  for (const auto& [dataset, message] : report.unreadable) {
    log::error("{}: {}", dataset, message);
  }
  if (!report.unreadable.empty()) return static_cast<int>(ExitStatus::kData);
  return static_cast<int>(report.faults() > 0 ? ExitStatus::kCheck : ExitStatus::kOk);
}

}  // namespace referent::app

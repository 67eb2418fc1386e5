// SPDX-License-Identifier: Apache-2.0
#include "referent/data/statistics.h"

#include <fmt/core.h>

#include "referent/app/commands.h"
#include "referent/data/convert.h"
#include "referent/data/dataset.h"

namespace referent::app {

int run_data_stats(const DataStatsOptions& options, const CommonOptions& common) {
  std::vector<data::SplitStatistics> splits;
  for (const std::string& word : options.data) {
    data::Annotations annotations =
        data::read_annotations(data::parse_dataset_argument(word), data::Masks::kIgnore);
    data::fill_sizes(annotations, options.images.empty() ? annotations.folder : options.images);
    for (data::SplitStatistics& split : data::statistics_of(annotations)) {
      splits.push_back(std::move(split));
    }
  }
  fmt::print("{}", common.json ? data::statistics_json(splits) : data::statistics_table(splits));
  return 0;
}

}  // namespace referent::app

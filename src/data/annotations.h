// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "referent/data/config.h"
#include "referent/data/dataset.h"
#include "referent/data/example.h"

namespace referent::data {

/// What a reader makes of a data set's files: `Example::image` is the name that they give.
struct Annotations {
  std::string name;
  std::string split;
  std::filesystem::path folder;  ///< where images are looked up unless the configuration says
  std::vector<Example> examples;
};

Annotations read_jsonl(const DatasetConfig& config, Masks masks);
Annotations read_refer(const DatasetConfig& config, Masks masks);
Annotations read_index(const DatasetConfig& config);

/// Throws DataError, which begins with `where`, unless the expression is UTF-8 and more than space,
/// and the box is finite with x1 <= x2 and y1 <= y2. (ReferIt's boxes name the first and the last
/// pixel, so that one without width may be right.)
void check_example(const Example& example, const std::string& where);

/// The outline for an example, checked; null when it is empty. Throws DataError, which begins with
/// `where`.
std::shared_ptr<const formats::Segmentation> usable_mask(formats::Segmentation segmentation,
                                                         const std::string& where);

}  // namespace referent::data

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "referent/data/config.h"
#include "referent/data/example.h"

namespace referent::data {

/// What a reader makes of a data set's files: `Example::image` is the name that they give.
struct Annotations {
  std::string name;
  std::string split;
  std::filesystem::path folder;  ///< where images are looked up unless the configuration says
  std::vector<Example> examples;
};

Annotations read_jsonl(const DatasetConfig& config);
Annotations read_refer(const DatasetConfig& config);
Annotations read_index(const DatasetConfig& config);

/// Throws DataError, which begins with `where`, unless the expression has a character that is not
/// space and is UTF-8, and the box is finite and has an area.
void check_example(const Example& example, const std::string& where);

}  // namespace referent::data

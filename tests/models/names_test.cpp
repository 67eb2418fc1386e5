// SPDX-License-Identifier: Apache-2.0
// Names and shapes of the published models' parameters against a stored list: a changed name would
// orphan every checkpoint.
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "referent/core/file.h"
#include "referent/models/model.h"
#include "referent/models/state.h"

namespace referent::models {
namespace {

std::string listing(const ModelConfig& config) {
  const auto model = make_model(config, {640, 20});
  std::string lines;
  for (const auto& [name, shape] : state_shapes(*model)) {
    lines += fmt::format("{} [{}]\n", name, fmt::join(shape, ", "));
  }
  return lines;
}

TEST(NamesTest, MmcaR50IsAsStored) {
  ModelConfig config;
  config.conditioning.type = conditioning::Type::kMmca;
  EXPECT_EQ(listing(config),
            read_text_file(Path(REFERENT_SOURCE_DIR) / "tests/golden/models/mmca-r50.txt"));
}

}  // namespace
}  // namespace referent::models

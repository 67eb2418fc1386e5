// SPDX-License-Identifier: Apache-2.0
// Every golden case of the models that are there, one test a case.
#include <gtest/gtest.h>

#include "referent/app/commands.h"
#include "support/test_data.h"

namespace referent::app {
namespace {

class ParityTest : public ::testing::TestWithParam<const char*> {};

TEST_P(ParityTest, EqualsTheReleasedCode) {
  const std::string name = GetParam();
  const bool needs_photos =
      name.find("images") != std::string::npos || name.find("transforms") != std::string::npos ||
      name.find("vglaw-data") != std::string::npos || name.find("coco-masks") != std::string::npos;
  if (needs_photos && testing::test_data().empty()) {
    GTEST_SKIP() << testing::kNoTestData;
  }
  if (needs_photos) ::setenv("REFERENT_TEST_DATA", testing::test_data().c_str(), 1);
  ParityOptions options;
  options.folder = testing::goldens() / name;
  options.failures = true;
  EXPECT_EQ(run_parity(options, {}), 0);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, ParityTest,
    ::testing::Values("fill-vectors.json", "mmca/metrics.json", "mmca/mmca-r101-box.json",
                      "mmca/mmca-r50-full.json", "mmca/mmca-r50-l40-box.json",
                      "mmca/mmca-real-images.json", "mmca/mmca-tiny-train-dc5.json",
                      "mmca/mmca-tiny-train.json", "mmca/tokenizer.jsonl",
                      "mmca/transforms-train.json", "mmca/transvg-r50-full.json",
                      "vglaw/coco-masks.jsonl", "vglaw/vglaw-data.json", "vglaw/vglaw-full.json",
                      "vglaw/vglaw-metrics.json", "vglaw/vglaw-tiny-train.json",
                      "vglaw/vitdet-parts.json"),
    [](const auto& parameter) {
      std::string identifier;
      for (const char c : std::string(parameter.param))
        identifier += std::isalnum(c) != 0 ? c : '_';
      return identifier;
    });

}  // namespace
}  // namespace referent::app

// SPDX-License-Identifier: Apache-2.0
#include "referent/data/config.h"

#include <gtest/gtest.h>

#include "referent/config/reader.h"
#include "referent/config/writer.h"
#include "referent/core/error.h"

namespace referent::data {
namespace {

template <typename T>
T read(const char* text) {
  return config::parse<T>(config::Document(nlohmann::json::parse(text), {"test", "/folder"}));
}

TEST(DataConfigTest, ReadsADataset) {
  const auto config = read<DatasetConfig>(
      R"({"format": "refer", "path": "refcoco@unc", "split": "val", "missing": "skip"})");
  EXPECT_EQ(config.format, DatasetFormat::kRefer);
  EXPECT_EQ(config.path, "/folder/refcoco@unc");
  EXPECT_EQ(config.split, "val");
  EXPECT_TRUE(config.images.empty());
  EXPECT_EQ(config.missing, MissingImages::kSkip);
}

TEST(DataConfigTest, RefusesWhatIsNotLegal) {
  EXPECT_THROW(read<DatasetConfig>(R"({"split": "val"})"), ConfigError);
  EXPECT_THROW(read<DatasetConfig>(R"({"format": "coco", "path": "x"})"), ConfigError);
  EXPECT_THROW(read<ImageConfig>(R"({"size": 8})"), ConfigError);
  EXPECT_THROW(read<TextConfig>(R"({"length": 2})"), ConfigError);
  EXPECT_THROW(read<AugmentConfig>(R"({"simple": {"flip": 1.5}})"), ConfigError);
  EXPECT_THROW(read<SceneConfig>(R"({"min_objects": 3})"), ConfigError);
}

TEST(DataConfigTest, DefaultsSurviveWritingAndReading) {
  const auto json = config::to_json(AugmentConfig());
  EXPECT_EQ(config::to_json(read<AugmentConfig>(json.dump().c_str())), json);
  EXPECT_EQ(json["type"], "none");
  EXPECT_EQ(json["scale"], true);
  EXPECT_EQ(json["blur"], false);
  EXPECT_EQ(json["released_quirks"], false);
}

}  // namespace
}  // namespace referent::data

// SPDX-License-Identifier: Apache-2.0
// Every file in configs/ is a whole run: it reads, comes back from its dump, and builds its model.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/engine/config.h"
#include "referent/inference/build.h"
#include "support/temporary_folder.h"

namespace referent {
namespace {

namespace fs = std::filesystem;

using Json = nlohmann::json;
using Pointer = Json::json_pointer;
using ::testing::HasSubstr;

std::vector<Path> config_files() {
  std::vector<Path> files;
  for (const auto& entry :
       fs::recursive_directory_iterator(Path(REFERENT_SOURCE_DIR) / "configs")) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

/// Makes any model one that is built in a moment.
std::vector<std::string> tiny_overrides() {
  std::vector<std::string> overrides{"model.visual_encoder.backbone.width=8",
                                     "model.conditioning.rank=4", "model.conditioning.gate_width=8",
                                     "model.conditioning.gate_hidden=4"};
  for (const char* size :
       {"vit.layers=2", "vit.width=32", "vit.heads=2", "vit.global_layers=[1]"}) {
    overrides.push_back(std::string("model.visual_encoder.") + size);
  }
  for (const char* size : {"generator_heads=2", "generator_reduction=4"}) {
    overrides.push_back(std::string("model.conditioning.") + size);
  }
  for (const std::string part :
       {"model.text_encoder", "model.visual_encoder.transformer", "model.decoder.transformer"}) {
    for (const char* size : {"layers=1", "width=32", "heads=2", "feedforward=48"}) {
      overrides.push_back(part + "." + size);
    }
  }
  return overrides;
}

/// Pointers to every member of every object whose keys are not for the user to choose.
void collect_keys(const Json& value, const Pointer& place, std::vector<Pointer>& keys) {
  for (const auto& [key, child] : value.items()) {
    const Pointer child_place =
        value.is_array() ? place / static_cast<std::size_t>(std::stoul(key)) : place / key;
    if (value.is_object() && place != Pointer("/data/eval")) keys.push_back(child_place);
    if (child.is_structured()) collect_keys(child, child_place, keys);
  }
}

class ConfigsTest : public ::testing::TestWithParam<Path> {};

TEST_P(ConfigsTest, TheDumpComesBack) {
  const std::string text = engine::dump_run_config(engine::load_run_config(GetParam()));
  EXPECT_EQ(engine::dump_run_config(engine::parse_run_config(text, "the dump")), text);
}

TEST_P(ConfigsTest, TheModelIsBuiltAtATinySize) {
  const engine::RunConfig config = engine::load_run_config(GetParam(), tiny_overrides());
  const auto model = inference::build_model(config);
  std::int64_t conditioning = 0;
  std::int64_t count = 0;
  for (const auto& parameter : model->named_parameters()) {
    count += parameter.value().numel();
    if (parameter.key().starts_with("conditioning.")) conditioning += parameter.value().numel();
  }
  EXPECT_GT(count, 10'000);
  EXPECT_LT(count, 10'000'000);
  EXPECT_EQ(conditioning > 0, config.model.conditioning.type != conditioning::Type::kNone);
}

TEST_P(ConfigsTest, AMisspelledKeyIsNamed) {
  Json config = Json::parse(read_text_file(GetParam()));
  if (config.contains("extends")) {
    config["extends"] = (GetParam().parent_path() / config["extends"].get<std::string>()).string();
  }
  const testing::TemporaryFolder folder;
  const Path file = folder.path() / "mutated.json";
  std::vector<Pointer> keys;
  collect_keys(config, Pointer(), keys);
  ASSERT_GE(keys.size(), 4U);
  for (const Pointer& key : keys) {
    Json mutated = config;
    Json& around = mutated[key.parent_pointer()];
    const std::string misspelled = key.back() + "_x";
    around[misspelled] = around[key.back()];
    around.erase(key.back());
    std::ofstream(file) << mutated;
    std::string message = "no error";
    try {
      engine::load_run_config(file);
    } catch (const ConfigError& error) {
      message = error.what();
    }
    EXPECT_THAT(message, HasSubstr("unknown key \"" + misspelled + '"')) << key.to_string();
    EXPECT_THAT(message, HasSubstr(key.parent_pointer().to_string() + "/" + misspelled));
  }
}

INSTANTIATE_TEST_SUITE_P(All, ConfigsTest, ::testing::ValuesIn(config_files()),
                         [](const auto& parameter) {
                           std::string name = parameter.param.stem().string();
                           std::ranges::replace_if(
                               name, [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
                           return name;
                         });

}  // namespace
}  // namespace referent

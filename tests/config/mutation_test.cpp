// SPDX-License-Identifier: Apache-2.0
// What people get wrong in a configuration, by the hundred: every mutation of a good file must be
// refused with the place named.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "config/sample_config.h"
#include "referent/config/json.h"
#include "referent/config/reader.h"
#include "referent/core/error.h"

namespace referent::config {
namespace {

using Json = nlohmann::json;
using referent::testing::kSampleText;
using referent::testing::SampleConfig;

struct Mutation {
  std::string what;
  std::string text;
  std::string place;  ///< must stand in the message
};

std::string quoted(const std::string& pointer) {
  return fmt::format("\"{}\"", pointer);
}

/// Every place of the sample, containers too.
void collect_places(const Json& value, const std::string& pointer,
                    std::vector<std::string>& places) {
  places.push_back(pointer);
  if (value.is_object()) {
    for (const auto& [key, child] : value.items()) {
      collect_places(child, child_pointer(pointer, key), places);
    }
  } else if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      collect_places(value[i], child_pointer(pointer, i), places);
    }
  }
}

/// Values of a type that a place holding `value` does not take.
std::vector<Json> wrong_values(const Json& value) {
  if (value.is_object()) return {Json(3), Json("text"), Json(true), Json::array({1})};
  if (value.is_array()) return {Json(3), Json("text"), Json(true), Json::object({{"a", 1}})};
  if (value.is_string()) return {Json(3), Json(1.5), Json(true), Json::array(), Json::object()};
  if (value.is_boolean()) return {Json(0), Json(1), Json("true"), Json(nullptr), Json::object()};
  if (value.is_number_integer()) {
    return {Json(3.9),  Json(3.0),        Json(true),     Json("3"),
            Json(1e30), Json::array({3}), Json::object(), Json(UINT64_MAX)};
  }
  return {Json(true), Json("0.1"), Json("NaN"), Json::array({0.1}), Json::object()};
}

/// A typo in the key at `pointer`, `kind` of four.
std::string misspell(const std::string& key, int kind) {
  switch (kind) {
    case 0:
      return key + "s";
    case 1:
      return key.substr(1);
    case 2:
      return key.substr(0, key.size() - 1) + "q";
    default:
      return key.substr(0, 1) + "_" + key.substr(1);
  }
}

void mutate_place(const Json& sample, const std::string& pointer, std::vector<Mutation>& result) {
  const Json::json_pointer place(pointer);
  const Json value = sample[place];
  for (const Json& wrong : wrong_values(value)) {
    Json mutant = sample;
    mutant[place] = wrong;
    result.push_back({"wrong type", mutant.dump(), quoted(pointer)});
  }
  if (value.is_object() && pointer != "/train/rates" && pointer != "/eval_data") {
    Json mutant = sample;
    mutant[place]["zebra_crossing"] = 1;
    result.push_back({"unknown key", mutant.dump(), quoted(pointer + "/zebra_crossing")});
  }
  const Json::json_pointer parent = place.empty() ? place : place.parent_pointer();
  const bool named = !place.empty() && sample[parent].is_object() &&
                     parent.to_string() != "/train/rates" && parent.to_string() != "/eval_data";
  for (int kind = 0; named && kind < 4; ++kind) {
    const std::string typo = misspell(place.back(), kind);
    Json mutant = sample;
    mutant[parent].erase(place.back());
    mutant[parent][typo] = value;
    result.push_back({"typo", mutant.dump(), quoted(child_pointer(parent.to_string(), typo))});
  }
}

/// Values of the right type that are not legal, and missing keys.
void mutate_values(const Json& sample, std::vector<Mutation>& result) {
  const std::vector<std::pair<std::string, Json>> illegal{
      {"/model/layers", -1},
      {"/model/layers", 49},
      {"/model/dimension", 0},
      {"/model/dropout", 1.0001},
      {"/model/dropout", -1},
      {"/model/conditioning/rank", 0},
      {"/model/conditioning/type", "MMCA "},
      {"/model/conditioning/variant", "Released"},
      {"/train/batch_size", 0},
      {"/train/workers", -1},
      {"/train/workers", 4294967296},
      {"/train/learning_rate", 2},
      {"/train/milestones/1", -60},
      {"/train/rates/bert", 1.5},
      {"/train_data/1/format", "csv"},
      {"/train/mean", Json::array({0.5, 0.5})},
      {"/train/mean", Json::array({0.5, 0.5, 0.5, 0.5})}};
  for (const auto& [pointer, value] : illegal) {
    Json mutant = sample;
    mutant[Json::json_pointer(pointer)] = value;
    result.push_back({"illegal value", mutant.dump(), quoted(pointer)});
  }
  for (const char* pointer : {"/name", "/train_data/0/format", "/train_data/1/path",
                              "/eval_data/val/format", "/eval_data/val/path"}) {
    const Json::json_pointer place(pointer);
    Json mutant = sample;
    mutant[place.parent_pointer()].erase(place.back());
    result.push_back({"missing", mutant.dump(), quoted(pointer)});
  }
}

/// What is no configuration before its keys are looked at.
void mutate_text(std::vector<Mutation>& result) {
  const std::string text = kSampleText;
  const auto replaced = [&text](const std::string& what, const std::string& with) {
    std::string mutant = text;
    return mutant.replace(mutant.find(what), what.size(), with);
  };
  const std::string deep = std::string(1000, '[') + std::string(1000, ']');
  result.insert(
      result.end(),
      {{"duplicate", replaced("\"layers\": 6", "\"layers\": 6, \"layers\": 6"),
        "\"/model/layers\""},
       {"duplicate", replaced("\"seed\": 13", "\"name\": \"x\""), "\"/name\""},
       {"comment", replaced("\"rank\": 64", "\"rank\": /* r */ 64"), "\"/model/conditioning\""},
       {"comment", replaced("\"workers\": 4,", "\"workers\": 4, // threads"), "\"/train\""},
       {"trailing comma", replaced("[60, 80]", "[60, 80,]"), "\"/train/milestones\""},
       {"not a number", replaced("0.1,", "NaN,"), "\"/model\""},
       {"deep", replaced("\"seed\": 13", "\"seed\": " + deep), "\"/seed/0/0/0"},
       {"mark", "\xEF\xBB\xBF" + text, "byte order mark"},
       {"100 MB", text + std::string(100 << 20, ' '), "bytes; a configuration has at most"},
       {"invalid UTF-8", replaced("mmca-refcoco", "mmca-\xC3"), "sample.json:2:"},
       {"torn", text.substr(0, text.size() / 2), "sample.json:1"}});
}

std::vector<Mutation> all_mutations() {
  const Json sample = parse_json(kSampleText, "sample");
  std::vector<std::string> places;
  collect_places(sample, "", places);
  std::vector<Mutation> result;
  for (const std::string& pointer : places) mutate_place(sample, pointer, result);
  mutate_values(sample, result);
  mutate_text(result);
  return result;
}

TEST(MutationTest, EveryMutationIsRefusedAtItsPlace) {
  const std::vector<Mutation> mutations = all_mutations();
  std::size_t refused = 0;
  double slowest = 0;
  for (const Mutation& mutation : mutations) {
    const auto start = std::chrono::steady_clock::now();
    std::string message;
    try {
      parse<SampleConfig>(parse_document(mutation.text, "sample.json"));
    } catch (const ConfigError& error) {
      message = error.what();
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    slowest = std::max(slowest, seconds.count());
    const bool named = message.find(mutation.place) != std::string::npos &&
                       message.find("sample.json") != std::string::npos;
    EXPECT_TRUE(named) << mutation.what << " at " << mutation.place << ": "
                       << (message.empty() ? "accepted" : message);
    refused += named ? 1 : 0;
  }
  std::printf("mutations: %zu of %zu refused at their place, the slowest in %.1f ms\n", refused,
              mutations.size(), 1e3 * slowest);
  RecordProperty("refused", static_cast<int>(refused));
  EXPECT_GE(mutations.size(), 300U);
}

TEST(MutationTest, TheSampleItselfIsGood) {
  EXPECT_NO_THROW(parse<SampleConfig>(parse_document(kSampleText, "sample.json")));
}

}  // namespace
}  // namespace referent::config

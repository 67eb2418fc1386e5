// SPDX-License-Identifier: Apache-2.0
#include "referent/config/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "config/sample_config.h"
#include "referent/config/docs.h"

namespace referent::config {
namespace {

using Json = nlohmann::ordered_json;
using referent::testing::SampleConfig;
using ::testing::HasSubstr;

TEST(SchemaTest, DescribesEveryKindOfField) {
  const Json schema = config::schema<SampleConfig>("A run");
  EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema["title"], "A run");
  EXPECT_EQ(schema["type"], "object");
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["required"].dump(), R"(["name"])");
  const Json& fields = schema["properties"];
  EXPECT_EQ(fields["extends"]["type"], "string");
  EXPECT_EQ(fields["seed"].dump(),
            R"({"type":"integer","description":"Seed of every random stream.","default":13})");
  EXPECT_EQ(fields["output"]["format"], "path");

  const Json& model = fields["model"]["properties"];
  EXPECT_EQ(fields["model"]["additionalProperties"], false);
  EXPECT_EQ(model["layers"]["minimum"], 0);
  EXPECT_EQ(model["layers"]["maximum"], 48);
  EXPECT_EQ(model["dimension"]["minimum"], 1);
  EXPECT_FALSE(model["dimension"].contains("maximum"));
  EXPECT_EQ(model["dropout"]["type"], "number");
  EXPECT_EQ(model["dropout"]["default"], 0.1);
  EXPECT_EQ(model["dilation"]["type"], "boolean");
  const Json& conditioning = model["conditioning"]["properties"];
  EXPECT_EQ(conditioning["type"]["enum"].dump(), R"(["none","mmca","law"])");
  EXPECT_EQ(conditioning["variant"]["enum"].dump(), R"(["released","paper"])");
  EXPECT_EQ(conditioning["variant"]["default"], "released");
  EXPECT_EQ(conditioning["gate_dropout"]["anyOf"][0]["maximum"], 1);
  EXPECT_EQ(conditioning["gate_dropout"]["anyOf"][1]["type"], "null");

  EXPECT_EQ(fields["train_data"]["items"]["required"].dump(), R"(["format","path"])");
  EXPECT_FALSE(fields["train_data"]["items"]["properties"]["path"].contains("default"));
  EXPECT_EQ(fields["eval_data"]["additionalProperties"]["type"], "object");
  const Json& train = fields["train"]["anyOf"][0]["properties"];
  EXPECT_EQ(train["mean"]["minItems"], 3);
  EXPECT_EQ(train["milestones"]["items"]["minimum"], 0);
  EXPECT_EQ(train["rates"]["additionalProperties"]["maximum"], 1);
}

TEST(SchemaTest, SaysWhatIsLegal) {
  EXPECT_EQ(legal_values(type_schema<std::int64_t>(in_range(1, 64))), "an integer in [1, 64]");
  EXPECT_EQ(legal_values(type_schema<std::uint16_t>()), "an integer in [0, 65535]");
  EXPECT_EQ(legal_values(type_schema<std::uint64_t>()), "an integer >= 0");
  EXPECT_EQ(legal_values(type_schema<double>(in_range(0, 0.5))), "a number in [0, 0.5]");
  EXPECT_EQ(legal_values(type_schema<std::optional<bool>>()), "true or false, or null");
  EXPECT_EQ(legal_values(type_schema<std::string>(one_of({"a", "b", "c"}))),
            "\"a\", \"b\" or \"c\"");
  EXPECT_EQ((legal_values(type_schema<std::array<double, 3>>())), "an array of 3, each a number");
  EXPECT_EQ((legal_values(type_schema<std::map<std::string, std::vector<std::string>>>())),
            "an object, each value an array, each element a string");
}

TEST(DocsTest, TabulatesEveryOption) {
  const std::string table = docs<SampleConfig>();
  EXPECT_THAT(table, HasSubstr("| `/name` | (required) | a string | Name of the run. |\n"));
  EXPECT_THAT(table,
              HasSubstr("| `/model/layers` | `6` | an integer in [0, 48] | Encoder layers."));
  EXPECT_THAT(table, HasSubstr("| `/model/conditioning/variant` | `\"released\"` | \"released\" or "
                               "\"paper\" |"));
  EXPECT_THAT(table, HasSubstr("Dropout on the gate \\| none when absent."));
  EXPECT_THAT(table, HasSubstr("| `/train_data/*/path` | (required) | a path (a string) |"));
  EXPECT_THAT(table, HasSubstr("| `/eval_data/{name}/split` |"));
  EXPECT_THAT(table, HasSubstr("| `/train/mean` | `[0.485,0.456,0.406]` | an array of 3, each a"));
}

}  // namespace
}  // namespace referent::config

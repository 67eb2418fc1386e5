// SPDX-License-Identifier: Apache-2.0
#include "referent/config/nearest.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "config/sample_config.h"
#include "referent/config/json.h"
#include "referent/config/schema.h"

namespace referent::config {
namespace {

using Names = std::vector<std::string>;

TEST(NearestTest, FindsWhatAMisspellingMeant) {
  const Names names{"batch_size", "learning_rate", "rank", "lr"};
  EXPECT_EQ(nearest("batchsize", names), "batch_size");
  EXPECT_EQ(nearest("Batch-Size", names), "batch_size");
  EXPECT_EQ(nearest("learnign_rate", names), "learning_rate");
  EXPECT_EQ(nearest("rnak", names), "rank");
  EXPECT_EQ(nearest("l", names), "lr");
  EXPECT_EQ(nearest("weight_decay", names), std::nullopt);
  EXPECT_EQ(nearest("", names), std::nullopt);
  EXPECT_EQ(nearest("rank", Names{}), std::nullopt);
  EXPECT_EQ(nearest(std::string(1 << 20, 'a'), names), std::nullopt);
}

TEST(NearestTest, PrefersTheFirstOfEquallyNear) {
  EXPECT_EQ(nearest("val", Names{"vol", "vil"}), "vol");
}

/// Every word one edit from `word`, with a few letters to insert.
Names one_edit_typos(const std::string& word) {
  Names typos;
  for (std::size_t i = 0; i <= word.size(); ++i) {
    for (const char letter : {'a', 'e', 's', 'x', '_', '1'}) {
      typos.push_back(word.substr(0, i) + letter + word.substr(i));
      if (i < word.size() && word[i] != letter) {
        typos.push_back(word.substr(0, i) + letter + word.substr(i + 1));
      }
    }
    if (i < word.size()) typos.push_back(word.substr(0, i) + word.substr(i + 1));
    if (i + 1 < word.size() && word[i] != word[i + 1]) {
      std::string exchanged = word;
      std::swap(exchanged[i], exchanged[i + 1]);
      typos.push_back(exchanged);
    }
  }
  return typos;
}

void collect_names(const nlohmann::ordered_json& schema, std::vector<Names>& groups) {
  if (schema.contains("properties")) {
    Names names;
    for (const auto& [name, member] : schema["properties"].items()) {
      names.push_back(name);
      collect_names(member, groups);
    }
    groups.push_back(names);
  }
  for (const char* inner : {"items", "additionalProperties"}) {
    if (schema.contains(inner)) collect_names(schema[inner], groups);
  }
  if (schema.contains("anyOf")) collect_names(schema["anyOf"][0], groups);
}

TEST(NearestTest, SuggestsTheKeyForOneEditTypos) {
  std::vector<Names> groups;
  collect_names(type_schema<referent::testing::SampleConfig>(), groups);
  ASSERT_GE(groups.size(), 5U);
  int typos = 0;
  int found = 0;
  for (const Names& names : groups) {
    for (const std::string& name : names) {
      for (const std::string& typo : one_edit_typos(name)) {
        ++typos;
        if (nearest(typo, names) == name) ++found;
      }
    }
  }
  const double share = 100.0 * found / typos;
  std::printf("one-edit typos: %d of %d suggested right (%.2f %%)\n", found, typos, share);
  EXPECT_GE(share, 95.0);
}

}  // namespace
}  // namespace referent::config

// SPDX-License-Identifier: Apache-2.0
#include "group.h"

namespace referent::testing {
namespace {

using ::testing::AllOf;
using ::testing::Each;
using ::testing::HasSubstr;

TEST(ExchangeTest, CarriesTensorsAndBytes) {
  for (const int size : {1, 2, 3, 4}) {
    EXPECT_THAT(Group(size, {"exchange"}).wait(), Each(Ends(0))) << size << " processes";
  }
}

TEST(ExchangeTest, AProcessOnItsOwnOpensNoSocket) {
  // The address would not do for a store.
  const ProcessResult result =
      start_worker({"exchange"},
                   {{"RANK", "0"}, {"WORLD_SIZE", "1"}, {"MASTER_ADDR", "nowhere.invalid"}})
          ->wait();
  EXPECT_THAT(result, Ends(0));
}

TEST(ExchangeTest, EqualTextsAgree) {
  const auto results = Group(3, {"agree", "a\nb", "a\nb", "a\nb"}).wait();
  EXPECT_THAT(results, Each(Ends(0)));
}

TEST(ExchangeTest, TheRankThatDiffersIsNamedWithTheLine) {
  for (const ProcessResult& result : Group(3, {"agree", "a\nb\nc", "a\nb\nc", "a\nx\nc"}).wait()) {
    EXPECT_THAT(result, Ends(2));
    EXPECT_THAT(result.err, HasSubstr("rank 2 differs from rank 0 in the configuration: \"x\" "
                                      "instead of \"b\""));
  }
  for (const ProcessResult& result : Group(2, {"agree", "a", "a\nb"}).wait()) {
    EXPECT_THAT(result.err, HasSubstr("\"b\" instead of \"(nothing)\""));
  }
}

}  // namespace
}  // namespace referent::testing

// SPDX-License-Identifier: Apache-2.0
// The demo from start to finish: it learns, and leaves what it says.
#include "e2e/program.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

TEST(DemoTest, LearnsToGroundAndDrawsWhatItFound) {
  const TemporaryFolder folder;
  Process process(program(), {"demo", "--out", folder.path() / "demo", "--json"},
                  {.limit = std::chrono::hours(2)});
  const ProcessResult result = process.wait();
  ASSERT_THAT(result, ExitsWith(0));
  const Json json = document(result);
  EXPECT_GE(json["prec@0.5"], 0.75);
  EXPECT_NEAR(json["random_object_prec@0.5"], 0.25, 0.01);  // four objects a scene
  EXPECT_TRUE(fs::exists(json["checkpoint"].get<std::string>()));
  const Path pictures = json["pictures"].get<std::string>();
  EXPECT_THAT(entries(pictures), ::testing::ElementsAre("1.png", "2.png", "3.png", "4.png", "5.png",
                                                        "6.png", "all.png"));
}

TEST(DemoTest, LearnsMasksBesideBoxes) {
  const TemporaryFolder folder;
  Process process(program(), {"demo", "--masks", "--out", folder.path() / "demo", "--json"},
                  {.limit = std::chrono::hours(2)});
  const ProcessResult result = process.wait();
  ASSERT_THAT(result, ExitsWith(0));
  const Json json = document(result);
  EXPECT_GE(json["prec@0.5"], 0.75);
  EXPECT_GE(json["mask_prec@0.5"], 0.75);
  EXPECT_GE(json["mask_mean_iou"], 0.6);
  EXPECT_EQ(json["pictures"], (folder.path() / "demo" / "pictures-masks").string());
  EXPECT_TRUE(fs::exists(folder.path() / "demo" / "run-masks" / "best"));
}

}  // namespace
}  // namespace referent::testing

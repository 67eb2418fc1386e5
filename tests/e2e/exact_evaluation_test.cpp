// SPDX-License-Identifier: Apache-2.0
// An evaluation says the same for any number of processes and loader workers.
#include <cmath>

#include "e2e/processes.h"
#include "e2e/trials.h"
#include "referent/core/error.h"
#include "support/test_data.h"

namespace referent::testing {
namespace {

using ::testing::Each;

struct Evaluated {
  std::string document;  ///< without its seconds
  std::string lines;     ///< of the predictions
  Json result;
};

class ExactEvaluationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (test_data().empty()) GTEST_SKIP() << kNoTestData;
  }

  /// The tiny model on 587 expressions about photos.
  Evaluated evaluate(int processes, int workers, int batch_size) const {
    const Path data = test_data() / "coco256";
    const Path predictions = folder_.path() / "predictions.jsonl";
    const auto results =
        Processes(processes, Words{"eval", tiny_run().checkpoint(), "--data",
                                   "jsonl:" + (data / "refcoco_val.jsonl").string(), "--images",
                                   data / "images", "--json", "--workers", std::to_string(workers),
                                   "--batch-size", std::to_string(batch_size), "--save-predictions",
                                   predictions})
            .wait();
    EXPECT_THAT(results, Each(ExitsWith(0)));
    Evaluated evaluated{{}, read_text_file(predictions), {}};
    Json json = document(results.front());
    for (Json& result : json["results"]) result.erase("seconds");
    evaluated.document = json.dump();
    evaluated.result = json["results"][0];
    EXPECT_EQ(evaluated.result["samples"], 587);
    return evaluated;
  }

  TemporaryFolder folder_;
};

TEST_F(ExactEvaluationTest, OverProcessesAndWorkers) {
  struct Way {
    int processes, workers;
  };
  std::vector<Way> ways{{1, 0}, {2, 1}, {3, 2}, {5, 0}};
  if (trials(0, 1) > 0) {
    ways = {{1, 0}, {1, 1}, {1, 2}, {1, 3}, {1, 4}, {2, 0}, {2, 3}, {3, 1}, {3, 4}, {5, 0}, {5, 2}};
  }
  const Evaluated expected = evaluate(1, 2, 8);
  for (const Way& way : ways) {
    const Evaluated evaluated = evaluate(way.processes, way.workers, 8);
    EXPECT_EQ(evaluated.document, expected.document)
        << way.processes << " processes, " << way.workers << " workers";
    EXPECT_EQ(evaluated.lines, expected.lines);
  }
  fmt::print(
      "587 expressions: identical documents and predictions in {} ways of 1, 2, 3 and 5 "
      "processes with 0 to 4 workers\n",
      ways.size());
}

TEST_F(ExactEvaluationTest, OverBatchSizes) {
  const Evaluated expected = evaluate(1, 1, 8);
  double most = 0;
  const std::vector<int> sizes =
      trials(0, 1) > 0 ? std::vector<int>{1, 2, 7, 64} : std::vector<int>{7};
  for (const int size : sizes) {
    const Json result = evaluate(1, 1, size).result;
    for (const auto& [key, value] : result.items()) {
      if (key == "mean_iou") continue;
      EXPECT_EQ(value, expected.result[key]) << key << ", batches of " << size;
    }
    const double mean = result["mean_iou"], other = expected.result["mean_iou"];
    most = std::max(most, std::abs(mean - other));
  }
  EXPECT_LE(most, 1e-6);
  fmt::print("587 expressions: equal hits in batches of 8 and {}, mIoU at most {:.1e} apart\n",
             fmt::join(sizes, ", "), most);
}

}  // namespace
}  // namespace referent::testing

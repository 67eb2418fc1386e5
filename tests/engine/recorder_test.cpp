// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "support/tiny_run.h"

namespace referent::engine {
namespace {

TEST(RecorderTest, WritesJsonLinesAndCsv) {
  const testing::TemporaryFolder folder;
  const Recorder recorder(folder.path());
  recorder.record({"train", 10, 1, "", {{"loss", 0.5}, {"learning_rate", 1e-4}}});
  recorder.record({"eval", 12, 2, "a,b", {{"prec@0.5", 0.25}}});
  EXPECT_EQ(read_text_file(folder.path() / "metrics.jsonl"),
            "{\"kind\":\"train\",\"step\":10,\"epoch\":1,\"loss\":0.5,\"learning_rate\":0.0001}\n"
            "{\"kind\":\"eval\",\"step\":12,\"epoch\":2,\"dataset\":\"a,b\",\"prec@0.5\":0.25}\n");
  EXPECT_EQ(read_text_file(folder.path() / "metrics.csv"),
            "kind,step,epoch,dataset,metric,value\n"
            "train,10,1,,loss,0.5\n"
            "train,10,1,,learning_rate,0.0001\n"
            "eval,12,2,\"a,b\",prec@0.5,0.25\n");
}

TEST(RecorderTest, RewindDropsWhatComesLaterAndTornLines) {
  const testing::TemporaryFolder folder;
  const Recorder recorder(folder.path());
  recorder.record({"train", 4, 1, "", {{"loss", 0.5}}});
  recorder.record({"eval", 4, 1, "val", {{"prec@0.5", 0.25}}});
  recorder.record_timing(4, {{"seconds_per_step", 1.5}});
  const std::string lines = read_text_file(folder.path() / "metrics.jsonl");
  const std::string csv = read_text_file(folder.path() / "metrics.csv");
  const std::string timing = read_text_file(folder.path() / "timing.jsonl");
  recorder.record({"train", 6, 1, "", {{"loss", 0.4}}});
  recorder.record({"eval", 8, 1, "val", {{"prec@0.5", 0.5}}});
  recorder.record_timing(8, {{"seconds_per_step", 1.5}});
  for (const char* name : {"metrics.jsonl", "metrics.csv"}) {
    std::ofstream(folder.path() / name, std::ios::app) << "{\"kind\":\"train\",\"step\":4";
  }
  recorder.rewind(4, 4);
  EXPECT_EQ(read_text_file(folder.path() / "metrics.jsonl"), lines);
  EXPECT_EQ(read_text_file(folder.path() / "metrics.csv"), csv);
  EXPECT_EQ(read_text_file(folder.path() / "timing.jsonl"), timing);
  // An evaluation that the checkpoint does not know of will be made again.
  recorder.rewind(4, 0);
  EXPECT_THAT(read_text_file(folder.path() / "metrics.jsonl"),
              ::testing::Not(::testing::HasSubstr("eval")));
}

}  // namespace
}  // namespace referent::engine

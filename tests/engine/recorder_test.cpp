// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/recorder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>

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

/// One of the files that a recorder writes.
struct File {
  const char* name;
  /// Writes what belongs to a step.
  std::function<void(const Recorder& recorder, std::int64_t step)> write;
};

void record_step(const Recorder& recorder, std::int64_t step) {
  recorder.record({"train", step, 1, "", {{"loss", 0.5 / static_cast<double>(step)}}});
  recorder.record({"eval", step, 1, "a,b", {{"prec@0.5", 0.25}, {"mean_iou", 0.125}}});
}

const std::vector<File> kFiles{
    {"metrics.jsonl", record_step},
    {"metrics.csv", record_step},
    {"tensorboard/events.out.tfevents.referent", record_step},
    {"timing.jsonl",
     [](const Recorder& recorder, std::int64_t step) {
       recorder.record_timing(step, {{"seconds_per_step", 1.5}});
     }},
    {"bad_steps.jsonl", [](const Recorder& recorder, std::int64_t step) {
       recorder.record_bad_step(step, {"7", "9"}, {{"loss", std::nan("")}});
     }}};

/// What `file` holds but for the times of events, which are of the clock.
std::string content(const Path& file) {
  std::string text = read_text_file(file);
  if (file.extension() != ".referent") return text;
  constexpr std::size_t kHead = 12, kTimeAt = 1, kTail = 4;
  std::string events;
  for (std::size_t at = 0; at < text.size();) {
    std::uint64_t size = 0;
    std::memcpy(&size, text.data() + at, sizeof size);
    events += text.substr(at + kHead, size).erase(kTimeAt, sizeof(double));
    at += kHead + size + kTail;
  }
  return events;
}

/// The bytes of a file after the steps 1 to `steps`.
std::string bytes_after(const File& file, std::int64_t steps) {
  const testing::TemporaryFolder folder;
  for (std::int64_t step = 1; step <= steps; ++step) file.write(Recorder(folder.path()), step);
  return read_text_file(folder.path() / file.name);
}

TEST(RecorderTest, CutAtAnyByteFilesAreTakenUpAsIfUncut) {
  for (const File& file : kFiles) {
    const std::string whole = bytes_after(file, 2);
    const testing::TemporaryFolder folder;
    const Recorder recorder(folder.path());
    const Path path = folder.path() / file.name;
    file.write(recorder, 1);
    file.write(recorder, 2);
    const std::string expected = content(path);
    // A process that was killed in step 1 has no checkpoint, one that was in step 2 has the first.
    const std::size_t first = bytes_after(file, 1).size();
    for (std::size_t size = 0; size <= whole.size(); ++size) {
      const std::int64_t saved = size < first ? 0 : 1;
      write_file(path, whole.substr(0, size));
      recorder.rewind(saved, saved);
      for (std::int64_t step = saved + 1; step <= 2; ++step) file.write(recorder, step);
      ASSERT_EQ(content(path), expected) << file.name << " cut to " << size << " bytes";
    }
    std::printf("%s: cut at each of %zu bytes, taken up as if uncut\n", file.name, whole.size());
  }
}

}  // namespace
}  // namespace referent::engine

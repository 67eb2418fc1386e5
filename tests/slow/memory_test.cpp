// SPDX-License-Identifier: Apache-2.0
// What full-size MMCA needs of the machine's memory, each part in a process of its own.
#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>

#include "referent/checkpoint/checkpoint.h"
#include "referent/inference/plan.h"
#include "referent/models/state.h"
#include "support/process.h"
#include "support/temporary_folder.h"

namespace referent {
namespace {

constexpr std::int64_t kBatch = 8;
constexpr models::InputShape kShape;
constexpr const char* kCheckpointVariable = "REFERENT_MEMORY_TEST_CHECKPOINT";

models::ModelConfig full_size() {
  models::ModelConfig config;
  config.conditioning.type = conditioning::Type::kMmca;
  return config;
}

/// A line of /proc/self/status [KiB].
std::int64_t status(const std::string& name) {
  std::ifstream lines("/proc/self/status");
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with(name + ":")) return std::stoll(line.substr(name.size() + 1));
  }
  ADD_FAILURE() << "/proc/self/status has no " << name;
  return 0;
}

/// How far `work` takes the process's resident memory above what it is before [KiB].
std::int64_t peak_of(const std::function<void()>& work) {
  const std::int64_t before = status("VmRSS");
  std::ofstream("/proc/self/clear_refs") << 5;  // the peak counts from here
  work();
  return status("VmHWM") - before;
}

Batch pictures() {
  torch::manual_seed(1);
  Batch batch;
  const std::int64_t side = kShape.image_size;
  batch.images =
      torch::randn({kBatch, 3, side, side}).contiguous(torch::MemoryFormat::ChannelsLast);
  batch.image_padding = torch::zeros({kBatch, side, side}, torch::kBool);
  batch.tokens = torch::randint(1, 1000, {kBatch, kShape.text_tokens}, torch::kInt64);
  batch.token_padding = torch::zeros({kBatch, kShape.text_tokens}, torch::kBool);
  return batch;
}

void print(const std::string& name, std::int64_t value) {
  std::printf("%s %ld\n", name.c_str(), static_cast<long>(value));
}

// What the other processes run.

TEST(MemoryPart, DISABLED_ForwardOfTheModel) {
  const auto model = models::make_model(full_size(), kShape);
  model->eval();
  models::use_channels_last(*model);
  const Batch batch = pictures();
  const torch::NoGradGuard no_grad;
  print("peak", peak_of([&] { model->forward(batch); }));
}

TEST(MemoryPart, DISABLED_ForwardOfThePlan) {
  const inference::Plan plan(full_size(), kShape, *models::make_model(full_size(), kShape), {});
  const Batch batch = pictures();
  print("peak", peak_of([&] { plan.forward(batch); }));
}

TEST(MemoryPart, DISABLED_Load) {
  const Path file = std::getenv(kCheckpointVariable);
  std::optional<inference::Plan> plan;
  const std::int64_t before = status("VmRSS");
  const std::int64_t peak = peak_of([&] {
    plan.emplace(full_size(), kShape, checkpoint::read_checkpoint(file),
                 inference::Plan::Options{});
  });
  print("peak", peak);
  print("kept", status("VmRSS") - before);
}

/// Runs one of them and reads what it printed under `name`.
std::int64_t run_part(const std::string& part, const std::string& name) {
  testing::Process process(
      std::filesystem::read_symlink("/proc/self/exe"),
      {"--gtest_also_run_disabled_tests", "--gtest_filter=MemoryPart.DISABLED_" + part}, {});
  const testing::ProcessResult result = process.wait();
  const std::string& output = result.out;
  EXPECT_EQ(result.status, 0) << output << result.err;
  const std::size_t at = output.find("\n" + name + " ");
  EXPECT_NE(at, std::string::npos) << output;
  return at == std::string::npos ? 0 : std::stoll(output.substr(at + name.size() + 2));
}

TEST(MemoryTest, FrozenForwardOfEightNeedsAtMostSixTenthsOfTheModels) {
  const std::int64_t model = run_part("ForwardOfTheModel", "peak");
  const std::int64_t plan = run_part("ForwardOfThePlan", "peak");
  std::printf("peak of a forward pass of %ld: model %ld MiB, plan %ld MiB, %.0f %%\n",
              static_cast<long>(kBatch), model >> 10, plan >> 10,
              100.0 * static_cast<double>(plan) / static_cast<double>(model));
  EXPECT_LE(static_cast<double>(plan), 0.6 * static_cast<double>(model));
}

TEST(MemoryTest, LoadingAddsLittleMoreThanTheFile) {
  const testing::TemporaryFolder folder;
  const Path file = folder.path() / "model.safetensors";
  checkpoint::Checkpoint checkpoint;
  checkpoint.tensors = models::state_bytes(*models::make_model(full_size(), kShape));
  checkpoint::write_checkpoint(file, checkpoint);
  checkpoint = {};
  ::setenv(kCheckpointVariable, file.c_str(), 1);
  const auto size = static_cast<std::int64_t>(std::filesystem::file_size(file) >> 10U);
  const std::int64_t kept = run_part("Load", "kept");
  const std::int64_t peak = run_part("Load", "peak");
  std::printf("a checkpoint of %ld MiB: %ld MiB more in memory, %ld MiB at most while it is read\n",
              size >> 10, kept >> 10, peak >> 10);
  EXPECT_LE(static_cast<double>(kept), 1.1 * static_cast<double>(size));
}

}  // namespace
}  // namespace referent

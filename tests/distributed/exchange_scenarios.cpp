// SPDX-License-Identifier: Apache-2.0
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/container/sequential.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>
#include <vector>

#include "referent/core/error.h"
#include "referent/training/running_statistics.h"
#include "worker.h"

namespace referent::testing {
namespace {

using distributed::ProcessGroup;
using torch::Tensor;

void check_broadcast(ProcessGroup& group) {
  const auto tensors = [](std::int64_t salt) {
    torch::manual_seed(salt);
    // Types, sizes and an empty one; the large one does not fit one message.
    return std::vector<Tensor>{torch::randn({5, 3}, torch::kFloat64).set_requires_grad(true),
                               torch::randn({2, 0}),
                               torch::randn({7000000}),
                               torch::randn({3}).to(torch::kBFloat16),
                               torch::randint(100, {4}, torch::kInt64),
                               torch::tensor({salt % 2 == 0, true}),
                               torch::randn({4, 6}).t()};
  };
  const std::vector<Tensor> mine = tensors(group.rank());
  group.broadcast(mine);
  const std::vector<Tensor> expected = tensors(0);
  for (std::size_t i = 0; i < mine.size(); ++i) {
    REFERENT_CHECK(torch::equal(mine[i], expected[i]), "broadcast {}", i);
  }
}

void check_sum(ProcessGroup& group) {
  const int n = group.size();
  for (const auto type : {torch::kFloat32, torch::kFloat64, torch::kBFloat16, torch::kInt64}) {
    Tensor values = torch::arange(6).to(type) + group.rank();
    group.all_reduce_sum(values);
    const Tensor expected = (torch::arange(6) * n + n * (n - 1) / 2).to(type);
    REFERENT_CHECK(torch::equal(values, expected), "sum of {}", c10::toString(type));
  }
}

void check_gather(ProcessGroup& group) {
  // Of different lengths, none at all, with a zero byte.
  const auto bytes = [](int rank) {
    return rank == 0 ? std::string() : std::string(static_cast<std::size_t>(rank), 'x') + '\0';
  };
  const std::vector<std::string> all = group.all_gather(bytes(group.rank()));
  const std::vector<std::string> collected = group.gather(bytes(group.rank()));
  REFERENT_CHECK(static_cast<int>(all.size()) == group.size());
  for (int rank = 0; rank < group.size(); ++rank) {
    REFERENT_CHECK(all[static_cast<std::size_t>(rank)] == bytes(rank), "gather {}", rank);
  }
  REFERENT_CHECK(collected == (group.rank() == 0 ? all : std::vector<std::string>{}));
}

void check_statistics(ProcessGroup& group) {
  torch::nn::Sequential model(torch::nn::BatchNorm2d(3), torch::nn::BatchNorm2d(2));
  for (Tensor& buffer : model->buffers()) buffer.fill_(group.rank());
  training::RunningStatistics(*model).average(group);
  for (const Tensor& buffer : model->buffers()) {
    const double expected =
        buffer.is_floating_point() ? 0.5 * (group.size() - 1) : group.rank();  // counts stay
    REFERENT_CHECK((buffer == expected).all().item<bool>(), "statistics");
  }
}

/// Takes memory until it is killed; a gigabyte at most.
void eat() {
  constexpr std::size_t kPiece = std::size_t{16} << 20;
  std::vector<std::vector<char>> pieces;
  while (pieces.size() < 64) pieces.emplace_back(kPiece, 1);
}

/// How a rank leaves its group; "eat" waits until it is told to.
void leave(const std::string& how, const std::string& folder) {
  if (how == "exit") std::_Exit(0);
  if (how == "throw") throw DataError("picture.jpg is torn");
  if (std::filesystem::exists(folder + "/eat")) eat();
}

}  // namespace

void exchange(ProcessGroup& group, const Arguments& /*arguments*/) {
  check_broadcast(group);
  check_sum(group);
  check_gather(group);
  check_statistics(group);
  group.barrier();
  fmt::print("done\n");
}

void agree(ProcessGroup& group, const Arguments& arguments) {
  group.check_agreement("the configuration", arguments.at(static_cast<std::size_t>(group.rank())));
  fmt::print("agreed\n");
}

void loop(ProcessGroup& group, const Arguments& arguments) {
  const std::string& folder = arguments.at(0);
  const int leaver = arguments.size() > 1 ? std::stoi(arguments.at(1)) : -1;
  note(folder, group.rank());
  for (int step = 0;; ++step) {
    if (group.rank() == leaver && step >= 3) leave(arguments.at(2), folder);
    Tensor stop = torch::full({1}, std::filesystem::exists(folder + "/stop") ? 1 : 0);
    group.all_reduce_sum(stop);
    if (stop.item<std::int64_t>() > 0) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace referent::testing

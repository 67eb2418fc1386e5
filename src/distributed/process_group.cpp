// SPDX-License-Identifier: Apache-2.0
#include "referent/distributed/process_group.h"

#include <torch/csrc/distributed/c10d/comm.hpp>

#include <cstring>
#include <sstream>

#include "device_group.h"
#include "referent/core/log.h"
#include "watch.h"

namespace referent::distributed {
namespace {

using torch::Tensor;

constexpr std::size_t kPieceBytes = std::size_t{25} << 20;

/// The first line in which two texts differ, as each has it.
std::pair<std::string, std::string> first_difference(const std::string& a, const std::string& b) {
  std::istringstream a_lines(a);
  std::istringstream b_lines(b);
  std::string a_line;
  std::string b_line;
  while (true) {
    const bool a_more = static_cast<bool>(std::getline(a_lines, a_line));
    const bool b_more = static_cast<bool>(std::getline(b_lines, b_line));
    if (!a_more) a_line = "(nothing)";
    if (!b_more) b_line = "(nothing)";
    if (a_line != b_line || !(a_more && b_more)) return {a_line, b_line};
  }
}

Tensor to_tensor(const std::string& bytes) {
  Tensor tensor = torch::empty({static_cast<std::int64_t>(bytes.size())}, torch::kUInt8);
  std::memcpy(tensor.data_ptr(), bytes.data(), bytes.size());
  return tensor;
}

}  // namespace

struct ProcessGroup::Connection {
  Store store;
  DeviceGroup group;
  torch::Device bytes;  ///< where they lie to be exchanged
  bool failed = false;
  std::unique_ptr<Watch> watch;

  /// Every rank's tensor; all of one shape.
  std::vector<Tensor> all_gather(const Tensor& mine) const {
    std::vector<std::vector<Tensor>> all(1);
    for (int rank = 0; rank < group->getSize(); ++rank) all[0].push_back(torch::empty_like(mine));
    std::vector<Tensor> inputs{mine};
    group->allgather(all, inputs)->wait();
    return all[0];
  }
};

ProcessGroup::ProcessGroup(const Environment& environment, const DistributedConfig& config,
                           torch::Device device, Alone alone)
    : environment_(environment) {
  if (environment.world_size == 1 && alone == Alone::kIdle) return;
  const std::chrono::milliseconds timeout(static_cast<std::int64_t>(config.timeout * 1000));
  const Store store = connect(environment, config);
  connection_ = std::make_unique<Connection>(store, DeviceGroup(), byte_device(device));
  connection_->watch = std::make_unique<Watch>(store, environment, timeout);
  try {
    connection_->group = make_device_group(store, environment, timeout, device);
  } catch (const Error& error) {
    report(error.what());
    throw;
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

ProcessGroup::~ProcessGroup() {
  if (!connection_) return;
  connection_->watch.reset();
  // Its destructor would wait for exchanges that the others will not answer.
  if (connection_->failed) static_cast<void>(connection_->group.release());
}

void ProcessGroup::broadcast(std::span<const Tensor> tensors) {
  if (!connection_) return;
  const torch::NoGradGuard no_grad;
  try {
    c10d::broadcast_coalesced(connection_->group, {tensors.data(), tensors.size()}, kPieceBytes);
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

void ProcessGroup::all_reduce_sum(Tensor& tensor) {
  if (!connection_) return;
  REFERENT_CHECK(tensor.is_contiguous());
  std::vector<Tensor> tensors{tensor};
  try {
    connection_->group->allreduce(tensors)->wait();
  } catch (const std::exception& error) {
    fail(error.what());
  }
}

std::vector<std::string> ProcessGroup::all_gather(const std::string& bytes) {
  if (!connection_) return {bytes};
  std::vector<std::string> all;
  try {
    const Tensor mine = to_tensor(bytes);
    std::vector<std::int64_t> sizes;
    for (const Tensor& size :
         connection_->all_gather(torch::tensor({mine.numel()}).to(connection_->bytes))) {
      sizes.push_back(size.item<std::int64_t>());
    }
    const std::int64_t most = std::ranges::max(sizes);
    Tensor padded = torch::zeros({std::max<std::int64_t>(most, 1)}, mine.options());
    padded.narrow(0, 0, mine.numel()).copy_(mine);
    const std::vector<Tensor> parts = connection_->all_gather(padded.to(connection_->bytes));
    for (std::size_t rank = 0; rank < parts.size(); ++rank) {
      const Tensor part = parts[rank].cpu();
      all.emplace_back(static_cast<const char*>(part.const_data_ptr()),
                       static_cast<std::size_t>(sizes[rank]));
    }
  } catch (const std::exception& error) {
    fail(error.what());
  }
  return all;
}

std::vector<std::string> ProcessGroup::gather(const std::string& bytes) {
  std::vector<std::string> all = all_gather(bytes);
  if (rank() != 0) all.clear();
  return all;
}

void ProcessGroup::barrier() {
  if (!connection_) return;
  Tensor nothing = torch::zeros({1}, torch::TensorOptions(connection_->bytes));
  all_reduce_sum(nothing);
  if (nothing.is_cuda()) nothing.cpu();
}

void ProcessGroup::check_agreement(const std::string& what, const std::string& text) {
  if (!connection_) return;
  const std::vector<std::string> all = all_gather(text);
  for (std::size_t rank = 1; rank < all.size(); ++rank) {
    if (all[rank] == all[0]) continue;
    const auto [zeroth, other] = first_difference(all[0], all[rank]);
    throw ConfigError(
        "rank {} differs from rank 0 in {}: \"{}\" instead of \"{}\"; start all processes alike",
        rank, what, other, zeroth);
  }
}

void ProcessGroup::report(const std::string& message) noexcept {
  if (!connection_ || connection_->failed) return;
  connection_->failed = true;
  try {
    connection_->watch->report(message);
  } catch (const std::exception& error) {
    // The others will find out that this process is gone.
    log::debug("the other processes could not be told: {}", error.what());
  }
}

void ProcessGroup::fail(const std::string& message) {
  REFERENT_CHECK(connection_ != nullptr);
  connection_->failed = true;
  throw PeerError("{}", connection_->watch->first_failure(message.substr(0, message.find('\n'))));
}

const c10::intrusive_ptr<c10d::ProcessGroup>& ProcessGroup::c10d_group() const {
  static const DeviceGroup none;
  return connection_ ? connection_->group : none;
}

}  // namespace referent::distributed

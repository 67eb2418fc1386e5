// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <c10/util/intrusive_ptr.h>
#include <torch/types.h>

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "referent/core/error.h"
#include "referent/distributed/config.h"
#include "referent/distributed/environment.h"

namespace c10d {
class ProcessGroup;
}

namespace referent::distributed {

/// Another process of the group failed, vanished or waited too long.
class PeerError : public detail::ErrorOf<ExitStatus::kPeer> {
  using ErrorOf::ErrorOf;
};

/// The processes that train one model together. Gloo carries tensors of the CPU, NCCL those of a
/// GPU. All processes must call the same methods in the same order. When an exchange fails because
/// another process has failed, vanished or waited too long, every method throws PeerError, whose
/// message names the rank that failed first and, where it said so, why; after that the group is of
/// no more use. A process on its own opens no socket, and nothing here does anything.
class ProcessGroup {
 public:
  /// Whether a process on its own goes through the motions all the same: for tests on one device.
  enum class Alone { kIdle, kConnect };

  /// Waits for all processes. `device` is where the tensors to exchange lie; a GPU must be this
  /// process's own. Throws ConfigError that names the variable at fault (see environment.h), and
  /// DeviceError where this build has nothing for the device.
  ProcessGroup(const Environment& environment, const DistributedConfig& config,
               torch::Device device, Alone alone = Alone::kIdle);
  ProcessGroup(const ProcessGroup&) = delete;
  ProcessGroup& operator=(const ProcessGroup&) = delete;
  ~ProcessGroup();

  int rank() const { return environment_.rank; }
  int size() const { return environment_.world_size; }
  const Environment& environment() const { return environment_; }

  /// Makes the tensors of all ranks equal to rank 0's, many small ones in one go.
  void broadcast(std::span<const torch::Tensor> tensors);

  /// The sum over all ranks, in place; the same bits everywhere. `tensor` must be contiguous.
  void all_reduce_sum(torch::Tensor& tensor);

  /// What every rank gave, in the order of the ranks, on every rank or on rank 0 alone (empty
  /// elsewhere). Sizes may differ.
  std::vector<std::string> all_gather(const std::string& bytes);
  std::vector<std::string> gather(const std::string& bytes);

  /// Returns once all ranks have come here.
  void barrier();

  /// Throws ConfigError on every rank unless `text` is the same on all; it names the rank that
  /// differs from rank 0, `what`, and the first line that differs.
  void check_agreement(const std::string& what, const std::string& text);

  /// Tells the others why this process is about to end; best effort, and nothing where the group is
  /// known to have failed already. Call it where an exception leaves the training.
  void report(const std::string& message) noexcept;

  /// Throws the PeerError for an exchange of this group that failed with `message`.
  [[noreturn]] void fail(const std::string& message);

  /// For collectives of LibTorch's own; null for a process on its own.
  const c10::intrusive_ptr<c10d::ProcessGroup>& c10d_group() const;

 private:
  struct Connection;

  Environment environment_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace referent::distributed

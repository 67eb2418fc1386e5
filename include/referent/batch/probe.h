// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace referent {

/// Collects the tensors that probe() is shown while it lives, on its own thread.
/// At most one recorder per thread.
class ProbeRecorder {
 public:
  /// Keeps every tensor (detached) for which `wanted` is true; by default all.
  explicit ProbeRecorder(std::function<bool(const std::string&)> wanted = {});
  ProbeRecorder(const ProbeRecorder&) = delete;
  ProbeRecorder& operator=(const ProbeRecorder&) = delete;
  ~ProbeRecorder();

  void record(const std::string& name, const torch::Tensor& tensor);
  const std::map<std::string, torch::Tensor>& tensors() const { return tensors_; }

 private:
  std::function<bool(const std::string&)> wanted_;
  std::map<std::string, torch::Tensor> tensors_;
};

/// True while a recorder is installed: then stages that a fused path skips may be computed too.
bool probing();

/// Shows `tensor` under `name` to the recorder, if there is one. Names follow the rooms
/// ("visual_encoder.encoder.layers.0"); tensors are batch-first.
void probe(std::string_view name, const torch::Tensor& tensor);
/// The same for "<name>.<index>".
void probe(std::string_view name, std::int64_t index, const torch::Tensor& tensor);

}  // namespace referent

// SPDX-License-Identifier: Apache-2.0
#include "referent/batch/probe.h"

#include "referent/core/error.h"

namespace referent {
namespace {

thread_local ProbeRecorder* current_recorder = nullptr;

}  // namespace

ProbeRecorder::ProbeRecorder(std::function<bool(const std::string&)> wanted)
    : wanted_(std::move(wanted)) {
  REFERENT_CHECK(current_recorder == nullptr, "this thread has a recorder already");
  current_recorder = this;
}

ProbeRecorder::~ProbeRecorder() {
  current_recorder = nullptr;
}

void ProbeRecorder::record(const std::string& name, const torch::Tensor& tensor) {
  if (!wanted_ || wanted_(name)) tensors_.insert_or_assign(name, tensor.detach());
}

bool probing() {
  return current_recorder != nullptr;
}

void probe(std::string_view name, const torch::Tensor& tensor) {
  if (current_recorder != nullptr) current_recorder->record(std::string(name), tensor);
}

void probe(std::string_view name, std::int64_t index, const torch::Tensor& tensor) {
  if (current_recorder != nullptr) {
    current_recorder->record(fmt::format("{}.{}", name, index), tensor);
  }
}

}  // namespace referent

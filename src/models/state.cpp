// SPDX-License-Identifier: Apache-2.0
#include "referent/models/state.h"

#include <fmt/ranges.h>

#include <array>
#include <cstring>
#include <utility>

#include "referent/core/error.h"

namespace referent::models {
namespace {

using formats::DType;

constexpr std::array<std::pair<DType, torch::ScalarType>, 10> kTypes{{
    {DType::kBool, torch::kBool},
    {DType::kUInt8, torch::kUInt8},
    {DType::kInt8, torch::kInt8},
    {DType::kInt16, torch::kInt16},
    {DType::kInt32, torch::kInt32},
    {DType::kInt64, torch::kInt64},
    {DType::kFloat16, torch::kFloat16},
    {DType::kBFloat16, torch::kBFloat16},
    {DType::kFloat32, torch::kFloat32},
    {DType::kFloat64, torch::kFloat64},
}};

}  // namespace

DType to_dtype(torch::ScalarType type) {
  for (const auto& [dtype, scalar] : kTypes) {
    if (scalar == type) return dtype;
  }
  throw CheckpointError("tensors of type {} cannot be stored", c10::toString(type));
}

torch::ScalarType to_scalar_type(DType dtype) {
  for (const auto& [ours, scalar] : kTypes) {
    if (ours == dtype) return scalar;
  }
  throw std::logic_error("unknown dtype");
}

formats::Tensor to_bytes(const torch::Tensor& tensor) {
  const torch::Tensor cpu = tensor.detach().to(torch::kCPU).contiguous();
  auto owner = std::make_shared<torch::Tensor>(cpu);
  return {to_dtype(cpu.scalar_type()), cpu.sizes().vec(),
          std::span(static_cast<const std::byte*>(cpu.const_data_ptr()), cpu.nbytes()),
          std::move(owner)};
}

torch::Tensor to_torch(const formats::Tensor& tensor) {
  torch::Tensor result = torch::empty(tensor.shape, to_scalar_type(tensor.dtype));
  REFERENT_CHECK(result.nbytes() == tensor.bytes.size(), "{}", formats::describe(tensor));
  if (!tensor.bytes.empty()) {
    std::memcpy(result.mutable_data_ptr(), tensor.bytes.data(), tensor.bytes.size());
  }
  return result;
}

std::map<std::string, torch::Tensor> state_of(const torch::nn::Module& module) {
  std::map<std::string, torch::Tensor> state;
  for (const auto& item : module.named_parameters()) state.emplace(item.key(), item.value());
  for (const auto& item : module.named_buffers()) state.emplace(item.key(), item.value());
  return state;
}

std::map<std::string, std::vector<std::int64_t>> state_shapes(const torch::nn::Module& module) {
  std::map<std::string, std::vector<std::int64_t>> shapes;
  for (const auto& [name, tensor] : state_of(module)) shapes.emplace(name, tensor.sizes().vec());
  return shapes;
}

formats::TensorMap state_bytes(const torch::nn::Module& module) {
  formats::TensorMap bytes;
  for (const auto& [name, tensor] : state_of(module)) bytes.emplace(name, to_bytes(tensor));
  return bytes;
}

void load_state(torch::nn::Module& module, const formats::TensorMap& tensors, bool complete) {
  const torch::NoGradGuard no_grad;
  std::map<std::string, torch::Tensor> state = state_of(module);
  for (const auto& [name, source] : tensors) {
    const auto found = state.find(name);
    if (found == state.end()) {
      throw CheckpointError("the checkpoint holds {} ({}), which this model does not have", name,
                            formats::describe(source));
    }
    if (found->second.sizes() != torch::IntArrayRef(source.shape)) {
      throw CheckpointError("{}: the model expects shape [{}], the checkpoint holds {}", name,
                            fmt::join(found->second.sizes(), ", "), formats::describe(source));
    }
    found->second.copy_(to_torch(source));
  }
  if (!complete) return;
  for (const auto& [name, tensor] : state) {
    if (!tensors.contains(name)) {
      throw CheckpointError("the checkpoint lacks {} [{}], which this model needs", name,
                            fmt::join(tensor.sizes(), ", "));
    }
  }
}

void use_channels_last(torch::nn::Module& module) {
  for (torch::Tensor& parameter : module.parameters()) {
    if (parameter.dim() == 4) {
      parameter.set_data(parameter.contiguous(torch::MemoryFormat::ChannelsLast));
    }
  }
}

}  // namespace referent::models

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/nn/module.h>

#include <map>
#include <string>
#include <vector>

#include "referent/formats/tensor.h"

namespace referent::models {

formats::DType to_dtype(torch::ScalarType type);
torch::ScalarType to_scalar_type(formats::DType dtype);

/// A row-major copy of the tensor's values on the CPU.
formats::Tensor to_bytes(const torch::Tensor& tensor);
/// A CPU tensor with a copy of the values.
torch::Tensor to_torch(const formats::Tensor& tensor);

/// Parameters and buffers by name.
std::map<std::string, torch::Tensor> state_of(const torch::nn::Module& module);

/// Their shapes: what a checkpoint has to fill.
std::map<std::string, std::vector<std::int64_t>> state_shapes(const torch::nn::Module& module);

/// All of them as bytes.
formats::TensorMap state_bytes(const torch::nn::Module& module);

/// Fills those that `tensors` names, converting the dtype. Throws CheckpointError when a name is
/// unknown or a shape differs; with `complete` also when a parameter or buffer is missing.
void load_state(torch::nn::Module& module, const formats::TensorMap& tensors, bool complete);

/// Lays convolution weights out channels-last, which CPU and GPU convolutions prefer.
void use_channels_last(torch::nn::Module& module);

}  // namespace referent::models

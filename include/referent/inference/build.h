// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>

#include "referent/checkpoint/checkpoint.h"
#include "referent/data/transform.h"
#include "referent/engine/config.h"
#include "referent/models/model.h"
#include "referent/text/tokenizer.h"

/// What a run's configuration stands for.
namespace referent::inference {

/// The configuration of the run that a checkpoint comes from. Throws CheckpointError, naming
/// `name`, for one without configuration or vocabulary, or with one that cannot be used.
engine::RunConfig config_of(const checkpoint::Checkpoint& checkpoint, const std::string& name);

/// What the run's model is built for.
models::InputShape input_shape(const engine::RunConfig& config);

/// The model with its initial random values, laid out for fast convolutions.
std::shared_ptr<models::Model> build_model(const engine::RunConfig& config);

/// The run's tokenizer, out of what a checkpoint carries of it (text::carried_vocabulary). Throws
/// ConfigError when it is something else, or has more pieces than the word embedding has rows.
std::shared_ptr<const text::Tokenizer> build_tokenizer(const engine::RunConfig& config,
                                                       const std::string& carried);

/// What every transform of the run needs.
data::TransformContext transform_context(const engine::RunConfig& config,
                                         std::shared_ptr<const text::Tokenizer> tokenizer);

/// "cpu", "cuda" or "cuda:1". Throws ConfigError for another name, DeviceError when this build or
/// machine has no such device.
torch::Device parse_device(const std::string& name);

/// "float32", "float64", "bfloat16", on a GPU "float16": what a plan computes in. Throws
/// ConfigError for another name.
torch::ScalarType parse_dtype(const std::string& name, torch::Device device);

}  // namespace referent::inference

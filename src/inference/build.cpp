// SPDX-License-Identifier: Apache-2.0
#include "referent/inference/build.h"

#include <torch/cuda.h>

#include <regex>

#include "referent/core/error.h"
#include "referent/models/state.h"
#include "referent/text/config.h"

namespace referent::inference {

engine::RunConfig config_of(const checkpoint::Checkpoint& checkpoint, const std::string& name) {
  if (checkpoint.config.empty() || checkpoint.vocabulary.empty()) {
    throw CheckpointError("{}: the checkpoint holds no {}, without which it cannot be used", name,
                          checkpoint.config.empty() ? "configuration" : "vocabulary");
  }
  try {
    return engine::parse_run_config(checkpoint.config, name);
  } catch (const ConfigError& error) {
    throw CheckpointError("the configuration in this checkpoint cannot be used: {}", error.what());
  }
}

models::InputShape input_shape(const engine::RunConfig& config) {
  return {.image_size = config.data.image.size, .text_tokens = config.data.text.length};
}

std::shared_ptr<models::Model> build_model(const engine::RunConfig& config) {
  auto model = models::make_model(config.model, input_shape(config));
  models::use_channels_last(*model);
  return model;
}

std::shared_ptr<const text::Tokenizer> build_tokenizer(const engine::RunConfig& config,
                                                       const std::string& carried) {
  const encoders::TextEncoderConfig& encoder = config.model.text_encoder;
  const text::TokenizerConfig& choice = encoder.tokenizer;
  const Path& file =
      choice.type == text::TokenizerType::kWordPiece ? choice.vocabulary : choice.model;
  std::shared_ptr<const text::Tokenizer> tokenizer =
      text::make_tokenizer(choice.type, carried, file.empty() ? "the vocabulary" : file.string());
  if (tokenizer->vocabulary_size() > encoder.vocabulary_size) {
    throw ConfigError(
        "the tokenizer has {} pieces, but /model/text_encoder/vocabulary_size is {}: the word "
        "embedding needs a row for each",
        tokenizer->vocabulary_size(), encoder.vocabulary_size);
  }
  return tokenizer;
}

data::TransformContext transform_context(const engine::RunConfig& config,
                                         std::shared_ptr<const text::Tokenizer> tokenizer) {
  return {config.data.image, config.data.text, std::move(tokenizer)};
}

torch::Device parse_device(const std::string& name) {
  static const std::regex names("cpu|cuda(:[0-9]{1,2})?");
  if (!std::regex_match(name, names)) {
    throw ConfigError("device \"{}\": expected cpu, cuda or cuda:N", name);
  }
  const torch::Device device(name);
  if (device.is_cuda()) {
    const c10::DeviceIndex count = torch::cuda::device_count();
    if (std::max<c10::DeviceIndex>(0, device.index()) >= count) {
      throw DeviceError("device {}: {} CUDA devices can be used here; --device cpu works anywhere",
                        name, count);
    }
  }
  return device;
}

torch::ScalarType parse_dtype(const std::string& name, torch::Device device) {
  if (name == "float32") return torch::kFloat32;
  if (name == "float64") return torch::kFloat64;
  if (name == "bfloat16") return torch::kBFloat16;
  if (name != "float16") {
    throw ConfigError("--dtype {}: expected float32, float64, bfloat16 or float16", name);
  }
  if (device.is_cpu()) throw ConfigError("--dtype float16: only a GPU computes in it");
  return torch::kFloat16;
}

}  // namespace referent::inference

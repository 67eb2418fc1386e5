// SPDX-License-Identifier: Apache-2.0
#include "referent/inference/plan.h"

#include <ATen/ops/cat.h>
#include <c10/core/InferenceMode.h>

#include <malloc.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "conditioning.h"
#include "cuda_graphs.h"
#include "expression_cache.h"
#include "heads.h"
#include "referent/batch/memory_pool.h"
#include "referent/batch/normalise.h"
#include "referent/core/error.h"
#include "referent/encoders/visual_encoder.h"
#include "referent/models/init.h"
#include "referent/models/state.h"
#include "text.h"
#include "visual_encoder.h"

namespace referent::inference {
namespace {

using torch::Tensor;

/// Pictures are computed together up to this many pixels: small ones share the cost of starting
/// each operation, large ones fill the machine one by one and then need the least memory.
constexpr std::int64_t kPixelsTogether = 256 * 256;

std::int64_t text_width(const models::ModelConfig& config) {
  return config.text_encoder.projection ? config.decoder.transformer.width
                                        : config.text_encoder.width;
}

/// Weights are folded and multiplied in float32, those of a float64 model in its own numbers.
Tensor exact(const Tensor& tensor) {
  return tensor.scalar_type() == torch::kFloat64 ? tensor : tensor.to(torch::kFloat32);
}

/// A ReLU that is part of a product makes 0 of what is not a number: the answer would be a box as
/// any other.
void check_finite(const Tensor& tensor, const std::string& name) {
  // A sum tells nearly always, and takes no memory.
  if (!tensor.is_floating_point() || tensor.sum().isfinite().item<bool>()) return;
  const auto faulty = tensor.isfinite().logical_not().sum().item<std::int64_t>();
  if (faulty == 0) return;
  throw CheckpointError(
      "{} of {} elements of {} are not finite: this checkpoint has no answers "
      "('referent checkpoint verify' lists all)",
      faulty, tensor.numel(), name);
}

Tensor stack(const std::vector<Tensor>& parts) {
  return parts.empty() || !parts.front().defined() ? Tensor() : at::cat(parts);
}

}  // namespace

class Plan::Pictures {
 public:
  std::unique_ptr<FrozenVisualEncoder::Shared> shared;
  std::int64_t height = 0;
  std::int64_t width = 0;
};

struct Plan::Parts {
  Parts(const models::ModelConfig& config, const models::InputShape& shape, const Weights& weights,
        const Options& options)
      : target{options.device, options.dtype},
        text(weights["text_encoder"], config.text_encoder, config.decoder.transformer.width,
             target),
        expressions(static_cast<std::size_t>(options.expressions)) {
    const auto visual_shape = encoders::visual_shape(config.visual_encoder, shape.image_size);
    const auto conditioning =
        make_frozen_conditioning(weights["conditioning"], config.conditioning, visual_shape.sites,
                                 text_width(config), target);
    const Readers readers = config.heads.mask || config.decoder.type == "language_pooling"
                                ? Readers::kAll
                                : Readers::kValid;
    visual = config.visual_encoder.type == "vitdet"
                 ? make_frozen_vitdet_encoder(weights["visual_encoder"], config.visual_encoder.vit,
                                              shape.image_size, config.decoder.position_in_values,
                                              conditioning.get(), target)
                 : make_frozen_detr_encoder(weights["visual_encoder"], config.visual_encoder,
                                            shape.image_size, conditioning.get(), readers, target);
    if (config.heads.box) {
      const decoders::DecoderShape decoder_shape{visual_shape.width, visual_shape.tokens,
                                                 text_width(config), shape.text_tokens};
      decoder = make_frozen_decoder(weights["decoder"], config.decoder, decoder_shape, target);
      const bool pooling = config.decoder.type == "language_pooling";
      box_head.emplace(weights["box_head"], *config.heads.box,
                       pooling ? visual_shape.width : config.decoder.transformer.width, target);
    }
    if (config.heads.mask) {
      mask_head.emplace(weights["mask_head"], *config.heads.mask, visual_shape.width,
                        text_width(config), target);
    }
  }

  Target target;
  FrozenTextEncoder text;
  std::unique_ptr<FrozenVisualEncoder> visual;
  std::unique_ptr<FrozenDecoder> decoder;
  std::optional<FrozenBoxHead> box_head;
  std::optional<FrozenMaskHead> mask_head;
  MemoryPool pool;
  mutable ExpressionCache expressions;
#ifdef REFERENT_GPU_PLAN
  mutable CudaGraphs graphs;
#endif
};

Plan::Plan(const models::ModelConfig& config, const models::InputShape& shape,
           const checkpoint::Checkpoint& checkpoint, const Options& options)
    : options_(options) {
  const c10::InferenceMode inference;
  const formats::TensorMap tensors = checkpoint::weights_of(checkpoint, options.weights);
  const Weights weights([&](const std::string& name) {
    const auto found = tensors.find(name);
    if (found == tensors.end()) return Tensor();
    const Tensor tensor = models::to_torch(found->second);
    check_finite(tensor, name);
    return exact(tensor);
  });
  parts_ = std::make_unique<Parts>(config, shape, weights, options);
  for (const auto& [name, tensor] : tensors) {
    if (!weights.taken().contains(name)) {
      throw CheckpointError("the checkpoint holds {} ({}), which this model does not have", name,
                            formats::describe(tensor));
    }
  }
  // What the tensors went through on their way is the system's again.
  ::malloc_trim(0);
}

Plan::Plan(const models::ModelConfig& config, const models::InputShape& shape,
           const models::Model& model, const Options& options)
    : options_(options) {
  const c10::InferenceMode inference;
  const auto state = models::state_of(model);
  const Weights weights([&](const std::string& name) {
    const auto found = state.find(name);
    return found == state.end() ? Tensor() : exact(found->second.detach().to(torch::kCPU));
  });
  parts_ = std::make_unique<Parts>(config, shape, weights, options);
}

Plan::Plan(Plan&&) noexcept = default;
Plan& Plan::operator=(Plan&&) noexcept = default;
Plan::~Plan() = default;

std::shared_ptr<const Plan::Pictures> Plan::see(const Tensor& images,
                                                const Tensor& image_padding) const {
  const c10::InferenceMode inference;
  const MemoryPool::Scope pooled(parts_->pool);
  auto pictures = std::make_shared<Pictures>();
  pictures->height = images.size(2);
  pictures->width = images.size(3);
  const Tensor padding = image_padding.to(options_.device);
  const Tensor values = normalised_images(images.to(options_.device), padding);
  pictures->shared =
      parts_->visual->share(values.to(options_.dtype, /*non_blocking=*/false, /*copy=*/false,
                                      torch::MemoryFormat::ChannelsLast),
                            padding);
  return pictures;
}

TextFeatures Plan::read(const Tensor& tokens, const Tensor& padding) const {
  const c10::InferenceMode inference;
  const MemoryPool::Scope pooled(parts_->pool);
  return parts_->text(tokens.to(options_.device), padding.to(options_.device));
}

Output Plan::ground(const Pictures& pictures, const TextFeatures& text, bool again) const {
  const c10::InferenceMode inference;
  const MemoryPool::Scope pooled(parts_->pool);
  const FrozenTokens visual =
      parts_->visual->finish(*pictures.shared, text, again ? Reuse::kAgain : Reuse::kLast);
  Output output;
  if (parts_->box_head) {
    output.boxes = (*parts_->box_head)((*parts_->decoder)(text, visual)).unsqueeze(1);
  }
  if (parts_->mask_head) {
    output.mask_logits = (*parts_->mask_head)(text, visual, pictures.height, pictures.width);
  }
  return output;
}

TextFeatures Plan::part_of(const TextFeatures& text, std::int64_t begin, std::int64_t count) {
  TextFeatures part{text.tokens.narrow(0, begin, count), text.padding.narrow(0, begin, count),
                    text.mean.narrow(0, begin, count)};
  // Alone, an expression does without its padding, which comes last. A GPU would have to be waited
  // for to know how much there is.
  if (count > 1 || text.tokens.is_cuda()) return part;
  const std::int64_t real = part.padding.logical_not().sum().item<std::int64_t>();
  if (!part.padding.narrow(1, 0, real).any().item<bool>()) {
    part.tokens = part.tokens.narrow(1, 0, real);
    part.padding = Tensor();
  }
  return part;
}

Output Plan::forward(const Batch& batch) const {
  const c10::InferenceMode inference;
#ifdef REFERENT_GPU_PLAN
  if (options_.device.is_cuda()) return forward_on_gpu(batch);
#endif
  const std::int64_t pixels = batch.images.size(2) * batch.images.size(3);
  const std::int64_t together = std::max<std::int64_t>(1, kPixelsTogether / pixels);
  const TextFeatures text = parts_->expressions.get(
      batch.tokens.to(options_.device), batch.token_padding.to(options_.device),
      [this](const Tensor& tokens, const Tensor& padding) { return read(tokens, padding); });
  std::vector<Tensor> boxes, masks;
  for (std::int64_t begin = 0; begin < batch.size(); begin += together) {
    const std::int64_t count = std::min(together, batch.size() - begin);
    const auto pictures =
        see(batch.images.narrow(0, begin, count), batch.image_padding.narrow(0, begin, count));
    const Output part = ground(*pictures, part_of(text, begin, count), /*again=*/false);
    boxes.push_back(part.boxes);
    masks.push_back(part.mask_logits);
  }
  return {stack(boxes), Tensor(), stack(masks)};
}

#ifdef REFERENT_GPU_PLAN
Output Plan::forward_on_gpu(const Batch& batch) const {
  const auto compute = [this](const Tensors& in) -> Tensors {
    TextFeatures text;
    // The text is wanted by the first weight that it changes, not before.
    SideStream beside(options_.device);
    beside.run([&] { text = read(in[2], in[3]); });
    const auto pictures = see(in[0], in[1]);
    beside.join();
    const Output output = ground(*pictures, text, /*again=*/false);
    return {output.boxes, output.mask_logits};
  };
  const Tensors out = parts_->graphs(
      options_.device, options_.dtype,
      {batch.images, batch.image_padding, batch.tokens, batch.token_padding}, compute);
  return {out[0], Tensor(), out[1]};
}
#endif

}  // namespace referent::inference

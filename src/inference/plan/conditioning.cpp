// SPDX-License-Identifier: Apache-2.0
#include "conditioning.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/block_diag.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "gpu_kernels.h"
#include "referent/conditioning/law.h"
#include "referent/inference/flop_count.h"

namespace referent::inference {
namespace {

using conditioning::ConditioningConfig;
using conditioning::Sites;
using conditioning::Variant;
using torch::Tensor;

/// Cores are a few small products: in float32 they cost nothing and keep a bfloat16 plan close.
Target core_target(const Target& target) {
  return {target.device, target.dtype == torch::kFloat64 ? torch::kFloat64 : torch::kFloat32};
}

/// MMCA's gate and the core that it makes: see conditioning::GateFusion and Adapter.
class AdapterCore {
 public:
  AdapterCore(const Weights& weights, const ConditioningConfig& config, std::int64_t channels,
              std::int64_t text_width, bool of_map, const Target& target)
      : variant_(config.variant), dtype_(target.dtype) {
    const Target place = core_target(target);
    const std::int64_t width = config.gate_width;
    const Weights gate = weights["gate_fusion"];
    const Weights visual = gate["visual_linear_static_down"];
    gate_.visual = place.place(of_map ? visual.get("weight", {width, channels, 1, 1}).flatten(1)
                                      : visual.get("weight", {width, channels}));
    gate_.text = place.place(gate["textual_linear_static_down"].get("weight", {width, text_width}));
    const Weights transform = gate["mm_feat_embed_transform"];
    gate_.inner = place.place(transform["0"].get("weight", {config.gate_hidden, width}));
    gate_.inner_bias = place.place(transform["0"].get("bias", {config.gate_hidden}));
    gate_.outer = place.place(transform["2"].get("weight", {width, config.gate_hidden}));
    gate_.outer_bias = place.place(transform["2"].get("bias", {width}));
    gate_.core = place.place(weights.get("text_linear_w", {width, config.update_rank()}).t());
    gate_.core_bias = place.place(weights.get("text_linear_b", {config.update_rank()}));
  }

  /// Cores of adapters that see the same x [B, N, C], by its mean over N, and text_mean [B, D]:
  /// [B, r] each, beside one another.
  static Tensor of(const std::vector<const AdapterCore*>& adapters, const Tensor& x,
                   const Tensor& text_mean) {
    std::vector<const GateTensors*> gates;
    gates.reserve(adapters.size());
    for (const AdapterCore* adapter : adapters) gates.push_back(&adapter->gate_);
    const bool gates_visual = adapters.front()->variant_ == Variant::kReleased;
    if (auto cores = fused_gates(gates, gates_visual, x, text_mean)) return *cores;
    const Tensor mean = x.size(1) == 1 ? x.squeeze(1) : x.mean(1);
    std::vector<Tensor> cores;
    cores.reserve(adapters.size());
    for (const AdapterCore* adapter : adapters) cores.push_back((*adapter)(mean, text_mean));
    return cores.size() == 1 ? cores.front() : at::cat(cores, 1);
  }

 private:
  /// visual_mean [B, C], text_mean [B, D] -> [B, r].
  Tensor operator()(const Tensor& visual_mean, const Tensor& text_mean) const {
    const Tensor v = at::linear(visual_mean.to(gate_.visual.scalar_type()), gate_.visual);
    const Tensor t = at::linear(text_mean.to(gate_.text.scalar_type()), gate_.text);
    const Tensor hidden = at::linear(v + t, gate_.inner, gate_.inner_bias).relu_();
    const Tensor gate = at::linear(hidden, gate_.outer, gate_.outer_bias).sigmoid_();
    const Tensor fused = variant_ == Variant::kReleased ? t + gate * v : gate * t + v;
    return at::linear(fused, gate_.core, gate_.core_bias).to(dtype_);
  }

  Variant variant_;
  torch::ScalarType dtype_;
  GateTensors gate_;
};

class FrozenMmca final : public FrozenConditioning {
 public:
  FrozenMmca(Weights weights, const ConditioningConfig& config, Sites sites,
             std::int64_t text_width, const Target& target)
      : weights_(std::move(weights)),
        config_(config),
        sites_(std::move(sites)),
        text_width_(text_width),
        target_(target) {}

  bool attention_averages() const override { return true; }
  bool mlp_averages() const override { return !released(); }

  FrozenAttentionUpdate attention(std::int64_t layer, const Tensor& in_proj_weight) const override {
    const std::int64_t width = sites_.width;
    const Weights q = layer_weights(layer)["q"];
    const Weights k = layer_weights(layer)["k"];
    const auto up = [&](const Weights& adapter, std::int64_t begin) {
      const Tensor u = adapter["visual_linear_static_up"].get("weight", {width, rank()});
      // Released: the update is added to the projection's input.
      return released() ? at::mm(in_proj_weight.narrow(0, begin, width), u) : u;
    };
    FrozenAttentionUpdate update;
    update.sees_position = !released();
    update.down = at::cat({down(q), down(k)});
    update.up_query_key = target_.place(at::block_diag({up(q, 0), up(k, width)}));
    update.core = [q = core(q), k = core(k)](const Tensor& input, const TextFeatures& text) {
      return AdapterCore::of({&q, &k}, input, text.mean);
    };
    return update;
  }

  std::optional<FrozenMlpUpdate> mlp(std::int64_t layer) const override {
    if (released()) return std::nullopt;
    const Weights adapter = layer_weights(layer)["mlp"];
    return FrozenMlpUpdate{
        FrozenLinear(down(adapter), Tensor(), target_),
        target_.place(adapter["visual_linear_static_up"].get("weight", {sites_.width, rank()})),
        [core = core(adapter)](const Tensor& input, const TextFeatures& text) {
          return AdapterCore::of({&core}, input, text.mean);
        }};
  }

  std::optional<FrozenBlockUpdate> block(std::int64_t index, const Tensor& scale,
                                         std::int64_t side) const override {
    const conditioning::BlockSite& site = sites_.blocks.at(static_cast<std::size_t>(index));
    const Weights adapter = weights_[site.name];
    const std::int64_t channels = released() ? site.channels : site.conv_channels;
    const std::int64_t down_kernel = released() ? 3 : 1;
    const std::int64_t up_kernel = released() ? 1 : 3;
    const Weights down = adapter["visual_conv_static_down"];
    const Weights up = adapter["visual_conv_static_up"];
    const auto bias = [&](const Weights& part, std::int64_t size) {
      return released() ? part.get("bias", {size}) : Tensor();
    };
    Tensor up_weight = up.get("weight", {channels, rank(), up_kernel, up_kernel});
    // Paper: what is updated is normalised after it.
    if (!released()) up_weight = up_weight * scale.view({-1, 1, 1, 1});
    FrozenBlockUpdate update(
        released(),
        FrozenConvolution(down.get("weight", {rank(), channels, down_kernel, down_kernel}),
                          bias(down, rank()), {.side = side, .padding = down_kernel / 2}, target_),
        FrozenConvolution(up_weight, bias(up, channels),
                          {.side = side, .padding = up_kernel / 2, .relu = !released()}, target_),
        [core = AdapterCore(adapter, config_, channels, text_width_, /*of_map=*/true, target_)](
            const Tensor& mean, const TextFeatures& text) {
          return AdapterCore::of({&core}, mean.unsqueeze(1), text.mean);
        });
    if (released() && target_.device.is_cuda()) {
      const Tensor rows = up_weight.flatten(1);  // [M, r]
      update.use_rows(target_.place(
          at::cat({rows, bias(up, channels).unsqueeze(1), rows.new_zeros({channels, 7})}, 1)));
    }
    return update;
  }

 private:
  bool released() const { return config_.variant == Variant::kReleased; }
  std::int64_t rank() const { return config_.update_rank(); }
  Weights layer_weights(std::int64_t layer) const {
    return weights_[fmt::format("{}.{}", sites_.layer_name, layer)];
  }
  Tensor down(const Weights& adapter) const {
    return adapter["visual_linear_static_down"].get("weight", {rank(), sites_.width});
  }
  AdapterCore core(const Weights& adapter) const {
    return {adapter, config_, sites_.width, text_width_, /*of_map=*/false, target_};
  }

  Weights weights_;
  ConditioningConfig config_;
  Sites sites_;
  std::int64_t text_width_;
  Target target_;
};

/// See conditioning::make_law.
class FrozenLaw final : public FrozenConditioning {
 public:
  FrozenLaw(Weights weights, const ConditioningConfig& config, const Sites& sites,
            std::int64_t text_width, const Target& target)
      : weights_(std::move(weights)),
        config_(config),
        width_(sites.width),
        text_width_(text_width),
        target_(target) {
    const std::int64_t rank = config.update_rank();
    up_ = target.place(weights_.get("S", {3 * width_, rank, 1}).squeeze(-1));
    down_ = weights_.get("D", {rank, width_, 1}).squeeze(-1);
    embedding_ = weights_.get("layer_embedding", {sites.layers, 1, text_width});
  }

  bool attention_averages() const override { return false; }
  bool mlp_averages() const override { return false; }

  FrozenAttentionUpdate attention(std::int64_t layer,
                                  const Tensor& /*in_proj_weight*/) const override {
    FrozenAttentionUpdate update;
    update.sees_position = true;
    update.down = down_;
    update.up_query_key = up_.narrow(0, 0, 2 * width_);
    update.up_value = up_.narrow(0, 2 * width_, width_);
    update.core = generator(layer);
    return update;
  }

  std::optional<FrozenMlpUpdate> mlp(std::int64_t /*layer*/) const override { return std::nullopt; }
  std::optional<FrozenBlockUpdate> block(std::int64_t /*index*/, const Tensor& /*scale*/,
                                         std::int64_t /*side*/) const override {
    return std::nullopt;
  }

 private:
  CoreOf generator(std::int64_t layer) const {
    const Target place = core_target(target_);
    const Weights phi = weights_["proj"][std::to_string(layer)];
    const std::int64_t heads = config_.generator_heads;
    const std::int64_t rank = config_.update_rank();
    const bool released = config_.variant == Variant::kReleased;
    const std::int64_t hidden =
        std::max<std::int64_t>(1, text_width_ / config_.generator_reduction);
    const std::int64_t head_width = text_width_ / heads;
    const double scale = released ? 1.0 / std::sqrt(static_cast<double>(head_width)) : 1.0;
    const Tensor query =
        place.place(embedding_.select(0, layer).squeeze(0)).unflatten(0, {heads, -1}) * scale;
    const FrozenLinear first(phi["0"], text_width_, hidden, place);
    std::optional<FrozenLayerNorm> norm;
    if (released) norm.emplace(phi["1"], hidden, conditioning::kGeneratorNormEpsilon, place);
    const FrozenLinear last(phi["3"], hidden, rank * rank, place);
    const torch::ScalarType dtype = target_.dtype;
    return [=](const Tensor& /*input*/, const TextFeatures& text) {
      const Tensor tokens =
          text.tokens.to(query.scalar_type()).unflatten(-1, {heads, -1});  // [B, L, heads, d]
      Tensor logits = (tokens * query).sum(-1);                            // [B, L, heads]
      if (text.padding.defined()) {
        logits = logits.masked_fill(text.padding.unsqueeze(-1),
                                    -std::numeric_limits<double>::infinity());
      }
      const Tensor context = (tokens * logits.softmax(1).unsqueeze(-1)).sum(1).flatten(1);
      Tensor x = first(context);
      if (norm) x = (*norm)(x);
      return last(at::gelu(x)).unflatten(-1, {rank, rank}).transpose(1, 2).to(dtype);
    };
  }

  Weights weights_;
  ConditioningConfig config_;
  std::int64_t width_;
  std::int64_t text_width_;
  Target target_;
  Tensor up_;
  Tensor down_;
  Tensor embedding_;
};

}  // namespace

void add_update(const Tensor& y, const Tensor& z, const Tensor& core, const Tensor& up) {
  const Tensor scaled = core.dim() == 2 ? z * core.unsqueeze(1) : at::bmm(z, core);
  Tensor rows = y.flatten(0, 1);
  rows.addmm_(scaled.flatten(0, 1), up.t());
}

FrozenBlockUpdate::Shared FrozenBlockUpdate::share(const Tensor& input) const {
  return {down_(input), input.mean({2, 3})};
}

Tensor FrozenBlockUpdate::onto(const Tensor& sum, const Shared& shared,
                               const TextFeatures& text) const {
  const Tensor core = core_(shared.mean, text);  // [B, r]
  if (up_rows_.defined() && sum.is_contiguous(at::MemoryFormat::ChannelsLast)) {
    if (const auto scaled = fused_scaled_bottleneck(shared.bottleneck, core)) {
      FlopCount::add(2 * scaled->size(0) * core.size(1) * up_rows_.size(0));
      sum.permute({0, 2, 3, 1}).flatten(0, 2).addmm_(*scaled, up_rows_.t());
      return sum;
    }
  }
  return up_.onto(sum, shared.bottleneck * core.unsqueeze(-1).unsqueeze(-1));
}

std::unique_ptr<FrozenConditioning> make_frozen_conditioning(const Weights& weights,
                                                             const ConditioningConfig& config,
                                                             const Sites& sites,
                                                             std::int64_t text_width,
                                                             const Target& target) {
  switch (config.type) {
    case conditioning::Type::kNone:
      return nullptr;
    case conditioning::Type::kMmca:
      return std::make_unique<FrozenMmca>(weights, config, sites, text_width, target);
    case conditioning::Type::kLaw:
      return std::make_unique<FrozenLaw>(weights, config, sites, text_width, target);
  }
  return nullptr;
}

}  // namespace referent::inference

// SPDX-License-Identifier: Apache-2.0
#include "referent/conditioning/mmca.h"

#include "referent/conditioning/adapters.h"

namespace referent::conditioning {
namespace {

using torch::Tensor;

/// The adapters of one transformer layer.
struct LayerAdapters {
  LinearAdapter query{nullptr};
  LinearAdapter key{nullptr};
  LinearAdapter mlp{nullptr};  ///< paper variant only
};

class MmcaLayer final : public nn::LayerConditioner {
 public:
  MmcaLayer(Variant variant, LayerAdapters adapters, Tensor text_mean)
      : variant_(variant), adapters_(std::move(adapters)), text_mean_(std::move(text_mean)) {}

  nn::AttentionUpdate attention(const Tensor& x, const Tensor& position,
                                const Tensor& in_proj_weight) override {
    const std::int64_t width = x.size(2);
    const Tensor input = variant_ == Variant::kReleased ? x : x + position;
    nn::AttentionUpdate update;
    update.query = adapters_.query->update(input, text_mean_, in_proj_weight.narrow(0, 0, width));
    update.key = adapters_.key->update(input, text_mean_, in_proj_weight.narrow(0, width, width));
    return update;
  }

  ops::LowRankUpdate fused_attention(const Tensor& x, const Tensor& qkv_weight) override {
    const std::int64_t width = x.size(2);
    ops::LowRankUpdate update =
        beside(adapters_.query->update(x, text_mean_, qkv_weight.narrow(0, 0, width)),
               adapters_.key->update(x, text_mean_, qkv_weight.narrow(0, width, width)));
    update.p = at::constant_pad_nd(update.p, {0, 0, 0, width});  // values stay as they are
    return update;
  }

  std::optional<ops::LowRankUpdate> mlp(const Tensor& x) override {
    if (adapters_.mlp.is_empty()) return std::nullopt;
    return adapters_.mlp->update(x, text_mean_, /*weight=*/Tensor());
  }

 private:
  Variant variant_;
  LayerAdapters adapters_;
  Tensor text_mean_;
};

class MmcaBlock final : public nn::BlockConditioner {
 public:
  MmcaBlock(Variant variant, ConvolutionAdapter adapter, Tensor text_mean)
      : variant_(variant), adapter_(std::move(adapter)), text_mean_(std::move(text_mean)) {}

  bool updates_convolution() const override { return variant_ == Variant::kPaper; }
  Tensor convolution(const Tensor& input, const Tensor& output) override {
    return adapter_->forward(input, text_mean_, output);
  }
  Tensor block(const Tensor& input, const Tensor& output) override {
    return variant_ == Variant::kReleased ? adapter_->forward(input, text_mean_, output) : output;
  }

 private:
  Variant variant_;
  ConvolutionAdapter adapter_;
  Tensor text_mean_;
};

class Mmca final : public Conditioning {
 public:
  Mmca(const ConditioningConfig& config, const Sites& sites, std::int64_t text_width)
      : variant_(config.variant) {
    for (const BlockSite& site : sites.blocks) {
      const std::int64_t channels =
          variant_ == Variant::kReleased ? site.channels : site.conv_channels;
      blocks_.emplace_back(config, channels, text_width, "conditioning." + site.name);
      register_nested(site.name, blocks_.back().ptr());
    }
    for (std::int64_t i = 0; i < sites.layers; ++i) {
      const std::string name = fmt::format("{}.{}", sites.layer_name, i);
      const auto make = [&](const char* leaf) {
        LinearAdapter adapter(config, sites.width, text_width,
                              fmt::format("conditioning.{}.{}", name, leaf));
        register_nested(fmt::format("{}.{}", name, leaf), adapter.ptr());
        return adapter;
      };
      LayerAdapters adapters{make("q"), make("k"), LinearAdapter(nullptr)};
      if (variant_ == Variant::kPaper) adapters.mlp = make("mlp");
      layers_.push_back(std::move(adapters));
    }
  }

  std::unique_ptr<nn::LayerConditioner> layer(std::int64_t index,
                                              const TextFeatures& text) override {
    return std::make_unique<MmcaLayer>(variant_, layers_.at(index), text.mean);
  }
  std::unique_ptr<nn::BlockConditioner> block(std::int64_t index,
                                              const TextFeatures& text) override {
    return std::make_unique<MmcaBlock>(variant_, blocks_.at(index), text.mean);
  }

 private:
  /// Registers `module` under a dotted name, making the folders on the way.
  void register_nested(const std::string& path, const std::shared_ptr<Module>& module) {
    Module* parent = this;
    std::size_t begin = 0;
    for (std::size_t dot = path.find('.'); dot != std::string::npos;
         begin = dot + 1, dot = path.find('.', begin)) {
      const std::string folder = path.substr(begin, dot - begin);
      const auto children = parent->named_children();
      parent = children.contains(folder)
                   ? children[folder].get()
                   : parent->register_module(folder, std::make_shared<Module>()).get();
    }
    parent->register_module(path.substr(begin), module);
  }

  Variant variant_;
  std::vector<ConvolutionAdapter> blocks_;
  std::vector<LayerAdapters> layers_;
};

}  // namespace

std::shared_ptr<Conditioning> make_mmca(const ConditioningConfig& config, const Sites& sites,
                                        std::int64_t text_width) {
  return std::make_shared<Mmca>(config, sites, text_width);
}

}  // namespace referent::conditioning

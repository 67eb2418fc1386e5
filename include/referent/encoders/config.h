// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "referent/config/field.h"
#include "referent/nn/config.h"
#include "referent/text/config.h"

namespace referent::encoders {

/// BERT of any depth and width; the defaults are bert-base-uncased's.
struct TextEncoderConfig {
  std::string type = "bert";
  text::TokenizerConfig tokenizer;
  std::int64_t vocabulary_size = 30522;
  std::int64_t positions = 512;
  std::int64_t layers = 12;
  std::int64_t width = 768;
  std::int64_t heads = 12;
  std::int64_t feedforward = 3072;
  double dropout = 0.1;
  bool pooler = true;
  bool projection = true;
  double embedding_deviation = 0.02;

  template <class V>
  void visit(V& v) {
    v.field("type", type, "Kind of text encoder.", config::one_of({"bert"}));
    v.field("tokenizer", tokenizer, "What cuts the expression into the encoder's vocabulary.");
    v.field("vocabulary_size", vocabulary_size, "Rows of the word embedding.",
            config::in_range(8, 1 << 20));
    v.field("positions", positions, "Rows of the position embedding: the longest text.",
            config::in_range(4, 4096));
    v.field("layers", layers, "Number of layers.", config::in_range(0, 64));
    v.field("width", width, "Width of a token.", config::in_range(8, 4096));
    v.field("heads", heads, "Attention heads; they divide the width.", config::in_range(1, 64));
    v.field("feedforward", feedforward, "Inner width of the MLP.", config::in_range(8, 16384));
    v.field("dropout", dropout, "Dropout of embeddings, attention weights and sublayers.",
            config::in_range(0, 0.99));
    v.field("pooler", pooler, "Keep BERT's pooler, which released checkpoints carry unused.");
    v.field(
        "projection", projection,
        "Project tokens to the decoder's width (TransVG, MMCA); VG-LAW reads them as they are.");
    v.field("embedding_deviation", embedding_deviation,
            "Standard deviation of the initial word embeddings: 0.02 as BERT's; larger lets words "
            "outweigh positions from the start.",
            config::in_range(0, 10));
  }
};

enum class Normalisation { kFrozen, kFolded, kBatch };

/// A torchvision ResNet without its classifier.
struct ResNetConfig {
  std::int64_t depth = 50;
  std::int64_t stages = 4;
  std::int64_t width = 64;
  bool dilation = false;
  Normalisation normalisation = Normalisation::kFrozen;
  std::int64_t frozen_stages = 1;

  /// Input pixels per output cell.
  std::int64_t stride() const {
    return (std::int64_t{2} << stages) / (dilation && stages == 4 ? 2 : 1);
  }

  template <class V>
  void visit(V& v) {
    v.field("depth", depth, "Layers: 18, 34, 50 or 101.", config::in_range(18, 101));
    v.field("stages", stages, "Residual stages: 4 (stride 32), or 3 for the C4 form (stride 16).",
            config::in_range(3, 4));
    v.field("width", width, "Channels of the stem; 64 for the published networks.",
            config::in_range(4, 256));
    v.field("dilation", dilation, "Dilate the last of four stages in place of its stride.");
    v.field("normalisation", normalisation,
            "Frozen batch norm, batch norm folded into convolutions with biases, or batch norm "
            "that learns, for training from scratch.");
    v.field("frozen_stages", frozen_stages,
            "Stages that do not learn: 1 is the stem and layer1, 0 nothing.",
            config::in_range(0, 4));
  }
};

/// ViTDet's plain vision transformer (Li et al. 2022); the defaults are ViT-B/16's.
struct VitConfig {
  std::int64_t patch = 16;
  std::int64_t width = 768;
  std::int64_t layers = 12;
  std::int64_t heads = 12;
  double mlp_ratio = 4.0;
  std::int64_t window = 14;
  std::vector<std::int64_t> global_layers{2, 5, 8, 11};
  std::int64_t pretrain_size = 224;
  double norm_epsilon = 1e-6;
  double drop_path = 0.1;
  nn::PositionFit position_fit = nn::PositionFit::kLinear;

  /// Inner width of the MLP.
  std::int64_t mlp_width() const {
    return static_cast<std::int64_t>(mlp_ratio * static_cast<double>(width));
  }

  template <class V>
  void visit(V& v) {
    v.field("patch", patch, "Side of a patch [pixels]; it divides the side of the picture.",
            config::in_range(1, 64));
    v.field("width", width, "Width of a token.", config::in_range(8, 4096));
    v.field("layers", layers, "Number of blocks.", config::in_range(1, 64));
    v.field("heads", heads, "Attention heads; they divide the width.", config::in_range(1, 64));
    v.field("mlp_ratio", mlp_ratio, "Inner width of the MLP over the width.",
            config::in_range(0.25, 16));
    v.field("window", window, "Side of an attention window [cells].", config::in_range(1, 128));
    v.field("global_layers", global_layers, "Blocks that attend to the whole grid, from 0.");
    v.field(
        "pretrain_size", pretrain_size,
        "Side of the pictures that the table of positions is for [pixels]; the table is resized "
        "to the grid in every pass.",
        config::in_range(16, 4096));
    v.field("norm_epsilon", norm_epsilon,
            "Added to the variance by layer norms: 1e-6 in ViTDet, 1e-5 in VG-LAW's released code.",
            config::in_range(0, 1));
    v.field("drop_path", drop_path,
            "Share of samples that skip the last block in training; it grows linearly over the "
            "blocks.",
            config::in_range(0, 0.99));
    v.field("position_fit", position_fit,
            "How tables of relative positions of a file for other picture sizes are brought to "
            "this one: resized linearly as detectron2 does, or cropped to their middle.");
  }
};

/// What makes visual tokens: a ResNet with a projection and DETR's encoder, or ViTDet.
struct VisualEncoderConfig {
  std::string type = "resnet_detr";
  ResNetConfig backbone;
  nn::TransformerConfig transformer;
  VitConfig vit;

  template <class V>
  void visit(V& v) {
    v.field("type", type, "Kind of visual encoder.", config::one_of({"resnet_detr", "vitdet"}));
    v.field("backbone", backbone, "The convolutional network (resnet_detr).");
    v.field("transformer", transformer, "The encoder over its cells (resnet_detr).");
    v.field("vit", vit, "The vision transformer (vitdet).");
  }
};

}  // namespace referent::encoders

template <>
struct referent::config::EnumNames<referent::encoders::Normalisation> {
  static constexpr std::array kNames{
      std::pair{referent::encoders::Normalisation::kFrozen, "frozen"},
      std::pair{referent::encoders::Normalisation::kFolded, "folded"},
      std::pair{referent::encoders::Normalisation::kBatch, "batch"}};
};

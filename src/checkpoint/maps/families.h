// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "referent/checkpoint/name_map.h"

/// The names of each family of released files; one source file per family.
namespace referent::checkpoint::maps {

/// TransVG (djiajunustc/TransVG): ResNet + DETR encoder, BERT, fusion encoder.
NameRules transvg();
/// MMCA (Mr-Bigworth/MMCA): TransVG with adapters in the backbone and the visual encoder.
NameRules mmca();
/// DETR (facebookresearch/detr), of which the backbone and the encoder are used.
NameRules detr();
/// BERT as in pytorch_pretrained_bert and Hugging Face transformers.
NameRules bert();
/// VG-LAW (dcdcvgroup/vglaw-mindspore) under PyTorch's names for gains and embeddings.
NameRules vg_law();
/// ViTDet's backbone as in detectron2 (its pyramid and detection heads have no place here).
NameRules vitdet();
/// MAE's encoder and timm's ViT, in which ViTDet's relative positions are absent.
NameRules mae();
/// ResNet as in torchvision, with batch norm or with the biases it was folded into.
NameRules resnet();

}  // namespace referent::checkpoint::maps

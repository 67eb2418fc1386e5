// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "referent/conditioning/conditioning.h"
#include "referent/decoders/box_head.h"
#include "referent/decoders/decoder.h"
#include "referent/decoders/mask_head.h"
#include "referent/encoders/text_encoder.h"
#include "referent/encoders/visual_encoder.h"
#include "referent/models/model.h"

namespace referent::models {

/// A text encoder, a visual encoder whose weights the text may condition, a decoder with a box head
/// and a mask head on the visual tokens, of which either head may be absent. TransVG (ICCV 2021) is
/// this without conditioning, MMCA (ACM MM 2024) with its adapters; VG-LAW (CVPR 2023) is ViTDet
/// with language-adaptive weights, pooling and both heads.
class Grounder : public Model {
 public:
  Grounder(const ModelConfig& config, const InputShape& shape);

  Output forward(const Batch& batch) override;

 private:
  encoders::TextEncoder text_encoder_;
  std::shared_ptr<encoders::VisualEncoder> visual_encoder_;
  std::shared_ptr<conditioning::Conditioning> conditioning_;  ///< null: none
  std::shared_ptr<decoders::Decoder> decoder_;  ///< null where there is no box head to feed
  decoders::BoxHead box_head_{nullptr};         ///< null: masks only
  decoders::MaskHead mask_head_{nullptr};       ///< null: boxes only
};

}  // namespace referent::models

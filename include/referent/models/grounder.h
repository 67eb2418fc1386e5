// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "referent/conditioning/conditioning.h"
#include "referent/decoders/box_head.h"
#include "referent/decoders/reg_token_decoder.h"
#include "referent/encoders/text_encoder.h"
#include "referent/encoders/visual_encoder.h"
#include "referent/models/model.h"

namespace referent::models {

/// A text encoder, a visual encoder whose weights the text may condition, a decoder and a box head.
/// TransVG (ICCV 2021) is this without conditioning, MMCA (ACM MM 2024) with its adapters.
class Grounder : public Model {
 public:
  Grounder(const ModelConfig& config, const InputShape& shape);

  Output forward(const Batch& batch) override;

 private:
  encoders::TextEncoder text_encoder_;
  std::shared_ptr<encoders::VisualEncoder> visual_encoder_;
  std::shared_ptr<conditioning::Conditioning> conditioning_;  ///< null: none
  decoders::RegTokenDecoder decoder_;
  decoders::BoxHead box_head_;
};

}  // namespace referent::models

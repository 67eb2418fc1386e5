// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "referent/conditioning/config.h"
#include "referent/config/field.h"
#include "referent/decoders/config.h"
#include "referent/encoders/config.h"

namespace referent::models {

/// Files that give parameters their first values; native or released, the later over the earlier.
struct InitConfig {
  std::filesystem::path visual_encoder;
  std::filesystem::path text_encoder;
  std::filesystem::path all;

  template <class V>
  void visit(V& v) {
    v.field("visual_encoder", visual_encoder,
            "DETR, ResNet or native file for the visual encoder.");
    v.field("text_encoder", text_encoder, "BERT or native file for the text encoder.");
    v.field("all", all, "TransVG, MMCA or native file for every part that it holds.");
  }
};

struct ModelConfig {
  std::string type = "grounder";
  std::string preset;
  encoders::TextEncoderConfig text_encoder;
  encoders::VisualEncoderConfig visual_encoder;
  conditioning::ConditioningConfig conditioning;
  decoders::DecoderConfig decoder;
  decoders::HeadsConfig heads;
  InitConfig init;

  template <class V>
  void visit(V& v) {
    v.field("type", type, "Kind of model.", config::one_of({"grounder"}));
    v.field(
        "preset", preset,
        "Named model that fills what is not written (empty: the defaults below), with the size of "
        "pictures and the length of expressions that it was published with.",
        config::one_of(
            {"", "transvg-r50", "transvg-r101", "mmca-r50", "mmca-r101", "vg-law-vitb"}));
    v.field("text_encoder", text_encoder, "Expression to token features.");
    v.field("visual_encoder", visual_encoder, "Picture to token features.");
    v.field("conditioning", conditioning, "How the text changes the visual encoder.");
    v.field("decoder", decoder, "What reads the answer off the tokens.");
    v.field("heads", heads, "Heads that turn the answer into a box and a mask.");
    v.field("init", init, "First values of the parameters.");
  }
};

}  // namespace referent::models

// SPDX-License-Identifier: Apache-2.0
#include "fill.h"
#include "golden.h"
#include "referent/batch/probe.h"

namespace referent::app {
using nlohmann::json;
using torch::Tensor;

models::ModelConfig vg_law_model_config(const json& golden) {
  const json& c = golden.at("config");
  models::ModelConfig config;
  encoders::TextEncoderConfig& text = config.text_encoder;
  text.vocabulary_size = c.at("bert_vocab");
  text.positions = c.at("bert_max_position");
  text.layers = c.at("bert_layers");
  text.width = c.at("bert_dim");
  text.heads = c.at("bert_heads");
  text.feedforward = c.at("bert_ffn");
  text.dropout = c.value("dropout", 0.1);
  text.projection = false;

  config.visual_encoder.type = "vitdet";
  encoders::VitConfig& vit = config.visual_encoder.vit;
  vit.patch = c.at("patch_size");
  vit.width = c.at("vit_dim");
  vit.layers = c.at("vit_depth");
  vit.heads = c.at("vit_heads");
  vit.mlp_ratio = c.at("mlp_ratio");
  vit.window = c.at("window_size");
  vit.global_layers = c.at("global_blocks").get<std::vector<std::int64_t>>();
  vit.pretrain_size = c.at("pretrain_image_size");
  vit.norm_epsilon = c.at("vit_layer_norm_eps");
  vit.drop_path = c.value("drop_path", 0.1);

  config.conditioning.type = conditioning::Type::kLaw;
  config.conditioning.rank = c.at("rank").get<std::int64_t>();
  config.conditioning.generator_heads = c.at("generator_heads");
  config.conditioning.generator_reduction =
      text.width / c.at("generator_hidden").get<std::int64_t>();

  config.decoder.type = "language_pooling";
  config.decoder.attention_width = c.at("lap_dim");
  config.heads.box.value().hidden = c.at("box_hidden").get<std::int64_t>();
  config.heads.mask = decoders::MaskHeadConfig{c.at("upsample_dim")};
  return config;
}

models::InputShape vg_law_input_shape(const json& golden) {
  const json& config = golden.at("config");
  return {config.at("image_size"), config.at("max_tokens")};
}

std::shared_ptr<models::Model> make_vg_law_model(const GoldenCase& golden, CaseReport& report) {
  return make_filled_model(golden, vg_law_model_config(golden.json()),
                           vg_law_input_shape(golden.json()), "vg_law", report);
}

Batch make_vg_law_batch(const GoldenCase& golden) {
  const json& doc = golden.json();
  const json& inputs = doc.at("inputs");
  const json& images = inputs.at("images");
  const std::vector<std::int64_t> shape = shape_of(images.at("shape"));
  std::vector<float> values = fill(doc.at("salt").get<std::string>(), "images", shape,
                                   images.at("kind").get<std::string>());
  Batch batch;
  batch.image_padding = torch::ones({shape[0], shape[2], shape[3]}, torch::kBool);
  for (std::int64_t b = 0; b < shape[0]; ++b) {
    const auto valid =
        images.at("valid").at(static_cast<std::size_t>(b)).get<std::array<std::int64_t, 4>>();
    batch.image_padding[b]
        .narrow(0, valid[0], valid[2] - valid[0])
        .narrow(1, valid[1], valid[3] - valid[1])
        .fill_(false);
  }
  batch.images = (torch::tensor(values).view(shape) *
                  batch.image_padding.logical_not().unsqueeze(1).to(torch::kFloat32))
                     .contiguous(torch::MemoryFormat::ChannelsLast);
  batch.tokens = integer_rows(inputs.at("input_ids"));
  batch.token_padding = integer_rows(inputs.at("attention_mask")).eq(0);
  if (inputs.contains("target_box")) batch.boxes = golden.tensor("in.target_box");
  if (inputs.contains("target_mask")) {
    batch.masks = golden.tensor("in.target_mask").squeeze(1).to(torch::kUInt8);
    batch.has_mask = torch::ones({shape[0]}, torch::kBool);
  }
  return batch;
}

Tolerance vg_law_tolerance(const GoldenCase& golden, const std::string& name) {
  const json& tolerance = golden.json().at("tolerance");
  for (const json& rule : tolerance.value("overrides", json::array())) {
    if (name.starts_with(rule.at("prefix").get<std::string>())) {
      return {rule.at("atol"), rule.at("rtol")};
    }
  }
  return {tolerance.at("atol"), tolerance.at("rtol")};
}

Tensor vg_law_stage(const std::map<std::string, Tensor>& probes, const std::string& name) {
  const auto probe = [&](const std::string& ours) {
    const auto found = probes.find(ours);
    return found == probes.end() ? Tensor() : found->second;
  };
  if (name == "text_hidden") return probe("text_encoder.bert");
  if (name == "generator_context") {
    std::vector<Tensor> layers;
    for (Tensor layer;
         (layer = probe(fmt::format("conditioning.context.{}", layers.size()))).defined();) {
      layers.push_back(layer);
    }
    return torch::stack(layers);
  }
  if (name.starts_with("M.")) return probe("conditioning.m." + name.substr(2));
  if (name == "patch_embed") return probe("visual_encoder.patch_embed");
  if (name.starts_with("block.")) return probe("visual_encoder.blocks." + name.substr(6));
  if (name == "lap_attention") return probe("decoder.attention").unsqueeze(1);
  if (name == "lap") return probe("decoder.pooled");
  if (name == "box") return probe("box_head");
  if (name == "pixel_embed") return probe("mask_head.pixels");
  if (name == "mask_logits_quarter") return probe("mask_head.quarter");
  if (name == "mask_logits") return probe("mask_head");
  if (name == "mask_prob") return probe("mask_head").sigmoid();
  return {};
}

void compare_zero_generator(const GoldenCase& golden, models::Model& model, const Batch& batch,
                            CaseReport& report) {
  const torch::NoGradGuard no_grad;
  std::vector<std::pair<Tensor, Tensor>> saved;  // (parameter, its values)
  for (auto& item : model.named_parameters()) {
    if (!item.key().starts_with("conditioning.proj.") ||
        item.key().find(".3.") == std::string::npos) {
      continue;
    }
    saved.emplace_back(item.value(), item.value().clone());
    item.value().zero_();
  }
  const ProbeRecorder recorder;
  model.forward(batch);
  constexpr std::string_view kSuffix = ".zero_generator";
  for (const json& entry : golden.json().at("outputs")) {
    const auto name = entry.at("name").get<std::string>();
    if (!name.ends_with(kSuffix)) continue;
    golden.compare_output(
        report, entry,
        vg_law_stage(recorder.tensors(), name.substr(0, name.size() - kSuffix.size())),
        vg_law_tolerance(golden, name));
  }
  for (auto& [parameter, values] : saved) parameter.copy_(values);
}

}  // namespace referent::app

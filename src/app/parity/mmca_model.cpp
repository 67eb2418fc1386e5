// SPDX-License-Identifier: Apache-2.0
#include "fill.h"
#include "golden.h"
#include "referent/core/error.h"

namespace referent::app {

using nlohmann::json;
using torch::Tensor;

models::ModelConfig mmca_model_config(const json& golden) {
  const json& c = golden.at("config");
  models::ModelConfig config;
  const auto backbone = c.at("backbone").get<std::string>();
  if (!backbone.starts_with("resnet")) throw DataError("unknown backbone {}", backbone);
  config.visual_encoder.backbone.depth = std::stoi(backbone.substr(6));
  config.visual_encoder.backbone.dilation = c.at("dilation").get<bool>();
  config.visual_encoder.transformer = {c.at("enc_layers"), c.at("hidden_dim"), c.at("nheads"),
                                       c.at("dim_feedforward"), c.at("dropout")};
  config.decoder.transformer = {c.at("vl_enc_layers"), c.at("vl_hidden_dim"), c.at("vl_nheads"),
                                c.at("vl_dim_feedforward"), c.at("vl_dropout")};
  const json& bert = c.at("bert");
  config.text_encoder.vocabulary_size = bert.at("vocab_size");
  config.text_encoder.width = bert.at("hidden_size");
  config.text_encoder.layers = bert.at("num_hidden_layers");
  config.text_encoder.heads = bert.at("num_attention_heads");
  config.text_encoder.feedforward = bert.at("intermediate_size");
  config.text_encoder.positions = bert.at("max_position_embeddings");
  // The cases that train set every dropout to 0, BERT's among them.
  config.text_encoder.dropout = c.at("dropout");
  if (golden.at("model") == "mmca") config.conditioning.type = conditioning::Type::kMmca;
  return config;
}

models::InputShape mmca_input_shape(const json& golden) {
  const json& config = golden.at("config");
  return {config.at("imsize"), config.at("max_query_len")};
}

std::shared_ptr<models::Model> make_mmca_model(const GoldenCase& golden, CaseReport& report) {
  const json& doc = golden.json();
  return make_filled_model(golden, mmca_model_config(doc), mmca_input_shape(doc),
                           doc.at("model").get<std::string>(), report);
}

Batch make_mmca_batch(const GoldenCase& golden) {
  const json& doc = golden.json();
  Batch batch;
  for (const json& input : doc.at("inputs")) {
    const auto name = input.at("name").get<std::string>();
    if (name == "image") {
      const std::vector<std::int64_t> shape = shape_of(input.at("shape"));
      std::vector<float> values =
          fill(doc.at("salt").get<std::string>(), input.at("fill_name").get<std::string>(), shape,
               input.at("kind").get<std::string>());
      batch.image_padding = torch::ones({shape[0], shape[2], shape[3]}, torch::kBool);
      for (std::int64_t b = 0; b < shape[0]; ++b) {
        const json& valid = input.at("valid").at(static_cast<std::size_t>(b));
        batch.image_padding[b]
            .narrow(0, valid.at("top"), valid.at("height"))
            .narrow(1, valid.at("left"), valid.at("width"))
            .fill_(false);
      }
      batch.images = torch::tensor(values).view(shape) *
                     batch.image_padding.logical_not().unsqueeze(1).to(torch::kFloat32);
      batch.images = batch.images.contiguous(torch::MemoryFormat::ChannelsLast);
    } else if (name == "token_ids") {
      batch.tokens = integer_rows(input.at("values"));
    } else if (name == "token_mask") {
      batch.token_padding = integer_rows(input.at("values")).eq(0);
    } else if (name == "target") {
      const auto rows = input.at("values").get<std::vector<std::vector<float>>>();
      std::vector<Tensor> tensors;
      for (const auto& row : rows) tensors.push_back(torch::tensor(row));
      batch.boxes = torch::stack(tensors);
    }
  }
  return batch;
}

}  // namespace referent::app

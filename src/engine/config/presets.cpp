// SPDX-License-Identifier: Apache-2.0
#include "presets.h"

#include <string>
#include <utility>
#include <vector>

#include "referent/engine/config.h"

namespace referent::engine {
namespace {

/// TransVG (ICCV 2021), and MMCA (ACM MM 2024) which conditions it, on a ResNet of `depth` layers.
nlohmann::json transvg(int depth, const char* conditioning) {
  const nlohmann::json transformer = {
      {"layers", 6}, {"width", 256}, {"heads", 8}, {"feedforward", 2048}, {"dropout", 0.1}};
  return {
      {"type", "grounder"},
      {"text_encoder",
       {{"type", "bert"},
        {"layers", 12},
        {"width", 768},
        {"heads", 12},
        {"feedforward", 3072},
        {"dropout", 0.1}}},
      {"visual_encoder",
       {{"type", "resnet_detr"},
        {"backbone", {{"depth", depth}, {"stages", 4}, {"normalisation", "frozen"}}},
        {"transformer", transformer}}},
      {"conditioning", {{"type", conditioning}}},
      {"decoder", {{"type", "reg_token"}, {"transformer", transformer}}},
      {"heads", {{"box", {{"layers", 3}}}}},
  };
}

/// VG-LAW (CVPR 2023) on ViT-B/16 with both heads, as its code has it.
nlohmann::json vg_law() {
  return {
      {"type", "grounder"},
      {"text_encoder",
       {{"type", "bert"},
        {"layers", 6},
        {"width", 768},
        {"heads", 12},
        {"feedforward", 3072},
        {"dropout", 0.1},
        {"projection", false}}},
      {"visual_encoder",
       {{"type", "vitdet"},
        {"vit",
         {{"patch", 16},
          {"width", 768},
          {"layers", 12},
          {"heads", 12},
          {"window", 14},
          {"global_layers", {2, 5, 8, 11}},
          {"norm_epsilon", 1e-5},
          {"drop_path", 0.1}}}}},
      {"conditioning", {{"type", "law"}, {"rank", 32}}},
      {"decoder", {{"type", "language_pooling"}, {"attention_width", 64}}},
      {"heads", {{"box", {{"layers", 3}, {"hidden", 256}}}, {"mask", {{"width", 256}}}}},
  };
}

nlohmann::json vg_law_input() {
  return {{"image",
           {{"size", 448},
            {"whole_pixel_boxes", false},
            {"resize", "plain"},
            {"mask_resize", "released"}}},
          {"text", {{"length", 40}}}};
}

const std::vector<std::pair<std::string, nlohmann::json>>& presets() {
  static const std::vector<std::pair<std::string, nlohmann::json>> all{
      {"transvg-r50", {{"model", transvg(50, "none")}}},
      {"transvg-r101", {{"model", transvg(101, "none")}}},
      {"mmca-r50", {{"model", transvg(50, "mmca")}}},
      {"mmca-r101", {{"model", transvg(101, "mmca")}}},
      {"vg-law-vitb", {{"model", vg_law()}, {"data", vg_law_input()}}}};
  return all;
}

}  // namespace

nlohmann::json preset(const std::string& name) {
  for (const auto& [one, values] : presets()) {
    if (one == name) return values;
  }
  return nullptr;
}

std::vector<std::string> preset_names() {
  std::vector<std::string> names;
  for (const auto& [name, values] : presets()) names.push_back(name);
  return names;
}

}  // namespace referent::engine

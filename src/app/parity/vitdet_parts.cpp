// SPDX-License-Identifier: Apache-2.0
#include <charconv>

#include "fill.h"
#include "golden.h"
#include "referent/batch/probe.h"
#include "referent/core/error.h"
#include "referent/encoders/visual_encoder.h"
#include "referent/nn/relative_position.h"
#include "referent/nn/vit_block.h"
#include "referent/nn/window.h"

namespace referent::app {
namespace {

using nlohmann::json;
using torch::Tensor;

/// The numbers of a name such as "q14_k14_t27" or "28x28", in order.
std::vector<std::int64_t> numbers_of(const std::string& name) {
  std::vector<std::int64_t> numbers;
  const char* const end = name.data() + name.size();
  for (const char* at = name.data(); at < end;) {
    std::int64_t number = 0;
    const auto parsed = std::from_chars(at, end, number);
    if (parsed.ec == std::errc()) numbers.push_back(number);
    at = parsed.ec == std::errc() ? parsed.ptr : at + 1;
  }
  return numbers;
}

/// The parts of ViTDet on a case's filled inputs.
class Parts {
 public:
  explicit Parts(const GoldenCase& golden) : golden_(golden) {}

  /// The output of a golden name; undefined where no part has it.
  Tensor output(const json& entry) const {
    const auto name = entry.at("name").get<std::string>();
    if (name.starts_with("window.")) return windows(name, shape_of(entry.at("shape")));
    if (name == "attention") return attention();
    if (name == "patch_embed") return patches();
    if (name == "rel.add") return scores("rel.h", "rel.w");
    if (name == "rel.add_interpolated") return scores("rel.table27", "rel.table27");
    if (name.starts_with("loader_crop_")) {
      const auto rows = numbers_of(name);
      return nn::fit_relative_positions(input(fmt::format("rel.table{}", rows.at(0))), rows.at(1),
                                        nn::PositionFit::kCrop);
    }
    if (name.starts_with("rel.q")) {
      const auto sizes = numbers_of(name);
      return nn::relative_positions(input(fmt::format("rel.table{}", sizes.at(2))), sizes.at(0),
                                    sizes.at(1));
    }
    if (name.starts_with("pos.")) {
      const auto sizes = numbers_of(name);
      return nn::absolute_positions(input("pos.table"), true, sizes.at(0), sizes.at(1));
    }
    return {};
  }

 private:
  Tensor input(const std::string& name) const {
    const json& entry = golden_.json().at("inputs").at(name);
    const std::vector<std::int64_t> shape = shape_of(entry.at("shape"));
    std::vector<float> values = fill(golden_.json().at("salt").get<std::string>(), name, shape,
                                     entry.at("kind").get<std::string>(), entry.value("gain", 1.0));
    return torch::tensor(values).view(shape);
  }

  Tensor windows(const std::string& name, const std::vector<std::int64_t>& shape) const {
    const Tensor x = input("window.x");
    if (name == "window.unpartition") {
      return nn::join_windows(input("window.y"), x.size(1), x.size(2));
    }
    const std::int64_t size = input("window.y").size(1);
    Tensor windows = nn::partition_windows(x, size);
    if (name == "window.partition") return windows;
    // The padded size is what the windows of one sample cover.
    const std::int64_t columns = (x.size(2) + size - 1) / size;
    const std::int64_t rows = windows.size(0) / x.size(0) / columns;
    return torch::tensor({static_cast<float>(rows * size), static_cast<float>(columns * size)})
        .view(shape);
  }

  /// The scores rel.attn of rel.query on its grid, with the relative positions of two tables added.
  Tensor scores(const std::string& rows, const std::string& columns) const {
    const std::int64_t height = (input("rel.h").size(0) + 1) / 2;
    const std::int64_t width = (input("rel.w").size(0) + 1) / 2;
    return input("rel.attn") + nn::decomposed_relative_scores(input("rel.query"), input(rows),
                                                              input(columns), height, width);
  }

  Tensor attention() const {
    const torch::NoGradGuard no_grad;
    const Tensor x = input("attention.x");
    const Tensor rows = input("attention.rel_pos_h");
    nn::VitBlockOptions options;
    options.width = x.size(3);
    options.heads = options.width / rows.size(1);
    nn::VitAttention attention(options);
    for (auto& parameter : attention->named_parameters()) {
      parameter.value().set_data(input("attention." + parameter.key()));
    }
    return attention->forward(x, nullptr, "attention");
  }

  Tensor patches() const {
    const torch::NoGradGuard no_grad;
    const Tensor x = input("patch.x");
    const Tensor weight = input("patch.proj.weight");
    encoders::VisualEncoderConfig config;
    config.type = "vitdet";
    config.vit.patch = weight.size(2);
    config.vit.width = weight.size(0);
    config.vit.heads = 1;
    config.vit.layers = 1;
    config.vit.global_layers = {0};
    const auto encoder = encoders::make_visual_encoder(config, x.size(3));
    auto parameters = encoder->named_parameters();
    parameters["patch_embed.proj.weight"].copy_(weight);
    parameters["patch_embed.proj.bias"].copy_(input("patch.proj.bias"));
    const ProbeRecorder recorder;
    encoder->forward(x, torch::zeros({x.size(0), x.size(2), x.size(3)}, torch::kBool), {}, nullptr);
    return recorder.tensors().at("visual_encoder.patch_embed");
  }

  const GoldenCase& golden_;
};

}  // namespace

void run_vitdet_parts(const GoldenCase& golden, CaseReport& report) {
  const Parts parts(golden);
  for (const json& entry : golden.json().at("outputs")) {
    const auto name = entry.at("name").get<std::string>();
    const Tensor value = parts.output(entry);
    if (value.defined()) {
      golden.compare_output(report, entry, value, vg_law_tolerance(golden, name));
    } else {
      report.check(name, false, "no part has an output of this name");
    }
  }
}

}  // namespace referent::app

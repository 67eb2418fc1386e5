// SPDX-License-Identifier: Apache-2.0
#include <cctype>

#include "golden.h"
#include "referent/batch/probe.h"

namespace referent::app {
namespace {

using torch::Tensor;

/// The golden's layout: sequence first.
Tensor sequence_first(const Tensor& x) {
  return x.transpose(0, 1);
}

/// "fusion_encoder3" -> {"fusion_encoder", 3}; -1 without a number.
std::pair<std::string, std::int64_t> split_index(const std::string& name) {
  std::size_t end = name.size();
  while (end > 0 && std::isdigit(static_cast<unsigned char>(name[end - 1])) != 0) --end;
  return {name.substr(0, end), end < name.size() ? std::stoll(name.substr(end)) : -1};
}

/// Our probes under the names and in the layout of the released code's stages.
class Stages {
 public:
  explicit Stages(const std::map<std::string, Tensor>& probes) : probes_(probes) {}

  Tensor get(const std::string& golden) const {
    constexpr std::string_view kReg = ".reg";
    if (golden.ends_with(kReg)) {
      const auto [stage, index] = split_index(golden.substr(0, golden.size() - kReg.size()));
      return probe(fmt::format("decoder.layers.{}", index)).select(1, 0);
    }
    const auto [stage, i] = split_index(golden);
    if (golden == "bert_last_hidden") return probe("text_encoder.bert");
    if (golden == "text_proj") return probe("text_encoder.text_proj");
    if (golden == "word_feat_embed") return probe("text_encoder.mean").unsqueeze(0);
    if (golden == "pos_embed") {
      const Tensor mask = probe("visual_encoder.padding");
      return probe("visual_encoder.position")
          .transpose(1, 2)
          .unflatten(2, {mask.size(1), mask.size(2)});
    }
    if (golden == "input_proj") return probe("visual_encoder.input_proj");
    if (golden == "visual_mask") return probe("visual_encoder.padding");
    if (golden == "visu_proj") return sequence_first(probe("decoder.visu_proj"));
    if (golden == "box_logits") return probe("box_head.logits");
    if (golden == "box") return probe("box_head");
    if (stage == "layer") return probe(fmt::format("visual_encoder.backbone.layer.{}", i));
    if (stage == "conv_adapter")
      return probe(fmt::format("conditioning.backbone.layer{}.update", i));
    if (stage == "e_mm_q" || stage == "e_mm_k") {
      return probe(fmt::format("conditioning.encoder.layers.{}.{}.fused", i, stage.back()))
          .unsqueeze(0);
    }
    if (stage == "adapter_q" || stage == "adapter_k") {
      return sequence_first(
          probe(fmt::format("conditioning.encoder.layers.{}.{}.update", i, stage.back())));
    }
    if (stage == "visual_encoder") {
      return sequence_first(probe(fmt::format("visual_encoder.encoder.layers.{}", i)));
    }
    if (stage == "fusion_encoder") {
      return sequence_first(probe(fmt::format("decoder.layers.{}", i)));
    }
    return {};
  }

 private:
  Tensor probe(const std::string& name) const {
    const auto found = probes_.find(name);
    return found == probes_.end() ? Tensor() : found->second;
  }
  const std::map<std::string, Tensor>& probes_;
};

}  // namespace

void run_mmca_forward(const GoldenCase& golden, CaseReport& report) {
  const auto model = make_mmca_model(golden, report);
  model->eval();
  const torch::NoGradGuard no_grad;
  const Batch batch = make_mmca_batch(golden);
  const ProbeRecorder recorder;
  model->forward(batch);
  const Stages stages(recorder.tensors());
  const Tolerance tolerance = tolerance_of(golden.json().at("tolerance"));
  for (const auto& entry : golden.json().at("outputs")) {
    const auto name = entry.at("name").get<std::string>();
    const Tensor value = stages.get(name);
    if (value.defined()) {
      golden.compare_output(report, entry, value, tolerance);
    } else {
      report.check(name, false, "no stage of the model has this name");
    }
  }
  compare_plan(golden, mmca_model_config(golden.json()), mmca_input_shape(golden.json()), *model,
               batch, report);
}

}  // namespace referent::app

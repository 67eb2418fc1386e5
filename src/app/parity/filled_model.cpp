// SPDX-License-Identifier: Apache-2.0
#include "fill.h"
#include "golden.h"
#include "referent/checkpoint/import.h"
#include "referent/checkpoint/name_map.h"
#include "referent/models/state.h"

namespace referent::app {

using nlohmann::json;
using torch::Tensor;

std::shared_ptr<models::Model> make_filled_model(const GoldenCase& golden,
                                                 const models::ModelConfig& config,
                                                 const models::InputShape& shape,
                                                 const std::string& family, CaseReport& report) {
  const json& doc = golden.json();
  const auto salt = doc.at("salt").get<std::string>();
  auto model = models::make_model(config, shape);
  checkpoint::StateDict released;
  for (const json& weight : doc.at("weights")) {
    const auto name = weight.at("name").get<std::string>();
    const std::vector<std::int64_t> sizes = shape_of(weight.at("shape"));
    const std::vector<float> values =
        fill(salt, name, sizes, weight.at("kind").get<std::string>(), weight.value("gain", 1.0));
    released.tensors.emplace(name,
                             formats::make_tensor<float>(formats::DType::kFloat32, sizes, values));
  }
  const checkpoint::ImportResult imported =
      checkpoint::match(released, checkpoint::name_map(family), models::state_shapes(*model));
  const checkpoint::ImportReport& r = imported.report;
  report.check("weights", r.missing.empty() && r.unused.empty() && r.wrong_shape.empty(),
               fmt::format("{} missing, {} unused, {} of another shape", r.missing.size(),
                           r.unused.size(), r.wrong_shape.size()));
  models::load_state(*model, imported.native, /*complete=*/true);
  models::use_channels_last(*model);
  return model;
}

std::map<std::string, Tensor> released_parameters(const models::Model& model,
                                                  const std::string& family) {
  std::map<std::string, Tensor> parameters;
  const checkpoint::NameMap& names = checkpoint::name_map(family);
  for (const auto& item : model.named_parameters()) {
    if (const auto name = names.to_released(item.key())) parameters.emplace(*name, item.value());
  }
  return parameters;
}

Tensor integer_rows(const json& rows) {
  std::vector<Tensor> tensors;
  for (const auto& row : rows.get<std::vector<std::vector<std::int64_t>>>()) {
    tensors.push_back(torch::tensor(row, torch::kInt64));
  }
  return torch::stack(tensors);
}

}  // namespace referent::app

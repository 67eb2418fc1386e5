// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <torch/types.h>

#include <filesystem>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "referent/formats/tensor.h"
#include "referent/models/model.h"
#include "report.h"

namespace referent::app {

/// A golden case: its description and, where there is one, the file of tensors beside it.
class GoldenCase {
 public:
  explicit GoldenCase(const std::filesystem::path& description);

  const nlohmann::json& json() const { return json_; }
  std::string name() const { return path_.stem().string(); }
  const std::filesystem::path& path() const { return path_; }
  std::string kind() const { return json_.value("kind", std::string()); }

  bool has_tensor(const std::string& name) const { return tensors_.contains(name); }
  torch::Tensor tensor(const std::string& name) const;

  /// Compares `value`, laid out as the golden, with the stored elements of output `entry`: shape
  /// first, then every stored element.
  void compare_output(CaseReport& report, const nlohmann::json& entry, const torch::Tensor& value,
                      Tolerance tolerance) const;

 private:
  std::filesystem::path path_;
  nlohmann::json json_;
  formats::TensorMap tensors_;
};

/// {"abs", "rel"} of a case's tolerance.
Tolerance tolerance_of(const nlohmann::json& json);

std::vector<std::int64_t> shape_of(const nlohmann::json& json);

/// Where the photos of the goldens are: $REFERENT_TEST_DATA, or data/ beside the goldens' folder.
/// Empty when neither exists.
std::filesystem::path photo_folder(const std::filesystem::path& golden);
std::filesystem::path photo_folder(const GoldenCase& golden);

/// The model of `config` with the case's filled weights laid in through the map that imports
/// released checkpoints of `family`. A weight that has no place, or a place without weight, fails.
std::shared_ptr<models::Model> make_filled_model(const GoldenCase& golden,
                                                 const models::ModelConfig& config,
                                                 const models::InputShape& shape,
                                                 const std::string& family, CaseReport& report);

/// Parameters by the names of released files of `family`.
std::map<std::string, torch::Tensor> released_parameters(const models::Model& model,
                                                         const std::string& family);

/// Rows of integers as [rows, columns] int64.
torch::Tensor integer_rows(const nlohmann::json& rows);

/// Compares the boxes of the model's frozen plan with the golden's "box", in batches of 1, 3 and 8
/// of the case's samples: float32 within 1e-4 and an IoU of 0.99; bfloat16 within 1e-2 and 0.99 or,
/// where that is more, four times as far off as the model itself in bfloat16. The model is in
/// bfloat16 afterwards.
void compare_plan(const GoldenCase& golden, const models::ModelConfig& config,
                  const models::InputShape& shape, models::Model& model, const Batch& batch,
                  CaseReport& report);

/// The model and the batch of a TransVG or MMCA case.
std::shared_ptr<models::Model> make_mmca_model(const GoldenCase& golden, CaseReport& report);
models::ModelConfig mmca_model_config(const nlohmann::json& golden);
models::InputShape mmca_input_shape(const nlohmann::json& golden);

/// The filled image, padding, tokens (and target) of a forward or train case.
Batch make_mmca_batch(const GoldenCase& golden);

/// The model and the batch of a VG-LAW case.
models::ModelConfig vg_law_model_config(const nlohmann::json& golden);
models::InputShape vg_law_input_shape(const nlohmann::json& golden);
std::shared_ptr<models::Model> make_vg_law_model(const GoldenCase& golden, CaseReport& report);
Batch make_vg_law_batch(const GoldenCase& golden);
/// What |value - expected| may be for the output `name`: the rule of the case or of the override
/// whose prefix fits.
Tolerance vg_law_tolerance(const GoldenCase& golden, const std::string& name);
/// A stage of the model under its golden name, from what probes recorded; undefined where there is
/// none of this name.
torch::Tensor vg_law_stage(const std::map<std::string, torch::Tensor>& probes,
                           const std::string& name);
/// Runs the model with its generator's last layers at zero and compares the outputs
/// `<name>.zero_generator`; the weights are as before afterwards.
void compare_zero_generator(const GoldenCase& golden, models::Model& model, const Batch& batch,
                            CaseReport& report);

// One function a kind of case.
void run_mmca_forward(const GoldenCase& golden, CaseReport& report);
void run_mmca_train(const GoldenCase& golden, CaseReport& report);
void run_mmca_images(const GoldenCase& golden, CaseReport& report);
void run_mmca_transforms(const GoldenCase& golden, CaseReport& report);
void run_mmca_metrics(const GoldenCase& golden, CaseReport& report);
void run_vg_law_forward(const GoldenCase& golden, CaseReport& report);
void run_vg_law_train(const GoldenCase& golden, CaseReport& report);
void run_vg_law_metrics(const GoldenCase& golden, CaseReport& report);
void run_vitdet_parts(const GoldenCase& golden, CaseReport& report);
void run_fill_vectors(const GoldenCase& golden, CaseReport& report);
void run_vg_law_data(const GoldenCase& golden, CaseReport& report);
void run_word_piece(const std::filesystem::path& lines, CaseReport& report);
void run_coco_masks(const std::filesystem::path& lines, CaseReport& report);

}  // namespace referent::app

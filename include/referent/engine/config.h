// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "referent/config/field.h"
#include "referent/core/file.h"
#include "referent/data/config.h"
#include "referent/distributed/config.h"
#include "referent/losses/config.h"
#include "referent/models/config.h"
#include "referent/training/config.h"

namespace referent::engine {

struct DataConfig {
  std::vector<data::DatasetConfig> train;
  std::map<std::string, data::DatasetConfig> eval;
  data::ImageConfig image;
  data::TextConfig text;
  data::AugmentConfig augment;

  template <class V>
  void visit(V& v) {
    v.field("train", train, "Data sets to train on, one after the other before shuffling.");
    v.field("eval", eval, "Data sets to evaluate on, by a name of your choice.");
    v.field("image", image, "How pictures are laid on the square that the model sees.");
    v.field("text", text, "How expressions are cut.");
    v.field("augment", augment, "How training examples are varied.");
  }
};

/// By what the best checkpoint is chosen: the names of metric_values().
enum class BestMetric {
  kPrecision50,
  kPrecision60,
  kPrecision70,
  kPrecision80,
  kPrecision90,
  kMeanIou,
  kMaskPrecision50,
  kMaskPrecision60,
  kMaskPrecision70,
  kMaskPrecision80,
  kMaskPrecision90,
  kMaskMeanIou,
  kMaskOverallIou
};

inline bool is_of_masks(BestMetric metric) {
  return metric >= BestMetric::kMaskPrecision50;
}

/// In what the forward and the backward pass compute; weights and the optimiser are float32.
enum class Precision { kFloat32, kBFloat16, kFloat16 };

struct EarlyStoppingConfig {
  std::int64_t patience = 10;
  double gain = 0;

  template <class V>
  void visit(V& v) {
    v.field("patience", patience,
            "Training ends after this many evaluations in a row that were not better.",
            config::at_least(1));
    v.field("gain", gain, "How much more than the best so far counts as better.",
            config::in_range(0, 1));
  }
};

struct TrainConfig {
  std::int64_t batch_size = 64;
  std::int64_t accumulation = 1;
  Precision precision = Precision::kFloat32;
  std::optional<training::LossScalingConfig> loss_scaling;
  bool tf32 = false;
  bool recompute_activations = false;
  bool cuda_graphs = true;
  bool deterministic = false;
  std::int64_t epochs = 90;
  std::optional<std::int64_t> max_steps;
  bool drop_last = true;
  training::OptimizerConfig optimizer;
  training::ScheduleConfig schedule;
  std::optional<training::EmaConfig> ema;
  losses::LossConfig loss;
  std::int64_t log_every = 10;
  std::int64_t eval_every_epochs = 1;
  std::int64_t eval_every_steps = 0;
  std::vector<std::string> eval_data;
  BestMetric best_metric = BestMetric::kPrecision50;
  std::optional<EarlyStoppingConfig> early_stopping;
  std::int64_t save_every_steps = 0;
  std::int64_t keep_last = 2;
  std::int64_t keep_every_steps = 0;
  std::int64_t max_bad_steps = 10;
  distributed::DistributedConfig distributed;

  template <class V>
  void visit(V& v) {
    v.field("batch_size", batch_size, "Samples of a step, over all processes.",
            config::in_range(1, 65536));
    v.field("accumulation", accumulation,
            "Pieces that a process computes its share of a batch in, one after the other: the "
            "same gradient with less memory.",
            config::in_range(1, 65536));
    v.field("precision", precision,
            "What the forward and backward pass compute in; bfloat16 and float16 where autocast "
            "holds them safe. Weights, losses and the optimiser stay float32.");
    v.field("loss_scaling", loss_scaling,
            "A factor on the loss that keeps small gradients from vanishing; float16 has it "
            "always.");
    v.field("tf32", tf32, "Let a GPU round the factors of float32 products to TF32.");
    v.field("recompute_activations", recompute_activations,
            "Forget what blocks of the encoders and decoder compute inside and compute it again in "
            "the backward pass: the same results with less memory and about a third more time.");
    v.field(
        "cuda_graphs", cuda_graphs,
        "On a GPU, record the passes of a step as CUDA graphs and replay them from then on: the "
        "same values without the time that it takes to launch thousands of kernels. Keeps the "
        "memory of one step's activations, and exchanges the gradients of several processes after "
        "the backward pass instead of within it; not with recompute_activations.");
    v.field("deterministic", deterministic,
            "On a GPU, compute by kernels that give the same bits each time, some of which are "
            "slower. On a CPU all do.");
    v.field("epochs", epochs, "Passes over the training data.", config::in_range(1, 1000000));
    v.field("max_steps", max_steps,
            "Stop after this many steps; the schedule still spans all epochs.",
            config::at_least(1));
    v.field("drop_last", drop_last, "Leave out an epoch's last batch where it is not full.");
    v.field("optimizer", optimizer, "AdamW and its parameter groups.");
    v.field("schedule", schedule, "The learning rate over the run.");
    v.field("ema", ema,
            "Keep averages of the weights over the steps; evaluations and the choice of the best "
            "checkpoint then go by these.");
    v.field("loss", loss, "What is minimised.");
    v.field("log_every", log_every, "Steps between lines in the metrics files.",
            config::at_least(1));
    v.field("eval_every_epochs", eval_every_epochs,
            "Evaluate and save after every so many epochs; 0: only as eval_every_steps says and at "
            "the end.",
            config::at_least(0));
    v.field("eval_every_steps", eval_every_steps,
            "Evaluate and save also after every so many steps; 0: never.", config::at_least(0));
    v.field("eval_data", eval_data,
            "Which of data.eval to use while training; the first decides which checkpoint is best. "
            "Empty: all, by name.");
    v.field("best_metric", best_metric,
            "What the best checkpoint is best in: boxes, or masks where the model has a mask head. "
            "Between equals prec@0.5 decides, for prec@0.5 itself mean_iou.");
    v.field("early_stopping", early_stopping, "End training when best_metric no longer grows.");
    v.field("save_every_steps", save_every_steps,
            "Save a checkpoint also after every so many steps; 0: never.", config::at_least(0));
    v.field("keep_last", keep_last, "Checkpoints kept from the end; the best is kept besides.",
            config::at_least(1));
    v.field("keep_every_steps", keep_every_steps,
            "Keep for good what is saved at multiples of so many steps; 0: none.",
            config::at_least(0));
    v.field("max_bad_steps", max_bad_steps,
            "A step whose loss or gradient is not finite is skipped; training stops after this "
            "many in a row.",
            config::at_least(1));
    v.field("distributed", distributed, "How the processes of a run work together.");
  }
};

struct EvalConfig {
  std::int64_t batch_size = 32;

  template <class V>
  void visit(V& v) {
    v.field("batch_size", batch_size, "Samples of a forward pass.", config::in_range(1, 65536));
  }
};

struct OutputConfig {
  std::filesystem::path folder;

  template <class V>
  void visit(V& v) {
    v.field("folder", folder, "The run folder. Empty: runs/<name> in the current folder.");
  }
};

/// Everything that describes a run.
struct RunConfig {
  std::string name = "run";
  std::int64_t seed = 13;
  models::ModelConfig model;
  DataConfig data;
  TrainConfig train;
  EvalConfig eval;
  OutputConfig output;

  template <class V>
  void visit(V& v) {
    v.field("name", name, "Name of the run.");
    v.field("seed", seed, "Decides initial values, data order, augmentation and dropout.",
            config::at_least(0));
    v.field("model", model, "The model.");
    v.field("data", data, "The data.");
    v.field("train", train, "How the model is trained.");
    v.field("eval", eval, "How it is evaluated.");
    v.field("output", output, "Where results go.");
  }
};

/// Names of the model presets.
std::vector<std::string> preset_names();

/// Reads a run's configuration file with `overrides` ("a.b=c") and fills in its model preset.
/// Throws ConfigError that lists everything wrong, such as names in train.eval_data that data.eval
/// does not have, or masks to choose a checkpoint by that the model does not make.
RunConfig load_run_config(const Path& file, std::span<const std::string> overrides = {});

/// The same from text that is no file, such as a checkpoint's metadata; `name` stands for it in
/// messages. Paths in it are taken as they are.
RunConfig parse_run_config(const std::string& text, const std::string& name,
                           std::span<const std::string> overrides = {});

/// The whole configuration as JSON text that parse_run_config() reads back, every field written.
std::string dump_run_config(const RunConfig& config);

}  // namespace referent::engine

template <>
struct referent::config::EnumNames<referent::engine::Precision> {
  static constexpr std::array kNames{std::pair{referent::engine::Precision::kFloat32, "float32"},
                                     std::pair{referent::engine::Precision::kBFloat16, "bfloat16"},
                                     std::pair{referent::engine::Precision::kFloat16, "float16"}};
};
template <>
struct referent::config::EnumNames<referent::engine::BestMetric> {
  static constexpr std::array kNames{
      std::pair{referent::engine::BestMetric::kPrecision50, "prec@0.5"},
      std::pair{referent::engine::BestMetric::kPrecision60, "prec@0.6"},
      std::pair{referent::engine::BestMetric::kPrecision70, "prec@0.7"},
      std::pair{referent::engine::BestMetric::kPrecision80, "prec@0.8"},
      std::pair{referent::engine::BestMetric::kPrecision90, "prec@0.9"},
      std::pair{referent::engine::BestMetric::kMeanIou, "mean_iou"},
      std::pair{referent::engine::BestMetric::kMaskPrecision50, "mask_prec@0.5"},
      std::pair{referent::engine::BestMetric::kMaskPrecision60, "mask_prec@0.6"},
      std::pair{referent::engine::BestMetric::kMaskPrecision70, "mask_prec@0.7"},
      std::pair{referent::engine::BestMetric::kMaskPrecision80, "mask_prec@0.8"},
      std::pair{referent::engine::BestMetric::kMaskPrecision90, "mask_prec@0.9"},
      std::pair{referent::engine::BestMetric::kMaskMeanIou, "mask_mean_iou"},
      std::pair{referent::engine::BestMetric::kMaskOverallIou, "mask_overall_iou"}};
};

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "referent/config/field.h"

/// A configuration of the size and shape of a real run's, for the tests of this room.
namespace referent::testing {

enum class Variant { kReleased, kPaper };

struct SampleConditioning {
  std::string type = "mmca";
  Variant variant = Variant::kReleased;
  std::int64_t rank = 64;
  std::optional<double> gate_dropout;
  bool operator==(const SampleConditioning&) const = default;

  template <class V>
  void visit(V& v) {
    v.field("type", type, "Kind of conditioning.", config::one_of({"none", "mmca", "law"}));
    v.field("variant", variant, "Where paper and released code differ.");
    v.field("rank", rank, "Rank of the update.", config::in_range(1, 1024));
    v.field("gate_dropout", gate_dropout, "Dropout on the gate | none when absent.",
            config::in_range(0, 1));
  }
};

struct SampleModel {
  std::int64_t layers = 6;
  std::int64_t dimension = 256;
  double dropout = 0.1;
  bool dilation = false;
  SampleConditioning conditioning;
  bool operator==(const SampleModel&) const = default;

  template <class V>
  void visit(V& v) {
    v.field("layers", layers, "Encoder layers.", config::in_range(0, 48));
    v.field("dimension", dimension, "Width of a token.", config::at_least(1));
    v.field("dropout", dropout, "Dropout probability.", config::in_range(0, 1));
    v.field("dilation", dilation, "Stride 16 instead of 32.");
    v.field("conditioning", conditioning, "How the text reaches the image encoder.");
  }
};

struct SampleSource {
  std::string format;
  std::filesystem::path path;
  std::optional<std::string> split;
  bool operator==(const SampleSource&) const = default;

  template <class V>
  void visit(V& v) {
    config::Constraint formats = config::one_of({"jsonl", "refer", "index"});
    formats.required = true;
    v.field("format", format, "File format.", formats);
    v.field("path", path, "File or folder.", config::required());
    v.field("split", split, "Split of the data set.");
  }
};

struct SampleTraining {
  std::int64_t batch_size = 64;
  std::uint32_t workers = 4;
  double learning_rate = 1e-4;
  std::vector<std::int64_t> milestones{60};
  std::array<double, 3> mean{0.485, 0.456, 0.406};
  std::map<std::string, double> rates;
  bool operator==(const SampleTraining&) const = default;

  template <class V>
  void visit(V& v) {
    v.field("batch_size", batch_size, "Samples a step.", config::in_range(1, 65536));
    v.field("workers", workers, "Loader threads.", config::in_range(0, 256));
    v.field("learning_rate", learning_rate, "Rate of the new modules.", config::in_range(0, 1));
    v.field("milestones", milestones, "Epochs at which the rate drops.", config::at_least(0));
    v.field("mean", mean, "Mean of a channel.");
    v.field("rates", rates, "Learning rate of a parameter group.", config::in_range(0, 1));
  }
};

struct SampleConfig {
  std::string name = "run";
  std::int64_t seed = 13;
  SampleModel model;
  std::vector<SampleSource> train_data;
  std::map<std::string, SampleSource> eval_data;
  std::optional<SampleTraining> train;
  std::filesystem::path output;
  bool operator==(const SampleConfig&) const = default;

  template <class V>
  void visit(V& v) {
    v.field("name", name, "Name of the run.", config::required());
    v.field("seed", seed, "Seed of every random stream.");
    v.field("model", model, "The model.");
    v.field("train_data", train_data, "Data sets to train on.");
    v.field("eval_data", eval_data, "Data sets to evaluate on.");
    v.field("train", train, "Training; absent: evaluation only.");
    v.field("output", output, "Folder of the run.");
  }
};

/// A complete file of the above.
inline constexpr const char* kSampleText = R"({
  "name": "mmca-refcoco",
  "seed": 13,
  "model": {
    "layers": 6,
    "dimension": 256,
    "dropout": 0.1,
    "dilation": false,
    "conditioning": {"type": "mmca", "variant": "paper", "rank": 64, "gate_dropout": 0.5}
  },
  "train_data": [
    {"format": "jsonl", "path": "train.jsonl"},
    {"format": "refer", "path": "refcoco", "split": "train"}
  ],
  "eval_data": {"val": {"format": "jsonl", "path": "val.jsonl", "split": "val"}},
  "train": {
    "batch_size": 64,
    "workers": 4,
    "learning_rate": 0.0001,
    "milestones": [60, 80],
    "mean": [0.485, 0.456, 0.406],
    "rates": {"bert": 1e-05, "backbone": 1e-05}
  },
  "output": "runs/mmca"
})";

}  // namespace referent::testing

template <>
struct referent::config::EnumNames<referent::testing::Variant> {
  static constexpr std::array kNames{std::pair{referent::testing::Variant::kReleased, "released"},
                                     std::pair{referent::testing::Variant::kPaper, "paper"}};
};

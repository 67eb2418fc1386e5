// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <string>

#include "referent/data/scenes.h"
#include "referent/engine/config.h"
#include "support/temporary_folder.h"

namespace referent::testing {

/// The configuration of a model and a run that take seconds, on synthetic scenes in `data`.
inline engine::RunConfig tiny_config(const std::filesystem::path& data) {
  const std::string transformer = R"({"layers": 1, "width": 32, "heads": 2, "feedforward": 48})";
  const std::string text = R"({
    "name": "tiny", "seed": 5,
    "model": {
      "text_encoder": {"layers": 1, "width": 32, "heads": 2, "feedforward": 48, "pooler": false},
      "visual_encoder": {
        "backbone": {"depth": 18, "stages": 3, "normalisation": "folded", "frozen_stages": 2},
        "transformer": )" + transformer +
                           R"(},
      "conditioning": {"type": "mmca", "rank": 8, "gate_width": 16, "gate_hidden": 8},
      "decoder": {"transformer": )" +
                           transformer + R"(}
    },
    "data": {
      "train": [{"path": ")" +
                           (data / "train.jsonl").string() + R"("}],
      "eval": {"val": {"path": ")" +
                           (data / "val.jsonl").string() + R"("}},
      "image": {"size": 64},
      "text": {"length": 16},
      "augment": {"type": "simple"}
    },
    "train": {
      "batch_size": 4, "epochs": 3, "log_every": 2,
      "optimizer": {"learning_rate": 1e-3, "clip_norm": 1.0}
    },
    "eval": {"batch_size": 3}
  })";
  return engine::parse_run_config(text, "the tiny run");
}

/// Writes scenes to `folder` / "scenes": 14 for training, 7 to evaluate.
inline std::filesystem::path tiny_scenes(const std::filesystem::path& folder) {
  const std::filesystem::path scenes = folder / "scenes";
  data::synthesize(scenes, {.size = 64}, 14, 7);
  return scenes;
}

}  // namespace referent::testing

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "referent/checkpoint/checkpoint.h"
#include "referent/core/file.h"

namespace referent::inference {

/// Writes the model of a checkpoint as a TorchScript file that torch::jit::load, or torch.jit.load
/// of Python, runs on the CPU without this library: a trace of ATen's operators in float32 for one
/// sample. Its method is
///
///     forward(images [1, 3, S, S] float32, ImageNet-normalised RGB, zero where padded,
///             image_padding [1, S, S] bool, true = padding,
///             tokens [1, L] int64, token_padding [1, L] bool)
///     -> boxes [1, 1, 4], cx, cy, w, h over the square, 0..1
///
/// with the configuration's image size S and text length L; of a model with both heads the tuple
/// (boxes, mask_logits [1, 1, h, w]), of one with a mask head alone mask_logits. Parameters keep
/// their native names. The extra files "config.json" and "vocabulary.txt" hold the configuration
/// and the tokenizer's vocabulary. `name` stands for the checkpoint in messages. Throws
/// CheckpointError as Predictor does, FileError.
void write_torchscript(const Path& path, const checkpoint::Checkpoint& checkpoint,
                       const std::string& name);

}  // namespace referent::inference

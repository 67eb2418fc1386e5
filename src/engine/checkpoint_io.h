// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "referent/checkpoint/checkpoint.h"
#include "referent/models/model.h"
#include "referent/training/ema.h"
#include "referent/training/optimizer.h"

namespace referent::engine {

/// The tensors of a training state: the model's, "optimizer.<parameter>.<slot>" and, where there
/// are averages, "ema.<parameter>".
formats::TensorMap training_tensors(const models::Model& model, const training::AdamW& optimizer,
                                    const training::Ema* ema);

/// Takes the optimizer's tensors back. Throws CheckpointError when they do not fit.
void load_optimizer(training::AdamW& optimizer, const checkpoint::Checkpoint& checkpoint);

/// Takes the averages back; where the checkpoint, `where`, has none, warns and leaves them.
void load_ema(training::Ema& ema, const checkpoint::Checkpoint& checkpoint, std::int64_t updates,
              const std::string& where);

/// One hash over the names and values of all parameters and buffers, 16 hexadecimal digits.
std::string weights_hash(const models::Model& model);

}  // namespace referent::engine

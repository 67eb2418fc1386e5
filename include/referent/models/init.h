// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "referent/checkpoint/checkpoint.h"
#include "referent/checkpoint/import.h"
#include "referent/models/model.h"

namespace referent::models {

/// What a released file of `family` gives a model with parameters of the `wanted` shapes. Tables of
/// relative positions for another picture size are brought to the wanted one by `fit`.
checkpoint::ImportResult match_released(checkpoint::StateDict& state, const std::string& family,
                                        const checkpoint::Shapes& wanted, nn::PositionFit fit);

/// Fills parameters from the files that `config.init` names, native or released, in the order of
/// its fields: a file for one encoder fills that encoder, `all` whatever it holds. What each file
/// gave, what it lacks and what it holds in vain is logged. Throws CheckpointError for a file of no
/// known family, a tensor of the wrong shape, and a file that fills nothing.
void initialise(Model& model, const ModelConfig& config);

/// Fills every parameter and buffer from a native checkpoint, of which what belongs to its training
/// is passed over. Throws CheckpointError when one is missing, unknown or of the wrong shape.
void load_weights(Model& model, const checkpoint::Checkpoint& checkpoint,
                  checkpoint::Weights weights = checkpoint::Weights::kEma);

}  // namespace referent::models

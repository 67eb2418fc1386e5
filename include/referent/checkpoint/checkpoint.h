// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "referent/core/file.h"
#include "referent/formats/tensor.h"

namespace referent::checkpoint {

/// A native checkpoint: one safetensors file that holds all a model or a training run needs. Texts
/// are kept as they are; an empty one is not written.
struct Checkpoint {
  /// Parameters under their native names; in a training state also
  /// "optimizer.<parameter>.<slot>" and "ema.<parameter>".
  formats::TensorMap tensors;
  std::string config;      ///< resolved configuration, JSON
  std::string vocabulary;  ///< of the tokenizer, as its file
  std::string versions;    ///< of the program and its libraries, JSON
  std::string git;         ///< revision of the program
  std::string metrics;     ///< JSON
  std::string training;    ///< state of the run, JSON; empty in an exported model
};

/// What read_checkpoint checks besides the format.
enum class Verify {
  kHeader,  ///< the hash of the header
  kAll,     ///< and that of every tensor
};

/// Writes the file whole or not at all, synced to disk, with an XXH3 hash of every tensor and one
/// of the header. Throws FileError.
void write_checkpoint(const Path& path, const Checkpoint& checkpoint);

/// The tensors view the memory-mapped file. Throws CheckpointError for a file that is cut, altered
/// by as little as one bit, of a newer format, or not a native checkpoint.
Checkpoint read_checkpoint(const Path& path, Verify verify = Verify::kAll);

/// Which of the weights that training leaves.
enum class Weights {
  kEma,  ///< their averages where the checkpoint has them
  kRaw,
};

/// The model's tensors, without what belongs to its training.
formats::TensorMap weights_of(const Checkpoint& checkpoint, Weights weights = Weights::kEma);

/// Whether the file claims to be a native checkpoint, sound or not. Throws CheckpointError when it
/// cannot be read.
bool is_checkpoint(const Path& path);

}  // namespace referent::checkpoint

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "referent/app/options.h"

/// The commands that need LibTorch. Each prints its result on standard output and returns the
/// process's exit status; errors are thrown.
namespace referent::app {

/// Threads and log levels.
void apply_common_options(const CommonOptions& common);

int run_version(const CommonOptions& common);
int run_train(const TrainOptions& options, const CommonOptions& common,
              const std::vector<std::string>& words);
int run_eval(const EvalOptions& options, const CommonOptions& common);
int run_ground(const GroundOptions& options, const CommonOptions& common);
int run_import(const ImportOptions& options, const CommonOptions& common);
int run_export(const ExportOptions& options, const CommonOptions& common);
/// Trains a sentencepiece model on expressions, put into lower case as models see them, and writes
/// its file.
int run_train_tokenizer(const TrainTokenizerOptions& options, const CommonOptions& common);
int run_synthesize(const SynthesizeOptions& options, const CommonOptions& common);

// These need no LibTorch: libreferent_data.so has them too, for `referent` to load by itself.
int run_data_check(const DataCheckOptions& options, const CommonOptions& common);
int run_data_convert(const DataConvertOptions& options, const CommonOptions& common);
int run_data_stats(const DataStatsOptions& options, const CommonOptions& common);

/// Runs every golden case under a folder and prints, per output, the largest absolute and relative
/// error, then "N passed, N failed, N skipped"; 8 when any failed.
int run_parity(const ParityOptions& options, const CommonOptions& common);

/// Examines what the program runs on, LibTorch and its matrix products included; 8 when something
/// is at fault.
int run_doctor(const DoctorOptions& options, const CommonOptions& common);

/// Times a model with random weights on pictures of several shapes, or the loading of pictures.
int run_bench(const BenchOptions& options, const CommonOptions& common);

/// Synthesizes scenes, trains, evaluates beside the score of pointing at a random object, grounds
/// six held-out scenes. The same seed gives the same result. With masks the run and the pictures
/// have folders of their own, "run-masks" and "pictures-masks".
int run_demo(const DemoOptions& options, const CommonOptions& common,
             const std::vector<std::string>& words);

}  // namespace referent::app

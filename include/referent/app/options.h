// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "referent/checkpoint/checkpoint.h"
#include "referent/data/check.h"
#include "referent/data/config.h"
#include "referent/distributed/launcher.h"
#include "referent/text/sentence_piece.h"

/// What the command line says, one struct a command; torch-free, so that reading it is quick.
namespace referent::app {

using Path = std::filesystem::path;

/// Half the processors, 1 to 8: the others compute, and loaders beyond need only disturb them.
inline std::int64_t default_workers() {
  return std::clamp<std::int64_t>(std::thread::hardware_concurrency() / 2, 1, 8);
}

/// Options that every command takes.
struct CommonOptions {
  std::string device = "cpu";
  std::int64_t threads = 0;                  ///< compute threads; 0: LibTorch's choice
  std::int64_t workers = default_workers();  ///< loader threads
  checkpoint::Weights weights = checkpoint::Weights::kEma;  ///< of a checkpoint that is read
  bool json = false;
  bool quiet = false;
  bool verbose = false;
};

struct VersionOptions {};

struct TrainOptions {
  Path config;
  std::vector<std::string> overrides;
  Path out;
  /// "": a new run; "auto": from the run folder's last checkpoint; else a checkpoint file.
  std::string resume;
  bool overwrite = false;
  double time_limit = 0;         ///< seconds; 0: none
  bool auto_accumulate = false;  ///< where memory does not suffice, more and smaller pieces
  std::optional<Path> profile;   ///< where the timeline of a step goes
};

struct EvalOptions {
  Path checkpoint;
  std::vector<std::string> data;  ///< names of data.eval, or FORMAT:PATH[:SPLIT]
  Path images;
  data::MissingImages missing = data::MissingImages::kError;
  bool missing_given = false;
  std::int64_t batch_size = 0;  ///< 0: the configuration's
  std::string dtype = "float32";
  bool exchange_expressions = false;
  Path predictions;  ///< scored instead of a checkpoint
  Path compare;      ///< a checkpoint or a file of predictions
  bool intervals = false;
  bool breakdown = false;
  Path save_predictions;
  Path sheet;
  std::int64_t sheet_count = 8;
};

struct GroundOptions {
  Path checkpoint;
  Path image;  ///< a picture or a folder of pictures
  std::vector<std::string> expressions;
  Path list;  ///< JSON lines instead of both; "-": standard input
  Path out;
  bool mask = false;
  std::string dtype = "float32";
};

struct ImportOptions {
  Path file;
  std::string family;  ///< empty: told by the names in the file
  std::string preset;
  Path config;
  std::vector<std::string> overrides;
  Path out;
};

enum class Names { kNative, kReleased };

enum class ExportFormat { kSafetensors, kTorchScript };

struct ExportOptions {
  Path checkpoint;
  ExportFormat format = ExportFormat::kSafetensors;
  Names names = Names::kNative;
  Path out;
};

struct InspectOptions {
  Path file;
};

struct DiffOptions {
  Path a;
  Path b;
  double tolerance = 0;
};

struct VerifyOptions {
  std::vector<Path> files;
};

struct SynthesizeOptions {
  Path out;
  data::SceneConfig scenes;
  std::int64_t train_count = 2000;
  std::int64_t val_count = 400;
};

struct DataCheckOptions {
  std::vector<std::string> data;  ///< FORMAT:PATH[:SPLIT], or configuration files
  Path images;
  data::Pictures pictures = data::Pictures::kDecode;
  std::vector<data::FindingKind> allowed;
  std::int64_t examples = 3;
  std::int64_t length = 0;  ///< of tokens; 0: the configuration's, or as many as BERT takes
};

struct DataConvertOptions {
  std::string source;  ///< FORMAT:PATH[:SPLIT]
  data::DatasetFormat format = data::DatasetFormat::kJsonl;
  Path images;
  Path out;
};

struct DataStatsOptions {
  std::vector<std::string> data;
  Path images;
};

struct TrainTokenizerOptions {
  std::vector<std::string> data;  ///< FORMAT:PATH[:SPLIT]
  std::vector<Path> texts;        ///< files of one expression a line
  std::int64_t size = 1000;       ///< most pieces
  text::SentencePieceType type = text::SentencePieceType::kUnigram;
  Path out;
};

enum class ConfigAction { kShow, kCheck, kSchema, kDocs };

struct ConfigOptions {
  ConfigAction action = ConfigAction::kCheck;
  std::vector<Path> files;
  std::vector<std::string> overrides;
  bool origin = false;
};

struct ParityOptions {
  Path folder;            ///< of goldens, or one case
  std::string only;       ///< run cases whose name holds this
  bool failures = false;  ///< print failing outputs only
};

enum class BenchWhat { kOps, kForward, kTrain, kOptimizer, kLoader };

struct BenchOptions {
  BenchWhat what = BenchWhat::kForward;
  std::string preset = "mmca-r50";
  std::int64_t batch_size = 1;
  std::int64_t rounds = 7;
  /// Absent: the preset's, of ops the published models'.
  std::optional<std::int64_t> image_size;
  std::string dtype = "float32";  ///< ops, forward, train: or bfloat16; on a GPU float16
  std::optional<Path> profile;    ///< forward, train: where a timeline goes
  Path images;                    ///< loader: JPEG files; empty: made for the occasion
  std::int64_t pictures = 64;     ///< loader: how many of them
};

struct DemoOptions {
  Path out = "demo";
  Path config;         ///< empty: configs/demo.json, or configs/demo-masks.json, of this checkout
  bool masks = false;  ///< VG-LAW with boxes and masks instead of MMCA with boxes
  std::int64_t seed = 13;
};

struct DoctorOptions {};

enum class Shell { kBash, kZsh, kFish };

struct CompletionOptions {
  Shell shell = Shell::kBash;
};

struct ReferenceOptions {};

using distributed::LaunchOptions;

struct CommandLine {
  CommonOptions common;
  std::variant<VersionOptions, TrainOptions, EvalOptions, GroundOptions, ImportOptions,
               ExportOptions, InspectOptions, DiffOptions, VerifyOptions, SynthesizeOptions,
               DataCheckOptions, DataConvertOptions, DataStatsOptions, ConfigOptions, ParityOptions,
               BenchOptions, DemoOptions, TrainTokenizerOptions, DoctorOptions, CompletionOptions,
               ReferenceOptions, LaunchOptions>
      options;
  std::vector<std::string> words;  ///< as given, for the record of a run
};

}  // namespace referent::app

template <>
struct referent::config::EnumNames<referent::app::Shell> {
  static constexpr std::array kNames{std::pair{referent::app::Shell::kBash, "bash"},
                                     std::pair{referent::app::Shell::kZsh, "zsh"},
                                     std::pair{referent::app::Shell::kFish, "fish"}};
};

template <>
struct referent::config::EnumNames<referent::app::ExportFormat> {
  static constexpr std::array kNames{
      std::pair{referent::app::ExportFormat::kSafetensors, "safetensors"},
      std::pair{referent::app::ExportFormat::kTorchScript, "torchscript"}};
};

template <>
struct referent::config::EnumNames<referent::checkpoint::Weights> {
  static constexpr std::array kNames{std::pair{referent::checkpoint::Weights::kEma, "ema"},
                                     std::pair{referent::checkpoint::Weights::kRaw, "raw"}};
};

template <>
struct referent::config::EnumNames<referent::app::Names> {
  static constexpr std::array kNames{std::pair{referent::app::Names::kNative, "native"},
                                     std::pair{referent::app::Names::kReleased, "released"}};
};

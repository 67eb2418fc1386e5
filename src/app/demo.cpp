// SPDX-License-Identifier: Apache-2.0
#include <fstream>
#include <nlohmann/json.hpp>

#include "referent/app/commands.h"
#include "referent/core/embed.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/core/signal.h"
#include "referent/data/dataset.h"
#include "referent/data/scenes.h"
#include "referent/engine/evaluator.h"
#include "referent/image/decode.h"
#include "referent/image/draw.h"
#include "referent/image/encode.h"
#include "referent/image/mask.h"
#include "referent/image/resample.h"
#include "referent/inference/build.h"
#include "referent/text/config.h"
#include "referent/text/sentence_piece.h"
#include "train.h"

REFERENT_EMBED(demo_config, REFERENT_DEMO_CONFIG)
REFERENT_EMBED(demo_masks_config, REFERENT_DEMO_MASKS_CONFIG)

namespace referent::app {
namespace {

constexpr std::int64_t kTrainScenes = 24000;
constexpr std::int64_t kHeldOutScenes = 400;
constexpr std::int64_t kSceneSize = 64;  ///< of the demo's own configurations [pixels]
constexpr std::int64_t kMostObjects = 4;
constexpr std::size_t kPictures = 6;
constexpr const char* kDatasetName = "scenes";

engine::RunConfig config_of(const DemoOptions& options, const Path& scenes) {
  const std::vector<std::string> overrides{
      fmt::format("seed={}", options.seed),
      fmt::format("model.text_encoder.tokenizer.model={}", (scenes / "pieces.model").string()),
      fmt::format("data.train.0.path={}", (scenes / "train.jsonl").string()),
      fmt::format("data.eval.{}.path={}", kDatasetName, (scenes / "val.jsonl").string())};
  if (!options.config.empty()) return engine::load_run_config(options.config, overrides);
  return engine::parse_run_config(
      std::string(options.masks ? demo_masks_config() : demo_config()),
      options.masks ? "the demo's configuration with masks" : "the demo's configuration",
      overrides);
}

/// Trains the tokenizer, where the configuration asks for one of the demo's own.
void make_tokenizer(const engine::RunConfig& config) {
  const encoders::TextEncoderConfig& encoder = config.model.text_encoder;
  if (encoder.tokenizer.type != text::TokenizerType::kSentencePiece) return;
  if (std::filesystem::exists(encoder.tokenizer.model)) return;
  write_file(encoder.tokenizer.model,
             text::train_sentence_piece(data::read_expressions(config.data.train.front()),
                                        encoder.vocabulary_size, text::SentencePieceType::kBpe));
}

/// Where the demo puts what it makes. Boxes and masks share scenes.
struct DemoFolders {
  explicit DemoFolders(const DemoOptions& options)
      : scenes(options.out / "scenes"),
        run(options.out / (options.masks ? "run-masks" : "run")),
        pictures(options.out / (options.masks ? "pictures-masks" : "pictures")) {}
  Path scenes;
  Path run;
  Path pictures;
};

/// Expected Prec@0.5 of pointing at any object of the scene, each as likely.
double random_object_score(const Path& annotations) {
  std::ifstream stream(annotations);
  double score = 0;
  std::int64_t scenes = 0;
  for (std::string line; std::getline(stream, line); ++scenes) {
    const auto others = nlohmann::json::parse(line).at("objects").size();
    // Objects do not overlap, so the target is the only one that counts as found.
    score += 1.0 / static_cast<double>(others + 1);
  }
  return scenes > 0 ? score / static_cast<double>(scenes) : 0;
}

constexpr std::int64_t kScale = 4;  ///< scenes are small: this leaves room for a legible label

image::Box scaled(const image::Box& box) {
  return {box.x1 * kScale, box.y1 * kScale, box.x2 * kScale, box.y2 * kScale};
}

std::optional<image::Mask> scaled(const std::optional<formats::Rle>& mask) {
  if (!mask) return std::nullopt;
  return image::resize(image::mask_of(*mask), mask->width * kScale, mask->height * kScale,
                       image::MaskResize::kPixelCentre);
}

/// The first held-out scenes: what was found with the expression, and what was meant in the
/// target's colour.
void draw_scenes(const engine::Evaluation& evaluation, const Path& folder) {
  make_folders(folder);
  std::vector<image::Image> pictures;
  for (std::size_t i = 0; i < std::min(kPictures, evaluation.results.size()); ++i) {
    const engine::SampleResult& result = evaluation.results[i];
    const image::Image scene = image::decode_file(result.image, image::Orientation::kIgnore);
    const std::vector<image::Annotation> annotations{
        {scaled(result.target), image::kTargetColor, ""},
        {scaled(result.box), image::kPredictionColor, result.expression, scaled(result.mask)}};
    pictures.push_back(image::draw_annotations(
        image::resize(scene, scene.width * kScale, scene.height * kScale, image::Filter::kBicubic),
        annotations));
    image::save_image(folder / fmt::format("{}.png", i + 1), pictures.back());
  }
  image::save_image(folder / "all.png", image::contact_sheet(pictures, 3, 400));
}

void print_json(const engine::Evaluation& evaluation, double chance, const Path& checkpoint,
                const Path& pictures) {
  nlohmann::ordered_json document{{"schema_version", 1},
                                  {"prec@0.5", evaluation.metrics.precision(0.5F)},
                                  {"mean_iou", evaluation.metrics.mean_iou()},
                                  {"random_object_prec@0.5", chance}};
  if (evaluation.masks) {
    document["mask_prec@0.5"] = evaluation.masks->precision(0.5F);
    document["mask_mean_iou"] = evaluation.masks->mean_iou();
    document["mask_overall_iou"] = evaluation.masks->overall_iou();
  }
  document["checkpoint"] = checkpoint.string();
  document["pictures"] = pictures.string();
  fmt::print("{}\n", document.dump(1));
}

void print_for_people(const engine::Evaluation& evaluation, double chance, const Path& checkpoint,
                      const DemoFolders& folders) {
  fmt::print("{}", engine::evaluations_table(std::span(&evaluation, 1)));
  fmt::print("Prec@0.5 {:.1f} % (pointing at a random object: {:.1f} %)\n",
             100 * evaluation.metrics.precision(0.5F), 100 * chance);
  fmt::print("Pictures: {} (orange: found, green: meant), all in {}\n", folders.pictures.string(),
             (folders.pictures / "all.png").string());
  fmt::print("Ground your own: referent ground {} {} \"the red circle\"{} --out found.png\n",
             checkpoint.string(), (folders.scenes / "images").string() + "/<scene>.png",
             evaluation.masks ? " --mask" : "");
}

}  // namespace

int run_synthesize(const SynthesizeOptions& options, const CommonOptions& common) {
  install_stop_handler();  // an interrupted folder is not kept
  data::synthesize(options.out, options.scenes, options.train_count, options.val_count);
  log::info("wrote {} training and {} held-out scenes to {}", options.train_count,
            options.val_count, options.out.string());
  if (common.json) {
    fmt::print("{}\n", nlohmann::ordered_json({{"schema_version", 1},
                                               {"train", (options.out / "train.jsonl").string()},
                                               {"val", (options.out / "val.jsonl").string()}})
                           .dump(2));
  }
  return 0;
}

int run_demo(const DemoOptions& options, const CommonOptions& common,
             const std::vector<std::string>& words) {
  DemoFolders folders(options);
  engine::RunConfig config = config_of(options, folders.scenes);
  if (config.data.image.size != kSceneSize) {
    folders.scenes += fmt::format("-{}", config.data.image.size);
    config = config_of(options, folders.scenes);
  }
  if (!std::filesystem::exists(folders.scenes)) {
    make_folders(options.out);
    install_stop_handler();
    data::SceneConfig scene_config;
    scene_config.size = config.data.image.size;
    scene_config.max_objects = kMostObjects;
    scene_config.seed = options.seed;
    log::info("1/4 synthesizing {} scenes", kTrainScenes + kHeldOutScenes);
    data::synthesize(folders.scenes, scene_config, kTrainScenes, kHeldOutScenes);
  }
  make_tokenizer(config);
  log::info("2/4 training");
  TrainOptions training;
  training.out = folders.run;
  training.resume = "auto";  // a second demo in the same folder trains no second time
  CommonOptions without_json = common;
  without_json.json = false;
  if (const int status = train(config, training, without_json, words); status != 0) return status;

  log::info("3/4 evaluating on held-out scenes");
  const Path checkpoint = folders.run / "best";
  const inference::Predictor predictor(checkpoint,
                                       {.device = inference::parse_device(common.device)});
  const auto evaluation =
      engine::evaluate(
          predictor, kDatasetName,
          data::open_dataset(config.data.eval.at(kDatasetName),
                             predictor.has_mask_head() ? data::Masks::kRead : data::Masks::kIgnore),
          {.batch_size = config.eval.batch_size, .workers = common.workers})
          .value();
  log::info("4/4 grounding {} held-out scenes", kPictures);
  draw_scenes(evaluation, folders.pictures);

  const double chance = random_object_score(folders.scenes / "val.jsonl");
  if (common.json) {
    print_json(evaluation, chance, checkpoint, folders.pictures);
  } else {
    print_for_people(evaluation, chance, checkpoint, folders);
  }
  return 0;
}

}  // namespace referent::app

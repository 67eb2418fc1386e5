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
#include "referent/image/resample.h"
#include "referent/inference/build.h"
#include "train.h"

REFERENT_EMBED(demo_config, REFERENT_DEMO_CONFIG)

namespace referent::app {
namespace {

constexpr std::int64_t kTrainScenes = 24000;
constexpr std::int64_t kHeldOutScenes = 400;
constexpr std::int64_t kMostObjects = 4;
constexpr std::size_t kPictures = 6;
constexpr const char* kDatasetName = "scenes";

engine::RunConfig config_of(const DemoOptions& options, const Path& scenes) {
  const std::vector<std::string> overrides{
      fmt::format("seed={}", options.seed),
      fmt::format("data.train.0.path={}", (scenes / "train.jsonl").string()),
      fmt::format("data.eval.{}.path={}", kDatasetName, (scenes / "val.jsonl").string())};
  return options.config.empty() ? engine::parse_run_config(std::string(demo_config()),
                                                           "the demo's configuration", overrides)
                                : engine::load_run_config(options.config, overrides);
}

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

/// The first held-out scenes: what was found with the expression, and what was meant in the
/// target's colour.
void draw_scenes(const engine::Evaluation& evaluation, const Path& folder) {
  make_folders(folder);
  std::vector<image::Image> pictures;
  for (std::size_t i = 0; i < std::min(kPictures, evaluation.results.size()); ++i) {
    const engine::SampleResult& result = evaluation.results[i];
    const image::Image scene = image::decode_file(result.image, image::Orientation::kIgnore);
    // Scenes are small: four times their size leaves room for a legible label.
    constexpr std::int64_t kScale = 4;
    const auto scaled = [](const image::Box& box) {
      return image::Box{box.x1 * kScale, box.y1 * kScale, box.x2 * kScale, box.y2 * kScale};
    };
    const std::vector<image::Annotation> annotations{
        {scaled(result.target), image::kTargetColor, ""},
        {scaled(result.box), image::kPredictionColor, result.expression}};
    pictures.push_back(image::draw_annotations(
        image::resize(scene, scene.width * kScale, scene.height * kScale, image::Filter::kBicubic),
        annotations));
    image::save_image(folder / fmt::format("{}.png", i + 1), pictures.back());
  }
  image::save_image(folder / "all.png", image::contact_sheet(pictures, 3, 400));
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
  const Path scenes = options.out / "scenes";
  const Path run = options.out / "run";
  const engine::RunConfig config = config_of(options, scenes);
  if (!std::filesystem::exists(scenes)) {
    make_folders(options.out);
    install_stop_handler();
    data::SceneConfig scene_config;
    scene_config.size = config.data.image.size;
    scene_config.max_objects = kMostObjects;
    scene_config.seed = options.seed;
    log::info("1/4 synthesizing {} scenes", kTrainScenes + kHeldOutScenes);
    data::synthesize(scenes, scene_config, kTrainScenes, kHeldOutScenes);
  }
  log::info("2/4 training");
  TrainOptions training;
  training.out = run;
  training.resume = "auto";  // a second demo in the same folder trains no second time
  CommonOptions without_json = common;
  without_json.json = false;
  if (const int status = train(config, training, without_json, words); status != 0) return status;

  log::info("3/4 evaluating on held-out scenes");
  const Path checkpoint = run / "best";
  const inference::Predictor predictor(checkpoint, inference::parse_device(common.device));
  const auto evaluation =
      engine::evaluate(predictor, kDatasetName,
                       data::open_dataset(config.data.eval.at(kDatasetName)),
                       {.batch_size = config.eval.batch_size, .workers = common.workers})
          .value();
  log::info("4/4 grounding {} held-out scenes", kPictures);
  draw_scenes(evaluation, options.out / "pictures");

  const double chance = random_object_score(scenes / "val.jsonl");
  if (common.json) {
    fmt::print("{}\n", nlohmann::ordered_json({{"schema_version", 1},
                                               {"prec@0.5", evaluation.metrics.precision(0.5F)},
                                               {"mean_iou", evaluation.metrics.mean_iou()},
                                               {"random_object_prec@0.5", chance},
                                               {"checkpoint", checkpoint.string()},
                                               {"pictures", (options.out / "pictures").string()}})
                           .dump(1));
    return 0;
  }
  fmt::print("{}", engine::evaluations_table(std::span(&evaluation, 1)));
  fmt::print("Prec@0.5 {:.1f} % (pointing at a random object: {:.1f} %)\n",
             100 * evaluation.metrics.precision(0.5F), 100 * chance);
  fmt::print("Pictures: {} (orange: found, green: meant), all in {}\n",
             (options.out / "pictures").string(), (options.out / "pictures" / "all.png").string());
  fmt::print("Ground your own: referent ground {} {} \"the red circle\" --out found.png\n",
             checkpoint.string(), (scenes / "images").string() + "/<scene>.png");
  return 0;
}

}  // namespace referent::app

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "ground_list.h"
#include "referent/app/commands.h"
#include "referent/core/error.h"
#include "referent/core/log.h"
#include "referent/core/progress.h"
#include "referent/formats/rle_json.h"
#include "referent/image/decode.h"
#include "referent/image/draw.h"
#include "referent/image/encode.h"
#include "referent/image/mask.h"
#include "referent/inference/build.h"
#include "referent/inference/predictor.h"
#include "referent/text/expression.h"

namespace referent::app {
namespace {

using Json = nlohmann::ordered_json;

/// Pictures are held in memory together up to so many pixels: 200 MB.
constexpr std::int64_t kMaxPixels = 1 << 26;

/// An expression that is too long is grounded by its beginning; whoever asked should know.
void warn_of_truncation(const std::vector<GroundTask>& tasks,
                        const inference::Predictor& predictor) {
  const std::int64_t length = predictor.config().data.text.length;
  std::set<std::string_view> seen;
  for (const GroundTask& task : tasks) {
    if (!seen.insert(task.expression).second) continue;
    if (!text::encode_expression(predictor.tokenizer(), task.expression, length).truncated)
      continue;
    log::warning(
        "the model reads {} tokens of an expression; what is beyond them in \"{}\" is "
        "ignored",
        length, task.expression);
  }
}

/// Asked before any work: a model without mask head makes no masks.
void check_mask_head(const GroundOptions& options, const inference::Predictor& predictor) {
  if (!options.mask || predictor.has_mask_head()) return;
  throw CheckpointError(
      "{}: this model has no mask head, so that it finds boxes only: leave out --mask, or train "
      "one with model.heads.mask",
      options.checkpoint.string());
}

/// A picture and the tasks about it.
struct Group {
  Path image;
  std::vector<std::size_t> tasks;
  Path drawing;  ///< where it is drawn; empty: nowhere
};

std::vector<Group> group_by_picture(const std::vector<GroundTask>& tasks) {
  std::vector<Group> groups;
  std::map<Path, std::size_t> places;
  for (std::size_t i = 0; i < tasks.size(); ++i) {
    const auto [place, is_new] = places.try_emplace(tasks[i].image, groups.size());
    if (is_new) groups.push_back({tasks[i].image, {}, {}});
    groups[place->second].tasks.push_back(i);
  }
  return groups;
}

/// Whether --out is a folder: one that is there, or what takes several pictures.
bool is_folder(const GroundOptions& options) {
  std::error_code code;
  return !options.list.empty() || std::filesystem::is_directory(options.image, code) ||
         std::filesystem::is_directory(options.out, code) || !options.out.has_filename();
}

/// A name for every drawing, none twice and none of a picture that is read.
void name_drawings(const GroundOptions& options, std::vector<Group>& groups) {
  if (options.out.empty()) return;
  const bool folder = is_folder(options);
  if (folder) {
    make_folders(options.out);
  } else {
    image::check_image_name(options.out);
  }
  const auto resolved = [](const Path& path) {
    std::error_code code;  // of a name that is too long, for one: reading it tells
    return std::filesystem::weakly_canonical(path, code);
  };
  std::set<Path> read;
  for (const Group& group : groups) read.insert(resolved(group.image));
  std::set<Path> given;
  for (Group& group : groups) {
    const std::string stem = group.image.stem().string();
    group.drawing = folder ? options.out / (stem + ".png") : options.out;
    for (int k = 2; !given.insert(group.drawing).second; ++k) {
      group.drawing = options.out / fmt::format("{}-{}.png", stem, k);
    }
    const Path file = resolved(group.drawing);
    if (!file.empty() && read.contains(file)) {
      throw ConfigError("--out: {} would replace the picture that is read; name another folder",
                        group.drawing.string());
    }
  }
}

struct Grounded {
  Prediction prediction;
  std::int64_t width = 0;  ///< of the picture
  std::int64_t height = 0;
};

/// Works through the tasks, picture by picture.
class Grounding {
 public:
  Grounding(const GroundOptions& options, const inference::Predictor& predictor, GroundList list)
      : options_(options),
        predictor_(predictor),
        tasks_(std::move(list.tasks)),
        errors_(std::move(list.errors)),
        results_(tasks_.size()) {}

  void run() {
    std::vector<Group> groups = group_by_picture(tasks_);
    name_drawings(options_, groups);
    ProgressBar bar("grounding", static_cast<std::int64_t>(groups.size()));
    const auto most = static_cast<std::size_t>(predictor_.config().eval.batch_size);
    std::vector<Seen> seen;
    std::int64_t pixels = 0;
    for (const Group& group : groups) {
      try {
        seen.push_back({&group, image::decode_file(group.image, image::Orientation::kApply)});
        pixels += seen.back().image.width * seen.back().image.height;
      } catch (const DataError& error) {
        add_error(group, error.what());
      }
      if (seen.size() == most || pixels > kMaxPixels || &group == &groups.back()) {
        ground(seen);
        seen.clear();
        pixels = 0;
      }
      bar.advance();
    }
    std::ranges::stable_sort(errors_, {}, &GroundError::line);
  }

  const std::vector<GroundTask>& tasks() const { return tasks_; }
  const std::vector<GroundError>& errors() const { return errors_; }
  /// By task; empty where it failed.
  const std::vector<std::optional<Grounded>>& results() const { return results_; }

 private:
  struct Seen {
    const Group* group;
    image::Image image;
  };

  void add_error(const Group& group, const std::string& message) {
    for (const std::size_t i : group.tasks) {
      errors_.push_back({tasks_[i].line, group.image.string(), message});
      if (!tasks_[i].line) return;  // once for the picture
    }
  }

  void ground(std::span<const Seen> seen) {
    std::vector<inference::Query> queries;
    for (const auto& [group, image] : seen) {
      for (const std::size_t i : group->tasks) queries.push_back({&image, tasks_[i].expression});
    }
    std::vector<Prediction> predictions;
    try {
      predictions = predictor_.ground(queries);
    } catch (const DataError& error) {
      // One of them: each on its own.
      if (seen.size() == 1) return add_error(*seen[0].group, error.what());
      for (std::size_t k = 0; k < seen.size(); ++k) ground(seen.subspan(k, 1));
      return;
    }
    auto next = predictions.begin();
    for (const auto& [group, image] : seen) {
      for (const std::size_t i : group->tasks) {
        results_[i] = Grounded{std::move(*next++), image.width, image.height};
      }
      if (!group->drawing.empty()) draw(*group, image);
    }
  }

  /// The picture with every box, and mask where it is asked for.
  void draw(const Group& group, const image::Image& image) const {
    std::vector<image::Annotation> annotations;
    for (const std::size_t i : group.tasks) {
      const Prediction& prediction = results_[i].value().prediction;
      annotations.push_back({.box = prediction.box,
                             .color = image::prediction_color(annotations.size()),
                             .label = prediction.expression});
      if (options_.mask) annotations.back().mask = image::mask_of(prediction.mask.value());
    }
    image::save_image(group.drawing, image::draw_annotations(image, annotations));
    log::info("wrote {}", group.drawing.string());
  }

  const GroundOptions& options_;
  const inference::Predictor& predictor_;
  std::vector<GroundTask> tasks_;
  std::vector<GroundError> errors_;
  std::vector<std::optional<Grounded>> results_;
};

Json prediction_json(const GroundTask& task, const Grounded& grounded, bool mask) {
  const auto& [prediction, width, height] = grounded;
  const image::Box& box = prediction.box;
  Json json{{"image", task.image.string()},
            {"expression", prediction.expression},
            {"width", width},
            {"height", height},
            {"box", {box.x1, box.y1, box.x2, box.y2}},
            {"score", prediction.score ? Json(*prediction.score) : Json(nullptr)}};
  if (mask) json["mask"] = formats::rle_json(prediction.mask.value());
  return json;
}

std::string document(const GroundOptions& options, const Grounding& grounding) {
  Json predictions = Json::array();
  for (std::size_t i = 0; i < grounding.tasks().size(); ++i) {
    if (const auto& result = grounding.results()[i]) {
      predictions.push_back(prediction_json(grounding.tasks()[i], *result, options.mask));
    }
  }
  Json errors = Json::array();
  for (const GroundError& error : grounding.errors()) {
    Json json = Json::object();
    if (error.line) json["line"] = *error.line;
    json["image"] = error.image;
    json["message"] = error.message;
    errors.push_back(std::move(json));
  }
  return Json({{"schema_version", 1},
               {"predictions", std::move(predictions)},
               {"errors", std::move(errors)}})
      .dump(2, ' ', false, Json::error_handler_t::replace);
}

/// A line an expression; with the picture's name where there are several.
void print_lines(const GroundOptions& options, const Grounding& grounding) {
  std::error_code code;
  const bool several = !options.list.empty() || std::filesystem::is_directory(options.image, code);
  for (std::size_t i = 0; i < grounding.tasks().size(); ++i) {
    const auto& result = grounding.results()[i];
    if (!result) continue;
    const Prediction& prediction = result->prediction;
    fmt::print("{}{:.1f} {:.1f} {:.1f} {:.1f}  {}{}\n",
               several ? grounding.tasks()[i].image.string() + "  " : "", prediction.box.x1,
               prediction.box.y1, prediction.box.x2, prediction.box.y2, prediction.expression,
               options.mask
                   ? fmt::format("  ({} pixels)", formats::rle_area(prediction.mask.value()))
                   : "");
  }
}

void log_errors(const GroundOptions& options, const Grounding& grounding) {
  const std::string list = options.list == "-" ? "standard input" : options.list.string();
  for (const GroundError& error : grounding.errors()) {
    log::error("{}{}", error.line ? fmt::format("{}:{}: ", list, *error.line) : "", error.message);
  }
}

}  // namespace

int run_ground(const GroundOptions& options, const CommonOptions& common) {
  if (options.list.empty() && options.image.empty()) {
    throw ConfigError("ground: give a picture and an expression, or --list");
  }
  GroundList list = read_tasks(options);
  const torch::Device device = inference::parse_device(common.device);
  const inference::Predictor predictor(options.checkpoint,
                                       {.device = device,
                                        .dtype = inference::parse_dtype(options.dtype, device),
                                        .weights = common.weights});
  check_mask_head(options, predictor);
  warn_of_truncation(list.tasks, predictor);
  Grounding grounding(options, predictor, std::move(list));
  grounding.run();
  if (common.json) {
    fmt::print("{}\n", document(options, grounding));
  } else {
    print_lines(options, grounding);
  }
  log_errors(options, grounding);
  return static_cast<int>(grounding.errors().empty() ? ExitStatus::kOk : ExitStatus::kData);
}

}  // namespace referent::app

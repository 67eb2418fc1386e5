// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "new_folder.h"
#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/core/progress.h"
#include "referent/core/signal.h"
#include "referent/data/scenes.h"
#include "referent/formats/rle_json.h"
#include "referent/image/encode.h"

namespace referent::data {
namespace {

using Json = nlohmann::ordered_json;

/// Scenes of the validation split begin here, so that its pictures do not depend on how many there
/// are for training.
constexpr std::int64_t kFirstValidationScene = std::int64_t{1} << 40;

/// Without the sync of write_file; NewFolder does it.
void write_unsynced(const Path& path, std::span<const std::byte> bytes) {
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (!file) throw FileError("cannot write {}: {}", path.string(), std::strerror(errno));
}

/// Whole numbers, as the boxes of scenes are.
Json xywh(const image::Box& box) {
  const auto whole = [](double value) { return static_cast<std::int64_t>(value); };
  return {whole(box.x1), whole(box.y1), whole(box.width()), whole(box.height())};
}

Json describe_mask(const Scene& scene) {
  return formats::rle_json(
      formats::rle_from_mask(scene.mask, scene.image.height, scene.image.width));
}

Json describe(const Scene& scene, const std::string& split, const std::string& id) {
  Json others = Json::array();
  for (std::size_t i = 0; i < scene.objects.size(); ++i) {
    if (static_cast<std::int64_t>(i) != scene.target) others.push_back(xywh(scene.objects[i].box));
  }
  return {{"id", id},
          {"image", fmt::format("images/{}.png", id)},
          {"expression", scene.expression},
          {"box", xywh(scene.objects[static_cast<std::size_t>(scene.target)].box)},
          {"mask", describe_mask(scene)},
          {"split", split},
          {"width", scene.image.width},
          {"height", scene.image.height},
          {"relational", scene.relational},
          {"objects", std::move(others)}};
}

void write_split(const Path& folder, const SceneConfig& config, const std::string& split,
                 std::int64_t first, std::int64_t count) {
  AtomicFile lines(folder / fmt::format("{}.jsonl", split));
  ProgressBar progress(fmt::format("{} scenes", split), count);
  for (std::int64_t i = 0; i < count; ++i) {
    if (stop_signal() != 0) {
      throw Error(static_cast<ExitStatus>(128 + stop_signal()), "stopped: no scenes were kept");
    }
    const Scene scene = make_scene(config, first + i);
    const std::string id = fmt::format("{}-{:06}", split, i);
    write_unsynced(folder / "images" / (id + ".png"), image::encode_png(scene.image));
    lines.write(describe(scene, split, id).dump() + "\n");
    progress.advance();
  }
  lines.commit();
}

}  // namespace

void synthesize(const std::filesystem::path& out, const SceneConfig& config,
                std::int64_t train_count, std::int64_t val_count) {
  NewFolder folder(out);
  make_folders(folder.folder() / "images");
  write_split(folder.folder(), config, "train", 0, train_count);
  write_split(folder.folder(), config, "val", kFirstValidationScene, val_count);
  folder.commit();
}

}  // namespace referent::data

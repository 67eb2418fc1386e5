// SPDX-License-Identifier: Apache-2.0
#include "pictures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "referent/core/error.h"
#include "referent/core/random.h"
#include "referent/image/decode.h"
#include "referent/image/encode.h"

namespace referent::app::bench {
namespace {

constexpr std::array<const char*, 4> kExpressions{
    "the man in the red shirt who is holding a frisbee", "left zebra",
    "a brown dog lying on the couch next to the window", "woman with umbrella"};

/// Waves for what is smooth in a photo and noise for what is not.
image::Image make_picture(std::uint64_t number) {
  constexpr std::int64_t kNoise = 17;
  RandomStream stream(0, 0, number, "picture");
  image::Image picture(640, 480);
  for (std::int64_t y = 0; y < picture.height; ++y) {
    std::uint8_t* value = picture.row(y);
    for (std::int64_t x = 0; x < picture.width; ++x) {
      for (int channel = 1; channel <= 3; ++channel) {
        const double wave = 128 + 70 * std::sin(0.03 * channel * static_cast<double>(x)) *
                                      std::cos(0.02 * channel * static_cast<double>(y));
        *value++ = static_cast<std::uint8_t>(
            std::clamp(wave + static_cast<double>(stream.integer(-kNoise, kNoise)), 0.0, 255.0));
      }
    }
  }
  return picture;
}

Path make_folder() {
  std::string name = (std::filesystem::temp_directory_path() / "referent-bench-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) throw FileError("cannot make a temporary folder");
  return name;
}

std::vector<Path> jpeg_files(const Path& folder, std::int64_t count) {
  std::vector<Path> files;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".jpg" || extension == ".jpeg") files.push_back(entry.path());
  }
  if (code) throw DataError("cannot read the folder {}: {}", folder.string(), code.message());
  if (files.empty()) throw DataError("{} holds no .jpg or .jpeg files", folder.string());
  std::ranges::sort(files);
  files.resize(std::min(files.size(), static_cast<std::size_t>(count)));
  return files;
}

}  // namespace

Pictures::Pictures(const Path& folder, std::int64_t count) {
  if (folder.empty()) {
    made_ = make_folder();
    for (std::int64_t i = 0; i < count; ++i) {
      constexpr int kQuality = 85;
      write_file(made_ / fmt::format("{:04}.jpg", i),
                 image::encode_jpeg(make_picture(static_cast<std::uint64_t>(i)), kQuality));
    }
  }
  for (const Path& file : jpeg_files(folder.empty() ? made_ : folder, count)) {
    const image::ImageSize size = image::read_image_size(file);
    const auto width = static_cast<double>(size.width);
    const auto height = static_cast<double>(size.height);
    const std::size_t number = examples_.size();
    examples_.push_back({std::to_string(number),
                         file,
                         kExpressions[number % kExpressions.size()],
                         {width / 4, height / 4, 3 * width / 4, 3 * height / 4}});
  }
}

Pictures::~Pictures() {
  std::error_code ignored;
  if (!made_.empty()) std::filesystem::remove_all(made_, ignored);
}

}  // namespace referent::app::bench

// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "annotations.h"
#include "referent/core/error.h"
#include "referent/formats/index_file.h"

namespace referent::data {
namespace {

struct Family {
  std::string_view name;
  bool corners;  ///< boxes are x1, y1, x2, y2 instead of x, y, width, height
};

/// A name that continues another stands before it.
constexpr std::array<Family, 6> kFamilies{Family{"unc+", false},     Family{"unc", false},
                                          Family{"gref_umd", false}, Family{"gref", false},
                                          Family{"referit", true},   Family{"flickr", true}};

struct IndexName {
  Family family;
  std::string split;
};

/// From a file called <family>_<split>.pth, else from its folder's name.
IndexName parse_name(const std::filesystem::path& path) {
  const std::string stem = path.stem().string();
  for (const Family& family : kFamilies) {
    if (stem.starts_with(std::string(family.name) + "_")) {
      return {family, stem.substr(family.name.size() + 1)};
    }
  }
  const std::string folder = std::filesystem::absolute(path).parent_path().filename().string();
  for (const Family& family : kFamilies) {
    if (folder == family.name) return {family, stem.substr(stem.rfind('_') + 1)};
  }
  throw DataError(
      "{}: neither the file's name (<family>_<split>.pth) nor its folder's tells the family, on "
      "which the meaning of the boxes depends; families are unc, unc+, gref, gref_umd, referit and "
      "flickr",
      path.string());
}

/// The file itself, or <folder>_<split>.pth in a folder.
std::filesystem::path index_path(const DatasetConfig& config) {
  std::error_code code;
  if (!std::filesystem::is_directory(config.path, code)) return config.path;
  if (config.split.empty()) {
    throw ConfigError("{} is a folder of index files: name a split of it", config.path.string());
  }
  const auto folder = (config.path / "").parent_path();
  return folder / fmt::format("{}_{}.pth", folder.filename().string(), config.split);
}

}  // namespace

Annotations read_index(const DatasetConfig& config) {
  const std::filesystem::path path = index_path(config);
  const IndexName name = parse_name(path);
  if (!config.split.empty() && config.split != name.split) {
    throw ConfigError("{} holds the split \"{}\", not \"{}\"", path.string(), name.split,
                      config.split);
  }
  Annotations result{std::string(name.family.name), name.split, path.parent_path(), {}};
  for (formats::IndexEntry& entry : formats::read_index(path)) {
    const auto& [a, b, c, d] = entry.box;
    Example example;
    example.id = std::to_string(result.examples.size());
    example.image = std::move(entry.image);
    example.expression = std::move(entry.expression);
    example.box = name.family.corners ? image::Box{a, b, c, d} : image::Box{a, b, a + c, b + d};
    check_example(example, fmt::format("{}: entry {}", path.string(), example.id));
    result.examples.push_back(std::move(example));
  }
  return result;
}

}  // namespace referent::data

// SPDX-License-Identifier: Apache-2.0
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>
#include <utility>

#include "readers.h"
#include "referent/core/error.h"
#include "referent/formats/index_file.h"

namespace referent::data {
namespace {

using std::filesystem::path;

/// A name that continues another stands before it.
constexpr std::array<IndexFamily, 6> kFamilies{
    IndexFamily{"unc+", false}, IndexFamily{"unc", false},    IndexFamily{"gref_umd", false},
    IndexFamily{"gref", false}, IndexFamily{"referit", true}, IndexFamily{"flickr", true}};

IndexFamily require_family(const path& file) {
  if (const auto family = index_family(file)) return *family;
  throw DataError(
      "{}: neither the file's name (<family>_<split>.pth) nor its folder's tells the family, on "
      "which the meaning of the boxes depends; families are unc, unc+, gref, gref_umd, referit and "
      "flickr",
      file.string());
}

/// The files to read, in order: the one named, or those of a folder whose names begin as the
/// folder's does.
std::vector<path> index_files(const DatasetConfig& config) {
  std::error_code code;
  if (!std::filesystem::is_directory(config.path, code)) return {config.path};
  const path folder = (config.path / "").parent_path();
  const std::string start = std::filesystem::absolute(folder).filename().string() + "_";
  if (!config.split.empty()) return {folder / (start + config.split + ".pth")};
  std::set<path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder, code)) {
    const path& file = entry.path();
    if (file.extension() == ".pth" && file.stem().string().starts_with(start)) files.insert(file);
  }
  if (files.empty()) throw DataError("{} holds no {}<split>.pth", folder.string(), start);
  return {files.begin(), files.end()};
}

/// "225429" of "225429.pth".
std::string object_name(const formats::IndexEntry& entry) {
  if (!entry.mask_file) return {};
  return path(*entry.mask_file).stem().string();
}

/// Appends the entries of one file; `prefix` tells it among others.
void read_file(const path& file, const std::string& prefix, Annotations& into) {
  const IndexFamily family = require_family(file);
  const std::string split = index_split(file, family);
  std::size_t number = 0;
  for (formats::IndexRow& row : formats::read_index_rows(file)) {
    Entry entry;
    entry.id = std::to_string(number++);
    entry.where = fmt::format("{}: entry {}", prefix, entry.id);
    entry.split = split;
    entry.fault = std::move(row.fault);
    Referent referent;
    referent.object = object_name(row.entry);
    entry.image = std::move(row.entry.image);
    entry.expression = std::move(row.entry.expression);
    if (entry.fault.empty() && row.has_box) entry.box = {row.entry.box, family.corners};
    entry.referent = std::make_shared<const Referent>(std::move(referent));
    if (row.entry.has_attributes) ++into.passed_over["attributes"];
    into.entries.push_back(std::move(entry));
  }
}

}  // namespace

std::optional<IndexFamily> index_family(const path& file) {
  const std::string stem = file.stem().string();
  for (const IndexFamily& family : kFamilies) {
    if (stem.starts_with(std::string(family.name) + "_")) return family;
  }
  const std::string folder = std::filesystem::absolute(file).parent_path().filename().string();
  for (const IndexFamily& family : kFamilies) {
    if (folder == family.name) return family;
  }
  return std::nullopt;
}

std::string index_split(const path& file, const IndexFamily& family) {
  const std::string stem = file.stem().string();
  const std::string start = std::string(family.name) + "_";
  return stem.substr(stem.starts_with(start) ? start.size() : stem.rfind('_') + 1);
}

Annotations read_index(const DatasetConfig& config) {
  const std::vector<path> files = index_files(config);
  const IndexFamily family = require_family(files.front());
  const bool is_folder = files.front() != config.path;
  if (!is_folder && !config.split.empty()) {
    const std::string split = index_split(config.path, family);
    if (config.split != split) {
      throw ConfigError("{} holds the split \"{}\", not \"{}\"", config.path.string(), split,
                        config.split);
    }
  }
  Annotations result;
  result.name = family.name;
  result.file = files.size() == 1 ? files.front() : files.front().parent_path();
  result.folder = files.front().parent_path();
  for (const path& file : files) {
    read_file(file, files.size() == 1 ? "" : "/" + file.filename().string(), result);
  }
  return result;
}

}  // namespace referent::data

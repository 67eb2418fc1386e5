// SPDX-License-Identifier: Apache-2.0
#include "image_finder.h"

#include <system_error>

namespace referent::data {

std::optional<std::filesystem::path> ImageFinder::find(const std::filesystem::path& name) {
  auto path = folder_ / name;  // an absolute name stays as it is
  if (exists(path)) return path;
  if (!name.has_parent_path()) return std::nullopt;
  path = folder_ / name.filename();
  if (exists(path)) return path;
  return std::nullopt;
}

bool ImageFinder::exists(const std::filesystem::path& path) {
  const std::filesystem::path parent = path.has_parent_path() ? path.parent_path() : ".";
  const auto [entry, is_new] = listings_.try_emplace(parent.string());
  if (is_new) {
    // A folder that is not there lists nothing; whoever needs its files reports them missing.
    std::error_code code;
    for (auto file = std::filesystem::directory_iterator(parent, code);
         !code && file != std::filesystem::directory_iterator(); file.increment(code)) {
      entry->second.insert(file->path().filename().string());
    }
  }
  return entry->second.contains(path.filename().string());
}

}  // namespace referent::data

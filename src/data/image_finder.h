// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

namespace referent::data {

/// Finds image files by the names that annotations use. Each folder is listed once: a data set
/// names thousands of files in few folders.
class ImageFinder {
 public:
  /// `folder` is where names are looked up.
  explicit ImageFinder(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// The file called `name`, relative to the folder or absolute, else the one in the folder with
  /// its base name.
  std::optional<std::filesystem::path> find(const std::filesystem::path& name);

  const std::filesystem::path& folder() const { return folder_; }

 private:
  bool exists(const std::filesystem::path& path);

  std::filesystem::path folder_;
  std::unordered_map<std::string, std::unordered_set<std::string>> listings_;
};

}  // namespace referent::data

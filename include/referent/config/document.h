// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "referent/core/file.h"

namespace referent::config {

/// Where a value was written.
struct Origin {
  std::string name;  ///< the file, "--set", or what fill() was told
  Path folder;       ///< what relative paths in it start from
};

/// A configuration before it is read into structs: the merged JSON, and where each value is from.
class Document {
 public:
  Document(nlohmann::json root, const Origin& origin);

  const nlohmann::json& root() const { return root_; }

  /// Where the value at a JSON pointer was written; nullptr when nobody wrote it.
  const Origin* origin(const std::string& pointer) const;

  /// The origin of what is at `pointer`, else of the nearest object around it: where a key that is
  /// missing should be added.
  const Origin& nearest_origin(std::string pointer) const;

  /// Lays `values` over what is there, object by object; arrays replace.
  void merge(const nlohmann::json& values, const Origin& origin);

  /// Puts `values` (an object) beneath the object at `pointer`: what is written there stays, what
  /// is not is filled in, as a preset does. Throws ConfigError when the pointer names no object.
  void fill(const std::string& pointer, const nlohmann::json& values, const Origin& origin);

  /// Applies "a.b.0.c=value" or "/a/b/0/c=value": the value is JSON if it parses, else a string;
  /// objects on the way are created, array elements must exist. Relative paths in the value start
  /// from the current folder. Throws ConfigError.
  void set(std::string_view assignment);

 private:
  void write(const std::string& pointer, nlohmann::json& target, const nlohmann::json& values,
             std::size_t origin);
  void fill_in(const std::string& pointer, nlohmann::json& target, const nlohmann::json& values,
               std::size_t origin);
  void mark(const std::string& pointer, std::size_t origin);
  void mark_all(const std::string& pointer, const nlohmann::json& value, std::size_t origin);
  std::size_t add_origin(const Origin& origin);

  nlohmann::json root_;
  std::vector<Origin> origins_;
  /// Pointer to origin, for object members and for array elements that differ from their array.
  std::map<std::string, std::size_t> places_;
};

/// Reads `file`, the files it extends ("extends": a path relative to the file that says so) from
/// the base up, then the overrides in order. Throws ConfigError: missing or unreadable files,
/// anything parse_json() refuses, a root that is no object, cycles, chains of more than 16 files.
Document load_document(const Path& file, std::span<const std::string> overrides = {});

/// A document from text that is no file, such as a checkpoint's metadata: it may not extend one.
Document parse_document(std::string_view text, const std::string& name,
                        const Path& base_folder = ".");

/// One leaf of a resolved configuration.
struct Setting {
  std::string pointer;
  nlohmann::ordered_json value;
  std::string origin;  ///< a file, "--set" or "default"
};

/// Every leaf of `resolved` (what dump() gives) with the place in `document` that decided it.
std::vector<Setting> settings(const nlohmann::ordered_json& resolved, const Document& document);

}  // namespace referent::config

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "referent/core/file.h"

namespace referent::data {

/// A folder that becomes `path` on commit() and vanishes without it.
class NewFolder {
 public:
  /// `path` is new or an empty folder. Throws FileError.
  explicit NewFolder(const Path& path);
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;
  ~NewFolder();

  /// Where to write until then.
  const Path& folder() const { return temporary_; }

  /// Throws FileError.
  void commit();

 private:
  void sync() const;

  Path path_;
  Path temporary_;
};

}  // namespace referent::data

// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "referent/core/file.h"

namespace referent::app::bench {

/// The least that anything does which reads JPEG files: a file into memory and libjpeg-turbo to RGB
/// with its defaults, into buffers that are used again. The floor of the loader.
class BareDecoder {
 public:
  /// Rows of RGB without padding, valid until the next call. The file must be a sound JPEG, since a
  /// corrupt one ends the program. Throws DataError where it cannot be read or is CMYK.
  const std::vector<std::uint8_t>& operator()(const Path& path);

 private:
  std::vector<std::byte> file_;
  std::vector<std::uint8_t> pixels_;
};

}  // namespace referent::app::bench

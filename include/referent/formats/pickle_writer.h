// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "referent/core/file.h"

namespace referent::formats::pickle {

/// Writes plain Python data (None, bool, int, float, str, list, tuple, dict) as one pickle of
/// protocol 2, which every Python reads. Nothing callable can be written. What stands between
/// begin_dict() and end_dict() is key, value, key, value, ...; text is UTF-8.
class Writer {
 public:
  Writer();

  void none();
  void boolean(bool value);
  void integer(std::int64_t value);
  void real(double value);
  void text(std::string_view value);
  /// A whole number as an int, any other as a float.
  void number(double value);

  void begin_list();
  void end_list();
  void begin_tuple();
  void end_tuple();
  void begin_dict();
  void end_dict();

  /// The pickle; nothing may be written afterwards.
  std::string finish();

 private:
  void put(char opcode) { bytes_.push_back(opcode); }
  /// The low `size` bytes of `value`, little endian.
  void put_little(std::uint64_t value, int size);

  std::string bytes_;
};

/// Writes `pickle` as torch.save does since PyTorch 1.6: a zip archive of data.pkl, stored, and a
/// version. torch.load reads it. The file appears whole or not at all. Throws FileError.
void write_torch_zip(const Path& path, std::string_view pickle);

}  // namespace referent::formats::pickle

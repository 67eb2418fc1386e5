// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/pickle_writer.h"

#include <bit>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <utility>
#include <vector>

#include "pickle_opcodes.h"
#include "referent/core/error.h"
#include "referent/core/hash.h"

namespace referent::formats::pickle {
namespace {

constexpr char op(Op code) {
  return static_cast<char>(code);
}

std::string little(std::uint64_t value, int size) {
  std::string bytes;
  for (int i = 0; i < size; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}

struct ZipField {
  std::uint64_t value;
  int size;  ///< [bytes]
};

std::string record(std::initializer_list<ZipField> fields) {
  std::string bytes;
  for (const ZipField& field : fields) bytes += little(field.value, field.size);
  return bytes;
}

/// Up to this every whole number is a double of its own.
constexpr double kMostWhole = 9007199254740992.0;

}  // namespace

Writer::Writer() {
  put(op(Op::kProto));
  put(2);
}

void Writer::put_little(std::uint64_t value, int size) {
  bytes_ += little(value, size);
}

void Writer::none() {
  put(op(Op::kNone));
}

void Writer::boolean(bool value) {
  put(op(value ? Op::kNewTrue : Op::kNewFalse));
}

void Writer::integer(std::int64_t value) {
  if (value >= std::numeric_limits<std::int32_t>::min() &&
      value <= std::numeric_limits<std::int32_t>::max()) {
    put(op(Op::kBinInt));
    put_little(static_cast<std::uint64_t>(value), 4);
  } else {
    put(op(Op::kLong1));
    put(8);
    put_little(static_cast<std::uint64_t>(value), 8);
  }
}

void Writer::real(double value) {
  put(op(Op::kBinFloat));
  const auto bits = std::bit_cast<std::uint64_t>(value);
  for (int shift = 56; shift >= 0; shift -= 8) put(static_cast<char>(bits >> shift));
}

void Writer::number(double value) {
  if (std::trunc(value) == value && std::abs(value) <= kMostWhole) {
    integer(static_cast<std::int64_t>(value));
  } else {
    real(value);
  }
}

void Writer::text(std::string_view value) {
  if (value.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw DataError("a text of {} bytes does not fit a pickle of protocol 2", value.size());
  }
  put(op(Op::kBinUnicode));
  put_little(value.size(), 4);
  bytes_ += value;
}

void Writer::begin_list() {
  put(op(Op::kEmptyList));
  put(op(Op::kMark));
}
void Writer::end_list() {
  put(op(Op::kAppends));
}
void Writer::begin_tuple() {
  put(op(Op::kMark));
}
void Writer::end_tuple() {
  put(op(Op::kTuple));
}
void Writer::begin_dict() {
  put(op(Op::kEmptyDict));
  put(op(Op::kMark));
}
void Writer::end_dict() {
  put(op(Op::kSetItems));
}

std::string Writer::finish() {
  put(op(Op::kStop));
  return std::move(bytes_);
}

void write_torch_zip(const Path& path, std::string_view pickle) {
  // Without zip64 records every number has 32 bits.
  constexpr std::uint64_t kMost = 0xFFFF0000;
  if (pickle.size() > kMost) {
    throw DataError("{}: a pickle of {} bytes does not fit a plain zip archive", path.string(),
                    pickle.size());
  }
  const std::vector<std::pair<std::string, std::string_view>> entries{
      {"archive/data.pkl", pickle}, {"archive/byteorder", "little"}, {"archive/version", "3\n"}};
  AtomicFile file(path);
  std::string directory;
  std::uint64_t offset = 0;
  for (const auto& [name, content] : entries) {
    // Version 2.0, no flags, stored, 1 January 1980, CRC, both sizes, lengths of name and extra.
    const std::string common = record({{20, 2},
                                       {0, 2},
                                       {0, 2},
                                       {0, 2},
                                       {0x21, 2},
                                       {crc32(std::as_bytes(std::span(content))), 4},
                                       {content.size(), 4},
                                       {content.size(), 4},
                                       {name.size(), 2},
                                       {0, 2}});
    std::string header("PK\x03\x04");
    header.append(common).append(name);
    directory.append("PK\x01\x02").append(little(20, 2)).append(common).append(10, '\0');
    directory.append(little(offset, 4)).append(name);
    file.write(header);
    file.write(content);
    offset += header.size() + content.size();
  }
  file.write(directory);
  file.write("PK\x05\x06" + record({{0, 4},
                                    {entries.size(), 2},
                                    {entries.size(), 2},
                                    {directory.size(), 4},
                                    {offset, 4},
                                    {0, 2}}));
  file.commit();
}

}  // namespace referent::formats::pickle

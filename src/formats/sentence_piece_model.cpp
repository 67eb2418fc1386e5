// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/sentence_piece_model.h"

#include <cstdint>
#include <string>
#include <vector>

#include "checked.h"
#include "referent/core/error.h"

namespace referent::formats {
namespace {

// Numbers of the fields that hold tables, from sentencepiece_model.proto.
constexpr std::uint64_t kNormalizer = 3;    // ModelProto.normalizer_spec
constexpr std::uint64_t kDenormalizer = 5;  // ModelProto.denormalizer_spec
constexpr std::uint64_t kCharacterMap = 2;  // NormalizerSpec.precompiled_charsmap

/// One field of a message in Protocol Buffers' wire format; `content` where it has a length.
struct Field {
  std::uint64_t number = 0;
  std::string_view content;
};

/// The fields of a message, one after the other.
class Message {
 public:
  Message(std::string_view bytes, std::string_view name) : rest_(bytes), name_(name) {}

  bool at_end() const { return rest_.empty(); }

  Field next() {
    const std::uint64_t tag = varint();
    Field field{tag >> 3, {}};
    if (field.number == 0 || tag > UINT32_MAX) torn();
    switch (tag & 7) {
      case 0:
        varint();
        break;
      case 1:
        take(8);
        break;
      case 2:
        field.content = take(varint());
        break;
      case 5:
        take(4);
        break;
      default:
        torn();
    }
    return field;
  }

 private:
  [[noreturn]] void torn() const {
    throw DataError("{} is no sentencepiece model, or torn: {} bytes of it make no sense", name_,
                    rest_.size());
  }

  std::string_view take(std::uint64_t size) {
    if (size > rest_.size()) torn();
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }

  std::uint64_t varint() {
    std::uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const auto byte = static_cast<unsigned char>(take(1).front());
      value |= std::uint64_t{byte & 0x7FU} << shift;
      if (byte < 0x80) return value;
    }
    torn();
  }

  std::string_view rest_;
  std::string_view name_;
};

std::uint32_t little_endian(std::string_view bytes, std::size_t index) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    value |= std::uint32_t{static_cast<unsigned char>(bytes[4 * index + i])} << (8 * i);
  }
  return value;
}

/// A double array as darts-clone lays it out. A node is a place from which byte c leads to the unit
/// at place XOR c if that unit's label is c; the unit says where the next node is, and whether a
/// value stands there.
class DoubleArray {
 public:
  explicit DoubleArray(std::string_view bytes) : bytes_(bytes), size_(bytes.size() / 4) {}

  /// Whether every step from the root stays inside and every value is below `limit`.
  bool is_closed(std::uint64_t limit) const {
    if (bytes_.size() % 4 != 0 || size_ == 0) return false;
    std::vector<bool> seen(size_);
    std::vector<std::uint64_t> nodes{offset(unit(0))};
    while (!nodes.empty()) {
      const std::uint64_t node = nodes.back();
      nodes.pop_back();
      if ((node | 0xFF) >= size_) return false;  // some byte would lead outside
      if (seen[node]) continue;
      seen[node] = true;
      for (std::uint64_t byte = 0; byte < 256; ++byte) {
        const std::uint32_t step = unit(node ^ byte);
        if (label(step) != byte) continue;
        const std::uint64_t next = node ^ byte ^ offset(step);
        if (has_value(step) && (next >= size_ || value(unit(next)) >= limit)) return false;
        nodes.push_back(next);
      }
    }
    return true;
  }

 private:
  static std::uint64_t offset(std::uint32_t unit) { return (unit >> 10) << ((unit & 0x200) >> 6); }
  static std::uint32_t label(std::uint32_t unit) { return unit & 0x800000FF; }
  static bool has_value(std::uint32_t unit) { return (unit & 0x100) != 0; }
  static std::uint32_t value(std::uint32_t unit) { return unit & 0x7FFFFFFF; }
  std::uint32_t unit(std::uint64_t index) const { return little_endian(bytes_, index); }

  std::string_view bytes_;
  std::uint64_t size_;
};

/// The size of a double array, the array, and the texts that its values point into, each ended by a
/// zero byte.
void check_character_map(std::string_view map, std::string_view name) {
  if (map.empty()) return;
  const auto wrong = [&](std::string_view what) {
    return DataError("{}: the character map of its normaliser is corrupt: {}", name, what);
  };
  if (map.size() < 4) throw wrong("it is cut");
  const std::uint64_t size = little_endian(map, 0);
  if (!in_range(4, size, map.size())) throw wrong("its table is longer than itself");
  const std::string_view texts = map.substr(4 + size);
  if (texts.empty() || texts.back() != '\0') throw wrong("its texts have no end");
  if (!DoubleArray(map.substr(4, size)).is_closed(texts.size())) {
    throw wrong("its table leads outside itself");
  }
}

}  // namespace

void check_sentence_piece_model(std::string_view bytes, std::string_view name) {
  Message model(bytes, name);
  while (!model.at_end()) {
    const Field field = model.next();
    if (field.number != kNormalizer && field.number != kDenormalizer) continue;
    Message normalizer(field.content, name);
    while (!normalizer.at_end()) {
      const Field member = normalizer.next();
      if (member.number == kCharacterMap) check_character_map(member.content, name);
    }
  }
}

}  // namespace referent::formats

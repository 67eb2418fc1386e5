// SPDX-License-Identifier: Apache-2.0
#include "event_file.h"

#include <array>
#include <bit>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "append.h"

namespace referent::engine {
namespace {

static_assert(std::endian::native == std::endian::little);

/// Of the Castagnoli polynomial, bits reflected.
constexpr std::array<std::uint32_t, 256> kCrcTable = [] {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1U) != 0 ? 0x82F63B78U : 0U);
    table[i] = crc;
  }
  return table;
}();

/// CRC-32C, turned and shifted as TFRecord files have it.
std::uint32_t masked_crc(std::string_view bytes) {
  std::uint32_t crc = ~0U;
  for (const char c : bytes) {
    crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<std::uint8_t>(c)) & 0xFFU];
  }
  return std::rotr(~crc, 15) + 0xA282EAD8U;
}

template <typename T>
void put(std::string& bytes, T value) {
  bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
}

template <typename T>
T get(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// Field numbers and wire types of the messages' keys.
constexpr char kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5;
constexpr char key(int field, char type) {
  return static_cast<char>(field << 3 | type);
}
constexpr char kWallTime = key(1, kFixed64), kStep = key(2, kVarint), kVersion = key(3, kLength),
               kSummary = key(5, kLength);
constexpr char kValue = key(1, kLength);
constexpr char kTag = key(1, kLength), kSimpleValue = key(2, kFixed32);

void put_varint(std::string& bytes, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) bytes += static_cast<char>((value & 0x7F) | 0x80);
  bytes += static_cast<char>(value);
}

void put_text(std::string& bytes, char field, std::string_view text) {
  bytes += field;
  put_varint(bytes, text.size());
  bytes += text;
}

std::string event(std::int64_t step) {
  const std::chrono::duration<double> now = std::chrono::system_clock::now().time_since_epoch();
  std::string bytes(1, kWallTime);
  put(bytes, now.count());
  bytes += kStep;
  put_varint(bytes, static_cast<std::uint64_t>(step));
  return bytes;
}

std::string framed(const std::string& data) {
  std::string bytes;
  put(bytes, static_cast<std::uint64_t>(data.size()));
  put(bytes, masked_crc(bytes));
  bytes += data;
  put(bytes, masked_crc(data));
  return bytes;
}

/// The step of an event of ours and whether an evaluation gave it; nothing where the bytes are
/// another's.
struct Place {
  std::int64_t step = 0;
  bool evaluation = false;
};
std::optional<Place> place_of(std::string_view data) {
  constexpr std::size_t kStepAt = 1 + sizeof(double) + 1;
  if (data.size() < kStepAt || data[0] != kWallTime || data[kStepAt - 1] != kStep) {
    return std::nullopt;
  }
  std::uint64_t step = 0;
  for (std::size_t i = kStepAt, shift = 0; i < data.size() && shift < 64; ++i, shift += 7) {
    const auto byte = static_cast<std::uint8_t>(data[i]);
    step |= std::uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80U) == 0) {
      // An evaluation's tags begin with "eval/": the first stands right after its lengths.
      const bool evaluation = data.substr(i, 32).find("eval/") != std::string_view::npos;
      return Place{static_cast<std::int64_t>(step), evaluation};
    }
  }
  return std::nullopt;
}

}  // namespace

EventFile::EventFile(const Path& folder)
    : path_(folder / "tensorboard" / "events.out.tfevents.referent") {}

void EventFile::add(const Record& record) const {
  std::string bytes;
  // Empty where the process was killed within the first record.
  if (!std::filesystem::exists(path_) || std::filesystem::is_empty(path_)) {
    make_folders(path_.parent_path());
    std::string first = event(0);
    put_text(first, kVersion, "brain.Event:2");
    bytes = framed(first);
  }
  const std::string prefix =
      record.dataset.empty() ? record.kind + "/" : record.kind + "/" + record.dataset + "/";
  std::string summary;
  for (const auto& [name, value] : record.values) {
    std::string scalar;
    put_text(scalar, kTag, prefix + name);
    scalar += kSimpleValue;
    put(scalar, static_cast<float>(value));
    put_text(summary, kValue, scalar);
  }
  std::string data = event(record.step);
  put_text(data, kSummary, summary);
  append(path_, bytes + framed(data));
}

void EventFile::rewind(std::int64_t trained, std::int64_t evaluated) const {
  if (!std::filesystem::exists(path_)) return;
  constexpr std::size_t kHead = sizeof(std::uint64_t) + sizeof(std::uint32_t);
  constexpr std::size_t kTail = sizeof(std::uint32_t);
  const std::string text = read_text_file(path_);
  std::string kept;
  for (std::size_t at = 0; text.size() - at >= kHead + kTail;) {
    const std::string_view rest = std::string_view(text).substr(at);
    const auto size = get<std::uint64_t>(rest, 0);
    if (masked_crc(rest.substr(0, sizeof size)) != get<std::uint32_t>(rest, sizeof size) ||
        size > rest.size() - kHead - kTail) {
      break;
    }
    const std::string_view data = rest.substr(kHead, size);
    if (masked_crc(data) != get<std::uint32_t>(rest, kHead + size)) break;
    const std::string_view record = rest.substr(0, kHead + size + kTail);
    const std::optional<Place> place = place_of(data);
    if (place && place->step <= (place->evaluation ? evaluated : trained)) kept += record;
    at += record.size();
  }
  write_file(path_, kept);
}

}  // namespace referent::engine

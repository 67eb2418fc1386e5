// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <optional>

#include "fixtures.h"
#include "referent/core/error.h"
#include "referent/core/random.h"
#include "referent/image/decode.h"
#include "support/temporary_folder.h"

/// Torn, damaged and malicious files: an error or a picture, never a crash or a flood of memory.
namespace referent::image {
namespace {

std::vector<Path> fixture_files() {
  std::vector<Path> files;
  for (const auto& entry : std::filesystem::directory_iterator(golden_path(""))) {
    const std::string extension = entry.path().extension();
    const bool is_picture = extension == ".png" || extension == ".jpg" || extension == ".webp";
    if (is_picture) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

/// Null where decoding throws a DataError; other exceptions pass.
std::optional<Image> try_decode(std::span<const std::byte> bytes) {
  try {
    return decode_bytes(bytes, "hostile", Orientation::kApply, {.max_pixels = 1'000'000});
  } catch (const DataError&) {
    return std::nullopt;
  }
}

std::int64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss * 1024;
}

double milliseconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
      .count();
}

constexpr std::int64_t kMemoryAllowed = 64 << 20;

TEST(HostileImageTest, EveryTruncationIsAnError) {
  for (const Path& file : fixture_files()) {
    const auto bytes = read_file(file);
    // RIFF pads chunks to even sizes; the padding itself holds nothing.
    const bool is_webp = file.extension() == ".webp";
    const std::size_t longest = bytes.size() - (is_webp ? 2 : 1);
    for (std::size_t size = 0; size <= longest; ++size) {
      ASSERT_FALSE(try_decode(std::span(bytes).first(size)).has_value())
          << file.filename() << " decoded from " << size << " of " << bytes.size() << " bytes";
    }
  }
}

TEST(HostileImageTest, EveryDamagedPngByteIsAnErrorOrHarmless) {
  const auto intact = golden_file("rgba.png");
  const auto expected = try_decode(intact);
  ASSERT_TRUE(expected.has_value());
  int errors = 0;
  for (std::size_t at = 0; at < intact.size(); ++at) {
    auto bytes = intact;
    bytes[at] ^= std::byte{0x10};
    const auto image = try_decode(bytes);
    if (image.has_value()) {
      EXPECT_EQ(image->pixels, expected->pixels) << "byte " << at;
    } else {
      ++errors;
    }
  }
  EXPECT_GT(errors, static_cast<int>(intact.size()) * 9 / 10);
}

TEST(HostileImageTest, RandomDamageNeverCrashes) {
  RandomStream random(7);
  int decoded = 0;
  int refused = 0;
  for (const Path& file : fixture_files()) {
    const auto intact = read_file(file);
    for (int round = 0; round < 200; ++round) {
      auto bytes = intact;
      const std::int64_t changes = random.integer(1, 8);
      for (std::int64_t i = 0; i < changes; ++i) {
        const auto at = random.integer(0, static_cast<std::int64_t>(bytes.size()) - 1);
        bytes[static_cast<std::size_t>(at)] = static_cast<std::byte>(random.integer(0, 255));
      }
      const auto image = try_decode(bytes);
      (image.has_value() ? decoded : refused) += 1;
      if (image.has_value()) {
        ASSERT_EQ(image->pixels.size(), static_cast<std::size_t>(3 * image->width * image->height));
      }
    }
  }
  EXPECT_GT(decoded, 0);
  EXPECT_GT(refused, 0);
}

std::vector<std::vector<std::byte>> pixel_bombs() {
  std::vector<std::vector<std::byte>> bombs;
  for (const auto& [width, height] : {std::pair{32'000U, 32'000U}, std::pair{0x7FFFFFFFU, 1U << 30},
                                      std::pair{0xFFFFFFFFU, 0xFFFFFFFFU}}) {
    bombs.push_back(png_start(width, height, 1, 0));
    append_png_chunk(bombs.back(), "IDAT", "x");
    append_png_chunk(bombs.back(), "IEND", "");
  }
  using namespace std::string_view_literals;
  // A JPEG frame header of 65,535 x 65,535 with three components.
  append(bombs.emplace_back(),
         "\xFF\xD8\xFF\xC0\0\x11\x08\xFF\xFF\xFF\xFF\3\1\x22\0\2\x11\1\3\x11\1\xFF\xDA\0\x08"sv);
  // A lossless WebP of 16,384 x 16,384.
  append(bombs.emplace_back(),
         "RIFF\x1A\0\0\0WEBPVP8L\x0E\0\0\0\x2F\xFF\xFF\xFF\x0F\0\0\0\0\0\0\0\0\0"sv);
  return bombs;
}

TEST(HostileImageTest, PixelBombsAreRefusedFromTheHeader) {
  const std::vector<std::vector<std::byte>> bombs = pixel_bombs();
  const std::int64_t before = peak_memory();
  double slowest = 0;
  for (const auto& bomb : bombs) {
    const auto start = std::chrono::steady_clock::now();
    try {
      decode_bytes(bomb, "bomb", Orientation::kIgnore);
      ADD_FAILURE() << "decoded a bomb";
    } catch (const DataError& error) {
      EXPECT_NE(std::strstr(error.what(), "pixels large"), nullptr) << error.what();
    }
    slowest = std::max(slowest, milliseconds_since(start));
  }
  const std::int64_t growth = peak_memory() - before;
  std::printf(
      "image bombs: %zu refused from the header, the slowest %.3f ms, memory grew by %.1f MB\n",
      bombs.size(), slowest, static_cast<double>(growth) / 1e6);
  RecordProperty("growth_bytes", std::to_string(growth));
  EXPECT_LT(growth, kMemoryAllowed);
}

/// `megabytes` of zeros as a zlib stream, made piece by piece.
std::string packed_zeros(int megabytes) {
  z_stream stream{};
  deflateInit(&stream, 9);
  std::vector<Bytef> zeros(1 << 20);
  std::string packed;
  std::array<char, 1 << 14> piece;
  for (int i = 0; i < megabytes; ++i) {
    stream.next_in = zeros.data();
    stream.avail_in = static_cast<uInt>(zeros.size());
    do {
      stream.next_out = reinterpret_cast<Bytef*>(piece.data());
      stream.avail_out = static_cast<uInt>(piece.size());
      deflate(&stream, i + 1 == megabytes ? Z_FINISH : Z_NO_FLUSH);
      packed.append(piece.data(), piece.size() - stream.avail_out);
    } while (stream.avail_out == 0);
  }
  deflateEnd(&stream);
  return packed;
}

TEST(HostileImageTest, TextInPngFilesTakesNoMemory) {
  const auto intact = golden_file("rgb.png");
  constexpr std::size_t kHeaderEnd = 8 + 25;
  std::vector<std::byte> bytes(intact.begin(), intact.begin() + kHeaderEnd);
  const std::string bomb = std::string("Comment\0\0", 9) + packed_zeros(80);
  for (int i = 0; i < 4; ++i) append_png_chunk(bytes, "zTXt", bomb);
  append_png_chunk(bytes, "iCCP", bomb);
  bytes.insert(bytes.end(), intact.begin() + kHeaderEnd, intact.end());
  const std::int64_t before = peak_memory();
  const Image image = decode_bytes(bytes, "talkative", Orientation::kIgnore);
  const std::int64_t growth = peak_memory() - before;
  std::printf("400 MB of packed text in a PNG file: memory grew by %.1f MB\n",
              static_cast<double>(growth) / 1e6);
  EXPECT_LT(growth, kMemoryAllowed);
  EXPECT_EQ(image.pixels, decode_bytes(intact, "intact", Orientation::kIgnore).pixels);
}

/// Files of other programs that are called .jpg: told by their first bytes, and never decoded.
TEST(HostileImageTest, OtherKindsAreRefusedWhateverTheirName) {
  using namespace std::string_view_literals;
  const std::string body(4096, '\x41');
  const std::vector<std::string_view> begins{"GIF87a"sv,
                                             "GIF89a"sv,
                                             "BM\x36\0\0\0"sv,
                                             "II*\0\x08\0\0\0"sv,
                                             "MM\0*\0\0\0\x08"sv,
                                             "II+\0\x08\0\0\0"sv,
                                             "\x76\x2F\x31\x01\x02\0\0\0"sv,
                                             "<svg xmlns=\"x\">"sv,
                                             "<?xml version=\"1.0\"?><svg>"sv,
                                             "\0\0\0\x0CjP  \r\n\x87\n"sv,
                                             "\xFF\x4F\xFF\x51"sv,
                                             "\0\0\0\x20"
                                             "ftypheic\0\0\0\0"sv,
                                             "\0\0\0\x20"
                                             "ftypavif\0\0\0\0"sv,
                                             "8BPS\0\x01"sv,
                                             "%PDF-1.7\n"sv,
                                             "P6\n9 9\n255\n"sv,
                                             "#?RADIANCE\n"sv,
                                             "\x59\xA6\x6A\x95"sv,
                                             "\xFF\x0A\0\0"sv,
                                             "\x89HDF\r\n\x1A\n"sv,
                                             "CDF\x01"sv,
                                             "DICM"sv,
                                             "\0\0\x01\0\x01\0"sv,
                                             "PK\x03\x04"sv,
                                             "RIFF\x10\0\0\0WAVE"sv,
                                             "\x89PNG\r\n\x1A\0"sv};
  const testing::TemporaryFolder folder;
  const Path file = folder.path() / "photo.jpg";
  const std::int64_t before = peak_memory();
  double slowest = 0;
  for (const std::string_view begin : begins) {
    write_file(file, std::string(begin) + body);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_THROW(decode_file(file, Orientation::kIgnore), DataError) << begin;
    slowest = std::max(slowest, milliseconds_since(start));
  }
  std::printf("other kinds called .jpg: %zu refused, the slowest %.3f ms\n", begins.size(),
              slowest);
  EXPECT_LT(peak_memory() - before, kMemoryAllowed);
}

TEST(HostileImageTest, EndlessProgressiveScansAreRefused) {
  const auto intact = golden_file("progressive.jpg");
  const auto is_marker = [&](auto at) { return at[0] == std::byte{0xFF} && at[1] != std::byte{0}; };
  // The first scan, which says the coarse colours: from its marker to the next one.
  auto scan = intact.begin();
  while (!(is_marker(scan) && scan[1] == std::byte{0xDA})) ++scan;
  auto scan_end = scan + 2;
  while (!is_marker(scan_end)) ++scan_end;
  std::vector<std::byte> bytes(intact.begin(), scan);
  for (int i = 0; i < 1000; ++i) bytes.insert(bytes.end(), scan, scan_end);
  bytes.insert(bytes.end(), scan_end, intact.end());
  try {
    decode_bytes(bytes, "endless", Orientation::kIgnore);
    FAIL() << "decoded 1000 scans";
  } catch (const DataError& error) {
    EXPECT_NE(std::strstr(error.what(), "more than 500 scans"), nullptr) << error.what();
  }
}

}  // namespace
}  // namespace referent::image

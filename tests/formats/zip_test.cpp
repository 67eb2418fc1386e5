// SPDX-License-Identifier: Apache-2.0
#include "referent/formats/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "formats/fixtures.h"
#include "referent/core/error.h"

namespace referent::formats {
namespace {

using ::testing::HasSubstr;
using testing::little;

constexpr std::uint64_t kLimit = 1 << 20U;

std::string content(const std::string& archive, const std::string& name,
                    std::uint64_t limit = kLimit) {
  const ZipArchive zip(testing::as_bytes(archive), nullptr, "file.zip");
  const ZipArchive::Entry* entry = zip.find(name);
  if (entry == nullptr) return "absent";
  const ZipArchive::Content result = zip.read(*entry, limit);
  return {reinterpret_cast<const char*>(result.bytes.data()), result.bytes.size()};
}

std::string refusal(const std::string& archive, const std::string& name = "a",
                    std::uint64_t limit = kLimit) {
  try {
    return "accepted: " + content(archive, name, limit);
  } catch (const DataError& error) {
    return error.what();
  }
}

TEST(ZipTest, ReadsStoredEntriesAsViews) {
  const std::string archive = testing::make_zip({{"a", "first"}, {"folder/b", ""}, {"c", "third"}});
  EXPECT_EQ(content(archive, "a"), "first");
  EXPECT_EQ(content(archive, "folder/b"), "");
  EXPECT_EQ(content(archive, "c"), "third");
  EXPECT_EQ(content(archive, "d"), "absent");
  const ZipArchive zip(testing::as_bytes(archive), nullptr, "file.zip");
  const auto bytes = zip.read(*zip.find("a"), kLimit).bytes;
  EXPECT_EQ(reinterpret_cast<const char*>(bytes.data()), archive.data() + archive.find("first"));
}

TEST(ZipTest, ReadsDeflatedStreamedAndZip64Entries) {
  std::string hello;
  for (int i = 0; i < 100; ++i) hello += "hello ";
  const std::string deflated = read_text_file(testing::fixture("deflated.zip"));
  EXPECT_EQ(content(deflated, "a.txt"), hello);
  EXPECT_EQ(content(deflated, "empty"), "");
  EXPECT_EQ(content(read_text_file(testing::fixture("zip64.zip")), "b.txt"), "zip64 content");
  EXPECT_EQ(content(read_text_file(testing::fixture("streamed.zip")), "c.txt"), "streamed");
}

TEST(ZipTest, HoldsTheLimit) {
  const std::string deflated = read_text_file(testing::fixture("deflated.zip"));
  EXPECT_THAT(refusal(deflated, "a.txt", 599), HasSubstr("at most 599"));
  EXPECT_THAT(refusal(deflated, "a.txt", 600), HasSubstr("accepted"));
}

TEST(ZipTest, RefusesEveryTruncation) {
  const std::string archive = testing::make_zip({{"a", "first"}, {"b", "second"}});
  for (std::size_t size = 0; size < archive.size(); ++size) {
    EXPECT_THAT(refusal(archive.substr(0, size)), HasSubstr("file.zip: broken")) << size;
  }
}

TEST(ZipTest, RefusesLies) {
  const std::string good = testing::make_zip({{"a", "first"}, {"b", "second"}});
  const std::size_t central = good.find("PK\x01\x02");
  const std::size_t end = good.find("PK\x05\x06");
  const auto with = [&](std::size_t at, const std::string& bytes) {
    return std::string(good).replace(at, bytes.size(), bytes);
  };
  EXPECT_THAT(refusal(with(31, "F")), HasSubstr("CRC"));
  EXPECT_THAT(refusal(with(30, "x")), HasSubstr("disagree"));
  EXPECT_THAT(refusal(with(8, little(8, 2))), HasSubstr("disagree"));
  EXPECT_THAT(refusal(with(22, little(4, 4))), HasSubstr("disagree on its size"));
  EXPECT_THAT(refusal(with(central + 42, little(1, 4))), HasSubstr("no local header"));
  EXPECT_THAT(refusal(with(central + 42, little(0xFFFFFFF0, 4))), HasSubstr("no local header"));
  EXPECT_THAT(refusal(with(central + 20, little(0xFFFFFFF0, 4))), HasSubstr("not lie"));
  EXPECT_THAT(refusal(with(central + 28, little(0xFFFF, 2))), HasSubstr("cut"));
  EXPECT_THAT(refusal(with(end + 10, little(60000, 2))), HasSubstr("central directory"));
  EXPECT_THAT(refusal(with(end + 10, little(3, 2))), HasSubstr("central directory"));
  EXPECT_THAT(refusal(with(end + 16, little(0xFFFFFF00, 4))), HasSubstr("central directory"));
  EXPECT_THAT(refusal(with(end + 4, little(1, 2))), HasSubstr("several files"));
  EXPECT_THAT(refusal(testing::make_zip({{"a", "1"}, {"a", "2"}})), HasSubstr("twice"));
}

TEST(ZipTest, RefusesOverlapEncryptionAndUnknownMethods) {
  std::string archive = testing::make_zip({{"a", "first"}, {"a", "first"}});
  // Both directory records name the first local header.
  const std::size_t second = archive.rfind("PK\x01\x02");
  EXPECT_THAT(refusal(archive.replace(second + 42, 4, little(0, 4))), HasSubstr("overlaps"));
  std::string encrypted = testing::make_zip({{"a", "first"}});
  EXPECT_THAT(refusal(encrypted.replace(encrypted.find("PK\x01\x02") + 8, 2, little(1, 2))),
              HasSubstr("encrypted"));
  std::string method = testing::make_zip({{"a", "first"}});
  method.replace(8, 2, little(12, 2));
  EXPECT_THAT(refusal(method.replace(method.find("PK\x01\x02") + 10, 2, little(12, 2))),
              HasSubstr("method 12"));
}

TEST(ZipTest, RefusesBrokenDeflateStreams) {
  const std::string good = read_text_file(testing::fixture("deflated.zip"));
  const std::size_t data = good.find("a.txt") + 5;
  std::string broken = good;
  broken[data] = '\x07';
  EXPECT_THAT(refusal(broken, "a.txt"), HasSubstr("deflate"));
  // A directory that promises a gigabyte is caught before it is allocated.
  std::string bomb = good;
  for (const std::size_t at : {std::size_t{22}, good.find("PK\x01\x02") + 24}) {
    bomb.replace(at, 4, little(1 << 30U, 4));
  }
  EXPECT_THAT(refusal(bomb, "a.txt", 1ULL << 40U), HasSubstr("deflate"));
}

}  // namespace
}  // namespace referent::formats

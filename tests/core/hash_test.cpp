// SPDX-License-Identifier: Apache-2.0
#include "referent/core/hash.h"

#include <gtest/gtest.h>

#include <string_view>

namespace referent {
namespace {

std::span<const std::byte> bytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

TEST(HashTest, AgreesWithPublishedVectors) {
  EXPECT_EQ(fnv1a64(""), 0xcbf29ce484222325ULL);
  EXPECT_EQ(fnv1a64("a"), 0xaf63dc4c8601ec8cULL);
  EXPECT_EQ(fnv1a64("foobar"), 0x85944171f73967e8ULL);
  // The first outputs of splitmix64 from state 0.
  EXPECT_EQ(splitmix64(kGoldenGamma), 0xe220a8397b1dcdafULL);
  EXPECT_EQ(splitmix64(2 * kGoldenGamma), 0x6e789e6aa1b965f4ULL);
  EXPECT_EQ(crc32(bytes("123456789")), 0xcbf43926U);
  EXPECT_EQ(xxh3_64(bytes("")), 0x2d06800538d394c2ULL);
}

TEST(HashTest, CrcGoesOnFromASeed) {
  EXPECT_EQ(crc32(bytes("6789"), crc32(bytes("12345"))), crc32(bytes("123456789")));
}

}  // namespace
}  // namespace referent

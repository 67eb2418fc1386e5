// SPDX-License-Identifier: Apache-2.0
// A training's checkpoint, cut and with flipped bits, as the program's commands see it.
#include <cstdio>
#include <fstream>
#include <random>

#include "e2e/program.h"
#include "e2e/trials.h"
#include "referent/core/error.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;

class CorruptCheckpointTest : public ::testing::Test {
 protected:
  CorruptCheckpointTest() { fs::copy_file(fs::canonical(tiny_run().checkpoint()), file_); }

  /// Changes the byte there, in place.
  void flip(std::uintmax_t bit) const {
    std::fstream stream(file_, std::ios::in | std::ios::out | std::ios::binary);
    const auto place = static_cast<std::streamoff>(bit / 8);
    stream.seekg(place);
    const int byte = stream.get();
    stream.seekp(place);
    stream.put(static_cast<char>(byte ^ (1 << (bit % 8))));
  }

  /// `checkpoint verify` finds it corrupt, in order.
  void expect_corrupt() {
    const ProcessResult result = referent({"checkpoint", "verify", file_, "--json"});
    ASSERT_THAT(result, ExitsWith(8));
    ASSERT_EQ(document(result)["files"][0]["sound"], false);
    ++found_;
  }

  /// A command that would use it does not.
  void expect_refused() {
    const ProcessResult result = referent({"eval", file_});
    ASSERT_THAT(result, Fails(4, {file_}));
    ++refused_;
  }

  TemporaryFolder folder_;
  Path file_ = folder_.path() / "checkpoint.safetensors";
  int found_ = 0, refused_ = 0;
};

TEST_F(CorruptCheckpointTest, CutAnywhere) {
  const int cuts = trials(20, 200);
  const std::uintmax_t whole = fs::file_size(file_);
  for (int i = 1; i <= cuts; ++i) {
    fs::resize_file(
        file_, whole - whole * static_cast<std::uintmax_t>(i) / static_cast<std::uintmax_t>(cuts));
    expect_corrupt();
    if (HasFatalFailure()) FAIL() << "cut to " << fs::file_size(file_) << " bytes";
    if (i % (cuts / 5) == 0) expect_refused();
    if (HasFatalFailure()) FAIL() << "cut to " << fs::file_size(file_) << " bytes";
  }
  fmt::print("{} of {} cuts reported with status 8, {} given to eval refused with status 4\n",
             found_, cuts, refused_);
}

TEST_F(CorruptCheckpointTest, ABitFlippedAnywhere) {
  const int flips = trials(50, 1000);
  const std::uintmax_t bits = fs::file_size(file_) * 8;
  std::uint64_t header = 0;
  std::ifstream(file_, std::ios::binary).read(reinterpret_cast<char*>(&header), sizeof header);
  std::mt19937_64 random(4);
  for (int i = 0; i < flips; ++i) {
    // Every other one in the header, which is a small part of the file.
    const std::uintmax_t bit = random() % (i % 2 == 0 ? bits : 8 * (8 + header));
    flip(bit);
    expect_corrupt();
    if (HasFatalFailure()) FAIL() << "bit " << bit;
    if (i % (flips / 5) == 0) expect_refused();
    if (HasFatalFailure()) FAIL() << "bit " << bit;
    flip(bit);
  }
  EXPECT_THAT(referent({"checkpoint", "verify", file_}), ExitsWith(0));
  fmt::print(
      "{} of {} flipped bits reported with status 8, {} given to eval refused with status 4\n",
      found_, flips, refused_);
}

}  // namespace
}  // namespace referent::testing

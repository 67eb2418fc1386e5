// SPDX-License-Identifier: Apache-2.0
// Referent installed into a folder of its own, and somebody's project that finds it there.
#include <fstream>
#include <sstream>

#include "e2e/program.h"
#include "referent/image/decode.h"

namespace referent::testing {
namespace {

namespace fs = std::filesystem;

using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::StartsWith;

constexpr const char* kExpression = "the red circle";

ProcessResult run(const std::string& command) {
  return Process("/bin/sh", {"-c", command}, {.limit = std::chrono::seconds(600)}).wait();
}

/// Installs once for all tests.
class InstallTest : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    folder_ = new TemporaryFolder;
    const ProcessResult result =
        run("cmake --install " REFERENT_BINARY_DIR " --prefix " + prefix().string());
    ASSERT_THAT(result, ExitsWith(0));
  }
  static void TearDownTestSuite() { delete std::exchange(folder_, nullptr); }

  static Path prefix() { return folder_->path() / "prefix"; }
  static Path build() { return folder_->path() / "build"; }

  /// x1 y1 x2 y2, as the installed program's document has them.
  static std::vector<double> box_by_program() {
    const ProcessResult result =
        Process(prefix() / "bin" / "referent",
                {"ground", tiny_run().checkpoint(), tiny_run().picture(), kExpression, "--json"})
            .wait();
    EXPECT_THAT(result, ExitsWith(0));
    return document(result)["predictions"][0]["box"].get<std::vector<double>>();
  }

  /// Runs `program` on the raw pixels of the same picture.
  static std::vector<double> box_by_consumer(const Path& program) {
    const image::Image picture =
        image::decode_file(tiny_run().picture(), image::Orientation::kIgnore);
    const Path raw = folder_->path() / "picture.rgb";
    std::ofstream stream(raw, std::ios::binary);
    for (std::int64_t y = 0; y < picture.height; ++y) {
      stream.write(reinterpret_cast<const char*>(picture.row(y)), 3 * picture.width);
    }
    stream.close();
    const ProcessResult result =
        Process(program, {tiny_run().checkpoint(), raw, std::to_string(picture.width),
                          std::to_string(picture.height), kExpression})
            .wait();
    EXPECT_THAT(result, ExitsWith(0));
    std::istringstream numbers(result.out);
    return {std::istream_iterator<double>(numbers), {}};
  }

  static void expect_equal(const std::vector<double>& seen, const std::vector<double>& expected) {
    ASSERT_EQ(seen.size(), 4U);
    for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(seen[i], expected[i], 1e-3) << i;
  }

  static inline TemporaryFolder* folder_ = nullptr;
};

TEST_F(InstallTest, EverythingHasItsPlace) {
  EXPECT_THAT(entries(prefix() / "lib"),
              IsSupersetOf({"cmake", "libreferent.so", "libreferent.so.0", "libreferent_base.so",
                            "libreferent_base.so.0", "libreferent_data.so.0",
                            "libreferent_pieces.so.0", "pkgconfig"}));
  EXPECT_TRUE(fs::exists(prefix() / "include/referent/inference/predictor.h"));
  EXPECT_THAT(entries(prefix() / "lib/cmake/referent"),
              IsSupersetOf({"referentConfig.cmake", "referentConfigVersion.cmake",
                            "referentTargets.cmake"}));
}

TEST_F(InstallTest, TheProgramFindsItsLibraryInItsOwnFolder) {
  // Moved as a whole: nothing of ours is found by an absolute path.
  const Path moved = folder_->path() / "moved";
  fs::copy(prefix(), moved, fs::copy_options::recursive | fs::copy_options::copy_symlinks);
  const ProcessResult result = Process(moved / "bin" / "referent", {"--version", "--json"},
                                       {.environment = {{"LD_DEBUG", "libs"}}})
                                   .wait();
  EXPECT_THAT(result, ExitsWith(0));
  EXPECT_THAT(result.err, HasSubstr((moved / "bin/../lib/libreferent.so.0").string()));
  EXPECT_THAT(document(result).value("torch", ""), StartsWith("2."));
}

TEST_F(InstallTest, AConsumerBuiltWithCMakeGroundsRawPixels) {
  const Path source = Path(REFERENT_SOURCE_DIR) / "tests/e2e/consumer";
  ASSERT_THAT(run("cmake -G Ninja -S " + source.string() + " -B " + build().string() +
                  " -DCMAKE_PREFIX_PATH=" + prefix().string()),
              ExitsWith(0));
  ASSERT_THAT(run("cmake --build " + build().string()), ExitsWith(0));
  expect_equal(box_by_consumer(build() / "ground_pixels"), box_by_program());

  const ProcessResult header = Process(build() / "read_header", {tiny_run().checkpoint()}).wait();
  EXPECT_THAT(header, ExitsWith(0));
  EXPECT_GT(std::stoi(header.out), 100);
  EXPECT_THAT(Process(build() / "read_header", {tiny_run().picture()}).wait(), ExitsWith(4));

  // The same object, linked with what pkg-config says.
  const Path linked = build() / "linked";
  const std::string pkg_config =
      "PKG_CONFIG_PATH=" + (prefix() / "lib/pkgconfig").string() + " pkg-config referent ";
  ASSERT_THAT(run("g++ $(find " + build().string() + " -name ground_pixels.cpp.o) -o " +
                  linked.string() + " $(" + pkg_config + "--libs)"),
              ExitsWith(0));
  expect_equal(box_by_consumer(linked), box_by_program());
  EXPECT_THAT(run("g++ -std=c++20 -E -o /dev/null " + (source / "ground_pixels.cpp").string() +
                  " $(" + pkg_config + "--cflags)"),
              ExitsWith(0));
}

}  // namespace
}  // namespace referent::testing

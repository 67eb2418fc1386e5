// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

#include "formats/fixtures.h"
#include "referent/core/error.h"
#include "referent/formats/safetensors.h"
#include "referent/formats/segmentation.h"
#include "referent/formats/torch_file.h"

namespace referent::formats {
namespace {

/// A counter-based generator, so that a failure can be repeated from its number.
class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : state_(seed * kGoldenGamma) {}

  std::string operator()(std::string content) {
    for (std::uint64_t i = 0; i <= next() % 4; ++i) {
      const std::size_t at = next() % content.size();
      switch (next() % 5) {
        case 0:
          content[at] = static_cast<char>(next());
          break;
        case 1:
          content[at] = static_cast<char>(content[at] ^ (1U << (next() % 8)));
          break;
        case 2:
          content.erase(at, 1 + next() % 8);
          break;
        case 3:
          content.insert(at, content.substr(next() % content.size(), next() % 16));
          break;
        default:
          content.replace(at, 4, testing::little(kEdges[next() % 4], 4));
          break;
      }
      if (content.empty()) content.push_back('x');
    }
    return content;
  }

 private:
  static constexpr std::uint64_t kEdges[] = {0, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF};

  std::uint64_t next() { return splitmix64(state_ += kGoldenGamma); }

  std::uint64_t state_;
};

/// Damaged files must be read or refused with one of our errors; anything else ends the test.
template <typename Read>
void mutate(const char* name, Read read) {
  constexpr std::uint64_t kMutants = 2000;
  const std::string original = read_text_file(testing::fixture(name));
  std::uint64_t refused = 0;
  for (std::uint64_t seed = 1; seed <= kMutants; ++seed) {
    const std::string mutant = Mutator(seed)(original);
    try {
      read(testing::as_bytes(mutant));
    } catch (const Error&) {
      ++refused;
    } catch (const std::exception& error) {
      FAIL() << name << ", mutant " << seed << ": " << error.what();
    }
  }
  EXPECT_GT(refused, kMutants / 10) << name;
}

void read_torch(std::span<const std::byte> bytes) {
  read_torch_file(bytes, nullptr, "mutant");
}

TEST(MutationTest, TorchFiles) {
  for (const char* name : {"state_zip.pth", "state_legacy.pth", "index_short.pth",
                           "index_long_zip.pth", "bare_parallel.pth"}) {
    mutate(name, read_torch);
  }
}

TEST(MutationTest, Pickles) {
  for (const char* name :
       {"values_protocol0.p", "values_protocol2.p", "values_protocol5.p", "refs_protocol2.p"}) {
    mutate(name, read_torch);
  }
}

TEST(MutationTest, Segmentations) {
  const std::vector<std::string> originals{
      "[[0, 0, 4, 0, 4.5, 3], [1, 1, 2, 1, 2, 2, 1, 2]]", R"({"size": [3, 4], "counts": "237"})",
      R"([{"size": [3, 4], "counts": [2, 3, 7]}, {"size": [3, 4], "counts": [4, 3, 5]}])"};
  int accepted = 0;
  for (const std::string& original : originals) {
    for (std::uint64_t seed = 1; seed <= 3000; ++seed) {
      const std::string mutant = Mutator(seed)(original);
      try {
        const Segmentation segmentation = parse_segmentation(mutant, "mutant");
        check_segmentation(segmentation);
        if (segmentation.rle) mask_from_rle(*segmentation.rle);
        ++accepted;
      } catch (const Error&) {
        continue;
      } catch (const std::exception& error) {
        FAIL() << mutant << ": " << error.what();
      }
    }
  }
  EXPECT_GT(accepted, 100);
}

TEST(MutationTest, Safetensors) {
  mutate("state_expected.safetensors",
         [](std::span<const std::byte> bytes) { read_safetensors(bytes, nullptr, "mutant"); });
}

}  // namespace
}  // namespace referent::formats

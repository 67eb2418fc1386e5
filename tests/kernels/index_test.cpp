// SPDX-License-Identifier: Apache-2.0
// Number formats, tile addresses, schedules and limits that kernels and launchers share.
#include <gtest/gtest.h>

#include <array>
#include <set>

#include "kernels/conditional_conv2d/forward_body.h"
#include "kernels/conditional_conv2d/support.h"
#include "kernels/conditional_linear/backward_body.h"
#include "kernels/conditional_linear/forward_body.h"
#include "kernels/conditional_linear/support.h"
#include "kernels/linear_problem.h"

namespace referent::kernels {
namespace {

TEST(NumbersTest, HalvesRoundTripAndRoundToEven) {
  for (std::uint32_t bits = 0; bits < 0x10000u; ++bits) {
    const Half value{static_cast<std::uint16_t>(bits)};
    const bool nan = (bits & 0x7fffu) > 0x7c00u;
    if (nan) {
      EXPECT_TRUE(std::isnan(to_float(value)));
    } else {
      EXPECT_EQ(from_float<Half>(to_float(value)).bits, bits);
    }
  }
  EXPECT_EQ(from_float<Half>(1.0F + 0x1p-11F).bits, 0x3c00);      // tie: to even
  EXPECT_EQ(from_float<Half>(1.0F + 3 * 0x1p-11F).bits, 0x3c02);  // tie: to even
  EXPECT_EQ(from_float<Half>(65519.0F).bits, 0x7bff);
  EXPECT_EQ(from_float<Half>(65520.0F).bits, 0x7c00);  // to infinity
  EXPECT_EQ(from_float<Half>(0x1p-25F).bits, 0x0000);  // tie: to even
  EXPECT_EQ(from_float<Half>(0x1.8p-25F).bits, 0x0001);
}

TEST(NumbersTest, BFloat16AndTf32Round) {
  EXPECT_EQ(from_float<BFloat16>(1.0F + 0x1p-8F).bits, 0x3f80);
  EXPECT_EQ(from_float<BFloat16>(1.0F + 3 * 0x1p-8F).bits, 0x3f82);
  EXPECT_TRUE(std::isnan(to_float(from_float<BFloat16>(NAN))));
  EXPECT_EQ(bits_float(round_tf32(float_bits(1.0F + 0x1p-11F))), 1.0F + 0x1p-10F);  // away
  EXPECT_EQ(bits_float(round_tf32(float_bits(-1.0F - 0x1p-12F))), -1.0F);
  EXPECT_TRUE(std::isnan(bits_float(round_tf32(0x7fffffffu))));  // the NaN that GPUs make
  EXPECT_TRUE(std::isinf(bits_float(round_tf32(0x7f800000u))));
}

/// Of eight 16-byte accesses, the most that fall on one group of four banks.
template <class Offset>
int passes(Offset offset) {
  std::array<int, 8> uses{};
  for (int i = 0; i < 8; ++i) ++uses[static_cast<std::size_t>(offset(i) / 16 % 8)];
  return *std::max_element(uses.begin(), uses.end());
}

TEST(TileTest, ChunksAreAPermutationWithoutBankConflicts) {
  std::set<int> seen;
  for (int row = 0; row < kColumnTile; ++row) {
    for (int chunk = 0; chunk < kChunksPerRow; ++chunk) seen.insert(chunk_offset(row, chunk));
  }
  EXPECT_EQ(seen.size(), static_cast<std::size_t>(kColumnTile * kChunksPerRow));
  EXPECT_EQ(*seen.rbegin(), tile_bytes(kColumnTile) - kChunkBytes);
  for (int row = 0; row < kColumnTile; row += 8) {
    for (int chunk = 0; chunk < kChunksPerRow; ++chunk) {
      EXPECT_EQ(passes([&](int i) { return chunk_offset(row + i, chunk); }), 1) << "ldmatrix";
    }
    for (int i = 0; i < 8; i += 2) {
      EXPECT_EQ(passes([&](int t) { return chunk_offset(row + i + t / 4, t % 4); }), 1)
          << "cp.async";
    }
  }
}

/// The most words of one bank that a group of lanes touches, each `width` words from word(lane).
template <class Word>
int passes(int lanes, int width, Word word) {
  std::array<std::set<int>, 32> touched;
  for (int lane = 0; lane < lanes; ++lane) {
    for (int i = 0; i < width; ++i) {
      touched[static_cast<std::size_t>((word(lane) + i) % 32)].insert(word(lane) + i);
    }
  }
  std::size_t most = 0;
  for (const auto& bank : touched) most = std::max(most, bank.size());
  return static_cast<int>(most);
}

template <int kRank>
void expect_padding_spreads_banks() {
  const auto pair = [](int stride) {
    return
        [stride](int lane) { return accumulator_row(lane, 0) * stride + accumulator_column(lane); };
  };
  // 8-byte accesses go half a warp at a time.
  EXPECT_EQ(passes(16, 2, pair(kStagingStride)), 1);
  EXPECT_EQ(passes(16, 2, pair(BackwardLayout<BFloat16Math, kRank>::kStride)), 1);
  const int row = BackwardLayout<Float32Math, kRank>::kPRow / 4;
  EXPECT_EQ(passes(32, 1, [&](int lane) { return (lane & 3) * row + (lane >> 2); }), 1);
}

TEST(TileTest, PaddingSpreadsBanks) {
  expect_padding_spreads_banks<32>();
  expect_padding_spreads_banks<64>();
}

TEST(TileTest, RowMapsCoverEveryRowOnce) {
  for (const RowMap& rows : {RowMap{3, 70, true}, RowMap{3, 70, false}, RowMap{1, 64, true},
                             RowMap{5, 1, true}, RowMap{5, 1, false}}) {
    std::set<std::pair<int, int>> seen;
    for (int tile = 0; tile < rows.tiles(); ++tile) {
      for (int row = 0; row < kRowTile; ++row) {
        const RowMap::Place at = rows.at(tile, row);
        if (!at.valid) continue;
        EXPECT_TRUE(seen.emplace(at.sample, at.token).second);
        EXPECT_TRUE(at.sample < rows.batch && at.token < rows.tokens);
        EXPECT_TRUE(rows.flat || at.sample == rows.at(tile, 0).sample);
      }
    }
    EXPECT_EQ(seen.size(), static_cast<std::size_t>(rows.batch * rows.tokens));
  }
  EXPECT_EQ((RowMap{0, 70, true}.tiles()), 0);
  EXPECT_EQ((RowMap{3, 0, false}.tiles()), 0);
}

TEST(ScheduleTest, LinearStepsInOrder) {
  ConditionalLinearParams params;
  params.inputs = 70;
  params.low_rank_inputs = 40;
  params.z.data = &params;  // its own
  const LinearSchedule own = LinearSchedule::of(params, 32, 64);
  ASSERT_EQ(own.count(), 2 + 3 + 2);
  const LinearStep expected[] = {LinearStep::kLowRank, LinearStep::kLowRank, LinearStep::kBase,
                                 LinearStep::kBase,    LinearStep::kBase,    LinearStep::kUpdate,
                                 LinearStep::kUpdate};
  for (int i = 0; i < own.count(); ++i) EXPECT_EQ(own.at(i).kind, expected[i]) << i;
  EXPECT_EQ(own.at(4).index, 2);
  EXPECT_EQ(own.at(6).index, 1);
  params.z.data = nullptr;
  params.low_rank_inputs = params.inputs;
  const LinearSchedule joint = LinearSchedule::of(params, 32, 32);
  ASSERT_EQ(joint.count(), 3 + 1);
  EXPECT_EQ(joint.at(2).kind, LinearStep::kJoint);
  EXPECT_EQ(joint.at(3).kind, LinearStep::kUpdate);
}

TEST(ScheduleTest, ConvolutionWalksTapsAroundThePixel) {
  ConditionalConv2dParams params;
  params.kernel_height = 3;
  params.kernel_width = 5;
  params.channels = 40;
  const ConvolutionSchedule schedule = ConvolutionSchedule::of(params, 32);
  EXPECT_EQ(schedule.count(), 3 * 5 * 2);
  EXPECT_EQ(schedule.at(0).down, -1);
  EXPECT_EQ(schedule.at(0).right, -2);
  const ConvolutionSchedule::Step middle = schedule.at(15);
  EXPECT_EQ(middle.tap, 7);
  EXPECT_EQ(middle.index, 1);
  EXPECT_EQ(middle.down, 0);
  EXPECT_EQ(middle.right, 0);
}

TEST(LayoutTest, SharedMemoryFitsEveryDevice) {
  constexpr int kLeast = 99 * 1024;  // of a block, compute capability 8.6
  EXPECT_LE((LinearLayout<Float32Math, 64>::bytes(true)), kLeast);
  EXPECT_LE((LinearLayout<BFloat16Math, 64>::bytes(true)), kLeast);
  EXPECT_LE((BackwardLayout<Float32Math, 64>::bytes(true)), kLeast);
  EXPECT_LE((Conv2dLayout<Float32Math, 64>::kBytes), kLeast);
}

template <class Change>
Path path_after(Change change, int capability = 80) {
  LinearProblem<BFloat16Math> problem({2, 3, 16, 8, 8, 0, false, 1, true});
  ConditionalLinearParams params =
      problem.params([](auto& buffer) { return static_cast<void*>(buffer.data()); });
  change(params);
  return supported_path(params, capability);
}

TEST(SupportTest, LinearTakesWhatItsLoadsCan) {
  using P = ConditionalLinearParams;
  EXPECT_EQ(path_after([](P&) {}), Path::kPortable);
  EXPECT_EQ(path_after([](P&) {}, 75), Path::kUnsupported);
  EXPECT_EQ(path_after([](P&) {}, 0), Path::kUnsupported);
  EXPECT_EQ(path_after([](P& p) { p.rank = 72; }), Path::kUnsupported);
  EXPECT_EQ(path_after([](P& p) { p.rank = 4; }), Path::kUnsupported);
  EXPECT_EQ(path_after([](P& p) { p.outputs = 6; }), Path::kUnsupported);
  EXPECT_EQ(path_after([](P& p) { p.x.row_stride = 17; }), Path::kUnsupported);
  EXPECT_EQ(path_after([](P& p) { p.q_row_stride = 8; }), Path::kUnsupported);
  EXPECT_EQ(path_after([](P& p) { p.low_rank_inputs = 8; }), Path::kUnsupported);
  EXPECT_EQ(path_after([](P& p) { p.bias.data = static_cast<const char*>(p.bias.data) + 2; }),
            Path::kUnsupported);
  EXPECT_EQ(path_after([](P& p) { p.batch = 1 << 30; }), Path::kUnsupported);
}

TEST(SupportTest, HopperTakesLargeProblemsOf16Bits) {
  LinearProblem<BFloat16Math> problem({9, 100, 16, 2048, 8, 0, false, 1, true});
  const auto identity = [](auto& buffer) { return static_cast<void*>(buffer.data()); };
  ConditionalLinearParams params = problem.params(identity);
#if defined(REFERENT_HOPPER_KERNELS)
  constexpr Path kBest = Path::kHopper;
#else
  constexpr Path kBest = Path::kPortable;
#endif
  params.tokens = 128;
  params.batch = 9;  // 9 row tiles of 8 column tiles
  params.x.batch_stride = 128 * params.x.row_stride;
  params.y.batch_stride = 128 * params.y.row_stride;
  EXPECT_EQ(supported_path(params, 90), kBest);
  EXPECT_EQ(supported_path(params, 80), Path::kPortable);
  EXPECT_EQ(supported_path(params, 100), Path::kPortable);
  params.batch = 8;
  EXPECT_EQ(supported_path(params, 90), Path::kPortable) << "too few blocks";
  params.batch = 9;
  params.x.batch_stride += 8;
  EXPECT_EQ(supported_path(params, 90), Path::kPortable) << "samples apart, tiles over samples";
  params.dense = true;
  EXPECT_EQ(supported_path(params, 90), Path::kPortable) << "no whole number of rows apart";
  params.x.batch_stride = 200 * params.x.row_stride;
  EXPECT_EQ(supported_path(params, 90), kBest);
  params.x.batch_stride = 0;
  EXPECT_EQ(supported_path(params, 90), Path::kPortable) << "one sample for all";
}

TEST(SupportTest, BackwardAndConvolution) {
  LowRankBackwardParams backward;
  backward.rank = 32;
  backward.outputs = 37;
  backward.batch = 2;
  backward.tokens = 65;
  backward.p_stride = 32;
  EXPECT_EQ(supported_path(backward, 90), Path::kPortable);
  EXPECT_EQ(low_rank_backward_workspace(backward), 2u * 2 * 32 * 4);
  backward.dense = true;
  EXPECT_EQ(low_rank_backward_workspace(backward), 2u * 2 * 32 * 32 * 4);
  backward.p_stride = 33;
  EXPECT_EQ(supported_path(backward, 90), Path::kUnsupported);

  ConditionalConv2dParams convolution;
  convolution.kernel_height = convolution.kernel_width = 3;
  convolution.rank = 64;
  convolution.channels = convolution.outputs = 512;
  EXPECT_EQ(supported_path(convolution, 80), Path::kPortable);
  convolution.kernel_width = 2;
  EXPECT_EQ(supported_path(convolution, 80), Path::kUnsupported);
  convolution.kernel_width = 3;
  convolution.channels = 510;
  EXPECT_EQ(supported_path(convolution, 80), Path::kUnsupported);
}

}  // namespace
}  // namespace referent::kernels

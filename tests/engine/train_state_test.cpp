// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/train_state.h"

#include <gtest/gtest.h>

#include "referent/core/error.h"

namespace referent::engine {
namespace {

TEST(TrainStateTest, ComesBackToTheLastBit) {
  TrainState state;
  state.step = 17;
  state.steps_per_epoch = 5;
  state.evaluated_step = 15;
  state.skipped = 2;
  state.bad_in_a_row = 1;
  state.best = BestEvaluation{15, 1.0 / 3.0, 0.1 + 0.2};
  state.window = {{"loss", {1e-17 + 0.3, 2}}, {"gradient_norm", {1.0 / 7.0, 1}}};
  EXPECT_EQ(parse_train_state(to_text(state), "test"), state);
  EXPECT_EQ(state.epoch(), 3);
  EXPECT_EQ(state.batch_in_epoch(), 2);
}

TEST(TrainStateTest, RefusesWhatIsNone) {
  EXPECT_THROW(parse_train_state("", "test"), CheckpointError);
  EXPECT_THROW(parse_train_state("{\"step\": \"many\"}", "test"), CheckpointError);
  EXPECT_THROW(parse_train_state("{\"step\": 3}", "test"), CheckpointError);
}

}  // namespace
}  // namespace referent::engine

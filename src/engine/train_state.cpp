// SPDX-License-Identifier: Apache-2.0
#include "referent/engine/train_state.h"

#include <nlohmann/json.hpp>

#include "referent/core/error.h"

namespace referent::engine {

using Json = nlohmann::ordered_json;

std::string to_text(const TrainState& state) {
  Json json = {{"step", state.step},
               {"epoch", state.epoch()},
               {"batch_in_epoch", state.batch_in_epoch()},
               {"steps_per_epoch", state.steps_per_epoch},
               {"evaluated_step", state.evaluated_step},
               {"skipped", state.skipped},
               {"overflowed", state.overflowed},
               {"bad_in_a_row", state.bad_in_a_row},
               {"evaluations_since_best", state.evaluations_since_best},
               {"accumulation", state.accumulation},
               {"ema_updates", state.ema_updates},
               {"loss_scale", state.loss_scaling.scale},
               {"loss_scale_steps", state.loss_scaling.steps},
               {"window", state.window}};
  if (state.best) {
    json["best"] = {{"step", state.best->step},
                    {"value", state.best->value},
                    {"tie_break", state.best->tie_break}};
  }
  return json.dump();
}

TrainState parse_train_state(const std::string& text, const std::string& where) {
  if (text.empty()) {
    throw CheckpointError("{}: this checkpoint holds a model but no training state to resume from",
                          where);
  }
  try {
    const Json json = Json::parse(text);
    TrainState state;
    json.at("step").get_to(state.step);
    json.at("steps_per_epoch").get_to(state.steps_per_epoch);
    json.at("evaluated_step").get_to(state.evaluated_step);
    json.at("skipped").get_to(state.skipped);
    json.at("bad_in_a_row").get_to(state.bad_in_a_row);
    json.at("overflowed").get_to(state.overflowed);
    json.at("evaluations_since_best").get_to(state.evaluations_since_best);
    json.at("accumulation").get_to(state.accumulation);
    json.at("ema_updates").get_to(state.ema_updates);
    json.at("loss_scale").get_to(state.loss_scaling.scale);
    json.at("loss_scale_steps").get_to(state.loss_scaling.steps);
    json.at("window").get_to(state.window);
    if (json.contains("best")) {
      const Json& best = json["best"];
      state.best =
          BestEvaluation{best.at("step").get<std::int64_t>(), best.at("value").get<double>(),
                         best.at("tie_break").get<double>()};
    }
    return state;
  } catch (const nlohmann::json::exception& error) {
    throw CheckpointError("{}: the training state cannot be read: {}", where, error.what());
  }
}

}  // namespace referent::engine

// SPDX-License-Identifier: Apache-2.0
#include "golden.h"
#include "referent/batch/probe.h"

namespace referent::app {

using torch::Tensor;

void run_vg_law_forward(const GoldenCase& golden, CaseReport& report) {
  const auto model = make_vg_law_model(golden, report);
  model->eval();
  const Batch batch = make_vg_law_batch(golden);
  const torch::NoGradGuard no_grad;
  {
    const ProbeRecorder recorder;
    model->forward(batch);
    for (const auto& entry : golden.json().at("outputs")) {
      const auto name = entry.at("name").get<std::string>();
      if (name.ends_with(".zero_generator")) continue;
      const Tensor value = vg_law_stage(recorder.tensors(), name);
      if (value.defined()) {
        golden.compare_output(report, entry, value, vg_law_tolerance(golden, name));
      } else {
        report.check(name, false, "no stage of the model has this name");
      }
    }
  }
  compare_zero_generator(golden, *model, batch, report);
  compare_plan(golden, vg_law_model_config(golden.json()), vg_law_input_shape(golden.json()),
               *model, batch, report);
}

}  // namespace referent::app

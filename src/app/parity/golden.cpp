// SPDX-License-Identifier: Apache-2.0
#include "golden.h"

#include <cstdlib>

#include "fill.h"
#include "referent/core/error.h"
#include "referent/core/file.h"
#include "referent/formats/safetensors.h"
#include "referent/models/state.h"

namespace referent::app {

using torch::Tensor;
using Json = nlohmann::json;

GoldenCase::GoldenCase(const std::filesystem::path& description) : path_(description) {
  try {
    json_ = Json::parse(read_text_file(description));
  } catch (const Json::exception& failure) {
    throw DataError("{} is not a golden case: {}", description.string(), failure.what());
  }
  std::filesystem::path tensors = description;
  tensors.replace_extension(".safetensors");
  if (std::filesystem::exists(tensors)) {
    tensors_ = formats::read_safetensors(tensors).tensors;
  }
}

Tensor GoldenCase::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) {
    throw DataError("{} has no tensor {}", path_.string(), name);
  }
  return models::to_torch(found->second);
}

void GoldenCase::compare_output(CaseReport& report, const Json& entry, const Tensor& value,
                                Tolerance tolerance) const {
  const auto name = entry.at("name").get<std::string>();
  const std::vector<std::int64_t> shape = shape_of(entry.at("shape"));
  if (value.sizes() != torch::IntArrayRef(shape)) {
    report.check(name, false,
                 fmt::format("expected shape [{}], got [{}]", fmt::join(shape, ", "),
                             fmt::join(value.sizes(), ", ")));
    return;
  }
  const Tensor sampled =
      value.flatten().slice(0, 0, std::nullopt, entry.at("stride").get<std::int64_t>());
  report.compare(name, sampled, tensor("out." + name), tolerance,
                 entry.at("max_abs").get<double>());
}

Tolerance tolerance_of(const Json& json) {
  return {json.value("abs", 0.0), json.value("rel", 0.0)};
}

std::vector<std::int64_t> shape_of(const Json& json) {
  return json.get<std::vector<std::int64_t>>();
}

std::filesystem::path photo_folder(const GoldenCase& golden) {
  return photo_folder(golden.path());
}

std::filesystem::path photo_folder(const std::filesystem::path& golden) {
  if (const char* folder = std::getenv("REFERENT_TEST_DATA")) return folder;
  const std::filesystem::path beside =
      std::filesystem::absolute(golden).parent_path().parent_path().parent_path() / "data";
  return std::filesystem::exists(beside) ? beside : std::filesystem::path();
}

void run_fill_vectors(const GoldenCase& golden, CaseReport& report) {
  for (const Json& vector : golden.json().at("vectors")) {
    const auto name = vector.at("name").get<std::string>();
    const std::vector<float> values =
        fill(vector.at("salt").get<std::string>(), name, shape_of(vector.at("shape")),
             vector.at("kind").get<std::string>(), vector.at("gain").get<double>());
    double sum = 0;
    for (const float value : values) sum += value;
    const auto first = vector.at("first8").get<std::vector<double>>();
    bool equal = static_cast<double>(values.back()) == vector.at("last").get<double>();
    for (std::size_t i = 0; i < first.size(); ++i)
      equal &= static_cast<double>(values[i]) == first[i];
    report.check("fill/" + name, equal, "the filled values are not bit-equal");
    report.compare("fill/" + name + " sum", sum, vector.at("sum_float64").get<double>(),
                   {1e-6, 1e-12});
  }
}

}  // namespace referent::app

// SPDX-License-Identifier: Apache-2.0
#include "annotations.h"

#include <utility>

namespace referent::app {

std::unordered_map<std::int64_t, formats::Annotation> read_annotations(
    const std::filesystem::path& test_data) {
  std::unordered_map<std::int64_t, formats::Annotation> annotations;
  for (const char* folder : {"coco", "refer/refcoco", "refer/refcoco+", "refer/refcocog"}) {
    const std::filesystem::path file = test_data / folder / "instances.json";
    if (!std::filesystem::exists(file)) continue;
    formats::Instances instances = formats::read_instances(file, formats::Outlines::kRead);
    for (formats::Annotation& annotation : instances.annotations) {
      const std::int64_t id = annotation.id;
      annotations.emplace(id, std::move(annotation));
    }
  }
  return annotations;
}

}  // namespace referent::app

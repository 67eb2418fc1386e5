// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "docs/page.h"
#include "referent/config/docs.h"
#include "referent/engine/config.h"

namespace referent {
namespace {

TEST(ConfigurationPageTest, IsWhatTheConfigurationStructsSay) {
  testing::expect_page("configuration.md", "| ", config::docs<engine::RunConfig>());
}

}  // namespace
}  // namespace referent

// SPDX-License-Identifier: Apache-2.0
#include "referent/core/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "referent/core/error.h"
#include "support/temporary_folder.h"

namespace referent {
namespace {

using ::testing::HasSubstr;
using testing::TemporaryFolder;

TEST(FileTest, WritesWholeAndReadsBack) {
  const TemporaryFolder folder;
  write_file(folder.path() / "a.txt", "hello");
  EXPECT_EQ(read_text_file(folder.path() / "a.txt"), "hello");
  write_file(folder.path() / "a.txt", "again");
  EXPECT_EQ(read_text_file(folder.path() / "a.txt"), "again");
  EXPECT_EQ(folder.entries(), 1U);
}

TEST(FileTest, AnAbandonedAtomicFileLeavesNothingAndKeepsTheOld) {
  const TemporaryFolder folder;
  write_file(folder.path() / "a.txt", "old");
  {
    AtomicFile file(folder.path() / "a.txt");
    file.write("half");
  }
  EXPECT_EQ(read_text_file(folder.path() / "a.txt"), "old");
  EXPECT_EQ(folder.entries(), 1U);
}

TEST(FileTest, AFolderThatTakesNoFilesIsAFileErrorNamingTheFile) {
  try {
    write_file("/proc/self/x", "x");
    FAIL() << "no error";
  } catch (const FileError& error) {
    EXPECT_EQ(error.status(), ExitStatus::kFileSystem);
    EXPECT_THAT(error.what(), HasSubstr("/proc/self/x"));
  }
}

TEST(FileTest, AMissingFileIsADataErrorNamingIt) {
  try {
    read_file("/nowhere/at/all");
    FAIL() << "no error";
  } catch (const DataError& error) {
    EXPECT_THAT(error.what(), HasSubstr("/nowhere/at/all"));
  }
}

TEST(FileTest, RefusesAFolderAndAFileOverTheLimit) {
  const TemporaryFolder folder;
  EXPECT_THROW(read_file(folder.path()), DataError);
  write_file(folder.path() / "a", "12345");
  EXPECT_THROW(read_file(folder.path() / "a", 4), DataError);
  EXPECT_EQ(read_file(folder.path() / "a", 5).size(), 5U);
}

TEST(FileTest, MapsFilesAndEmptyFiles) {
  const TemporaryFolder folder;
  write_file(folder.path() / "a", "abc");
  write_file(folder.path() / "empty", "");
  EXPECT_EQ(MappedFile(folder.path() / "a").bytes().size(), 3U);
  EXPECT_TRUE(MappedFile(folder.path() / "empty").bytes().empty());
}

TEST(FileTest, MakingAFolderUnderAFileIsAFileError) {
  const TemporaryFolder folder;
  write_file(folder.path() / "a", "abc");
  EXPECT_THROW(make_folders(folder.path() / "a" / "b"), FileError);
}

}  // namespace
}  // namespace referent

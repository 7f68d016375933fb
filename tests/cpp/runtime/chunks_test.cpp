// The Lua files that the runtime has in it.

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "lua/embedded.hpp"

namespace copas::lua {
namespace {

using ::testing::Each;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAreArray;

std::vector<std::string_view> codes() {
  std::vector<std::string_view> all;
  std::ranges::transform(embedded_chunks(), std::back_inserter(all), &embedded_chunk::code);
  return all;
}

TEST(Chunks, AreAllFilesOfTheFolder) {
  std::vector<std::string> files;
  for (const auto& each : std::filesystem::directory_iterator{COPAS_LUA_FOLDER}) files.push_back(each.path().stem());
  std::vector<std::string_view> names;
  std::ranges::transform(embedded_chunks(), std::back_inserter(names), &embedded_chunk::name);

  EXPECT_THAT(names, UnorderedElementsAreArray(files));
}

TEST(Chunks, AreBytecodeOfItsLua) { EXPECT_THAT(codes(), Each(StartsWith(COPAS_BYTECODE_MARK))); }

TEST(Chunks, TellWhereTheyComeFrom) {
  for (const embedded_chunk& each : embedded_chunks()) {
    EXPECT_NE(each.code.find(title_of_chunk(each.name)), std::string_view::npos) << each.name;
  }
}

TEST(Chunks, AreInTheRuntimeAsTheyAre) {
  std::string program(std::filesystem::file_size(COPAS_RUNTIME_PROGRAM), '\0');
  std::ifstream file{COPAS_RUNTIME_PROGRAM, std::ios::binary};
  file.read(program.data(), static_cast<std::streamsize>(program.size()));

  for (const embedded_chunk& each : embedded_chunks()) {
    const std::boyer_moore_horspool_searcher code{each.code.begin(), each.code.end()};
    EXPECT_NE(std::search(program.begin(), program.end(), code), program.end()) << each.name;
  }
}

}  // namespace
}  // namespace copas::lua

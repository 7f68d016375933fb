// The program that compiles the Lua files of the runtime when that is built: what it says if it cannot.

#include <gmock/gmock.h>
#include <sys/wait.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>

#include "support/temporary_path.hpp"

namespace copas {
namespace {

using namespace copas::testing;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// What a program has printed, and how it has ended.
struct ending {
  std::string printed;
  int status = -1;
};

class CompileChunks : public ::testing::Test {
 public:
  CompileChunks() { std::filesystem::create_directory(folder()); }

  [[nodiscard]] std::string folder() const { return place.text(); }
  [[nodiscard]] std::string output() const { return folder() + "/chunks.cpp"; }
  void write(const std::string& name, const std::string& text) const { std::ofstream{folder() + "/" + name} << text; }
  [[nodiscard]] std::string written() const {
    std::ifstream file{output()};
    return {std::istreambuf_iterator<char>{file}, {}};
  }

  static ending run(std::initializer_list<std::string> arguments) {
    std::string command = COPAS_COMPILE_CHUNKS;
    for (const std::string& each : arguments) command += " '" + each + "'";
    const std::unique_ptr<std::FILE, decltype([](std::FILE*) {})> pipe{::popen((command + " 2>&1").c_str(), "r")};
    ending made;
    for (int byte = std::fgetc(pipe.get()); byte != EOF; byte = std::fgetc(pipe.get())) {
      made.printed += static_cast<char>(byte);
    }
    made.status = WEXITSTATUS(::pclose(pipe.get()));
    return made;
  }
  [[nodiscard]] ending compile(const std::string& file) const { return run({output(), folder(), file}); }

 private:
  temporary_path place;
};

TEST_F(CompileChunks, WritesChunksThatAreCalledAfterTheirFiles) {
  write("one.lua", "return 1");
  write("two.lua", "");

  const ending ended = run({output(), folder(), "one.lua", "two.lua"});

  EXPECT_EQ(ended.printed, "");
  EXPECT_EQ(ended.status, 0);
  EXPECT_THAT(written(), AllOf(HasSubstr("embedded_chunk{\"one\"sv,"), HasSubstr("embedded_chunk{\"two\"sv,")));
}

TEST_F(CompileChunks, WantsAnOutputAFolderAndAFile) {
  const std::string expected = "compile_chunks: expected OUTPUT BASE FILE...\n";
  for (const ending& ended : {run({}), run({output()}), run({output(), folder()})}) {
    EXPECT_EQ(ended.printed, expected);
    EXPECT_EQ(ended.status, 1);
  }
  EXPECT_FALSE(std::filesystem::exists(output()));
}

TEST_F(CompileChunks, NamesAFileThatIsNotThere) {
  const ending ended = compile("nothing.lua");

  EXPECT_EQ(ended.printed, "compile_chunks: " + folder() + "/nothing.lua cannot be read\n");
  EXPECT_EQ(ended.status, 1);
}

TEST_F(CompileChunks, NamesAFolderInPlaceOfAFile) {
  std::filesystem::create_directory(folder() + "/folder.lua");

  const ending ended = compile("folder.lua");

  EXPECT_EQ(ended.printed, "compile_chunks: " + folder() + "/folder.lua cannot be read\n");
  EXPECT_EQ(ended.status, 1);
}

TEST_F(CompileChunks, SaysWhatIsWrongWithAFile) {
  write("broken.lua", "local one = 1\nlocal = 2\n");

  const ending ended = compile("broken.lua");

  EXPECT_THAT(ended.printed, StartsWith("compile_chunks: copas/broken.lua:2: "));
  EXPECT_EQ(ended.status, 1);
}

TEST_F(CompileChunks, LeavesTheOutputAsItWasIfAFileIsWrong) {
  write("fine.lua", "return 1");
  write("broken.lua", "return return");
  write("chunks.cpp", "// of the last time");

  EXPECT_EQ(run({output(), folder(), "fine.lua", "broken.lua"}).status, 1);

  EXPECT_EQ(written(), "// of the last time");
}

TEST_F(CompileChunks, NamesAnOutputThatCannotBeWritten) {
  write("fine.lua", "return 1");

  const ending ended = run({folder() + "/nowhere/chunks.cpp", folder(), "fine.lua"});

  EXPECT_EQ(ended.printed, "compile_chunks: " + folder() + "/nowhere/chunks.cpp cannot be written\n");
  EXPECT_EQ(ended.status, 1);
}

}  // namespace
}  // namespace copas

// SPDX-License-Identifier: Apache-2.0
// .npy files, byte by byte and as Python reads them by hand (NumPy itself may not be there).
#include "drivers/files/npy.hpp"

#include <cstdlib>

#include "tests/unit/files/temporary_files.hpp"

namespace nicol::files {
namespace {

class NpyFile : public TemporaryFiles {};

TEST_F(NpyFile, HasTheHeaderOfFormatOne) {
  const std::vector<std::uint64_t> values{1, 2, 3, 4, 5, 6};
  const std::vector<std::size_t> shape{2, 3};
  ASSERT_TRUE(write_npy(dir_ / "h.npy", values, shape));
  const std::string bytes = content(dir_ / "h.npy");
  ASSERT_EQ(bytes.size(), 128u + 48);
  EXPECT_EQ(bytes.substr(0, 10), std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  EXPECT_EQ(bytes.substr(10, 61), std::string("{'descr': '<u8', 'fortran_order': False, 'shape': (2, 3), }  "));
  EXPECT_EQ(bytes[127], '\n');
  EXPECT_EQ(bytes.substr(128), le64({1, 2, 3, 4, 5, 6}));
}

TEST_F(NpyFile, WritesATupleOfOneAsPythonDoes) {
  const std::vector<double> values{0.5, -2};
  const std::vector<std::size_t> shape{2};
  ASSERT_TRUE(write_npy(dir_ / "h.npy", values, shape));
  EXPECT_NE(content(dir_ / "h.npy").find("'shape': (2,), }"), std::string::npos);
}

TEST_F(NpyFile, RefusesAShapeOfAnotherSize) {
  const std::vector<double> values{1, 2, 3};
  const std::vector<std::size_t> shape{2, 2};
  EXPECT_EQ(write_npy(dir_ / "h.npy", values, shape).error().code, Code::bad_input);
  EXPECT_TRUE(names().empty());
}

TEST_F(NpyFile, IsReadByAParserThatIsNotOurs) {
  if (std::system("python3 -c 'import ast, struct' 2>/dev/null") != 0) GTEST_SKIP() << "no python3 here";
  const std::vector<double> values{0.5, -2, 1e300, 0, 7, 8};
  const std::vector<std::size_t> shape{3, 2};
  ASSERT_TRUE(write_npy(dir_ / "h.npy", values, shape));
  write("read.py",
        "import ast, struct, sys\n"
        "d = open(sys.argv[1], 'rb').read()\n"
        "assert d[:8] == b'\\x93NUMPY\\x01\\x00'\n"
        "n = struct.unpack('<H', d[8:10])[0]\n"
        "h = ast.literal_eval(d[10:10 + n].decode('latin1'))\n"
        "assert (10 + n) % 64 == 0 and d[9 + n:10 + n] == b'\\n'\n"
        "assert h == {'descr': '<f8', 'fortran_order': False, 'shape': (3, 2)}, h\n"
        "assert struct.unpack('<6d', d[10 + n:]) == (0.5, -2, 1e300, 0, 7, 8)\n");
  const std::string command = "python3 " + (dir_ / "read.py").string() + " " + (dir_ / "h.npy").string();
  EXPECT_EQ(std::system(command.c_str()), 0);
}

}  // namespace
}  // namespace nicol::files

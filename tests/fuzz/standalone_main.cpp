// SPDX-License-Identifier: Apache-2.0
// Runs a fuzz target without libFuzzer: on the files and folders given, then on seeded mutations of them.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

namespace fs = std::filesystem;
using Input = std::vector<std::uint8_t>;

constexpr int kMutations = 4000;
constexpr std::size_t kLargest = 4096;

Input read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<Input> corpus(int argc, char** argv) {
  std::vector<Input> inputs;
  for (int i = 1; i < argc; ++i) {
    if (!fs::is_directory(argv[i])) {
      inputs.push_back(read_file(argv[i]));
      continue;
    }
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(argv[i]))
      if (entry.is_regular_file()) files.push_back(entry.path());
    std::ranges::sort(files);  // the same mutations on every machine
    for (const fs::path& file : files) inputs.push_back(read_file(file));
  }
  return inputs;
}

class Mutator {
 public:
  explicit Mutator(std::vector<Input> corpus) : corpus_(std::move(corpus)) {}

  Input next() {
    Input input = corpus_.empty() || below(8) == 0 ? noise() : corpus_[below(corpus_.size())];
    const std::size_t changes = 1 + below(8);
    for (std::size_t i = 0; i < changes; ++i) change(input);
    if (input.size() > kLargest) input.resize(kLargest);
    return input;
  }

 private:
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }
  std::uint8_t byte() { return static_cast<std::uint8_t>(random_()); }

  Input noise() {
    Input out(below(256));
    std::ranges::generate(out, [this] { return byte(); });
    return out;
  }

  void change(Input& input) {
    if (input.empty()) {
      input.push_back(byte());
      return;
    }
    const std::size_t at = below(input.size());
    const auto it = input.begin() + static_cast<std::ptrdiff_t>(at);
    switch (below(6)) {
      case 0:
        input[at] = byte();
        break;
      case 1:
        input[at] = static_cast<std::uint8_t>(input[at] ^ 1u << below(8));
        break;
      case 2:
        input.insert(it, byte());
        break;
      case 3:
        input.erase(it);
        break;
      case 4:
        input.resize(at);
        break;
      default:
        std::fill(it, std::min(it + 8, input.end()), below(2) == 0 ? std::uint8_t{0} : std::uint8_t{255});
    }
  }

  std::vector<Input> corpus_;
  std::mt19937_64 random_{20240229};
};

}  // namespace

int main(int argc, char** argv) {
  const std::vector<Input> inputs = corpus(argc, argv);
  for (const Input& input : inputs) LLVMFuzzerTestOneInput(input.data(), input.size());
  Mutator mutator(inputs);
  for (int i = 0; i < kMutations; ++i) {
    const Input input = mutator.next();
    LLVMFuzzerTestOneInput(input.data(), input.size());
  }
  std::printf("%zu files, %d mutations\n", inputs.size(), kMutations);
}

// SPDX-License-Identifier: Apache-2.0
// A folder of its own for each test, files of bytes made by hand in it, and all events of a file at once.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "drivers/files/tag_file.hpp"
#include "drivers/files/tag_file_writer.hpp"

namespace nicol::files {

inline constexpr FileFormat kAllFormats[] = {FileFormat::readevents,
                                             FileFormat::readevents_x,
                                             FileFormat::readevents_hex,
                                             FileFormat::readevents_hex32,
                                             FileFormat::readevents_fast,
                                             FileFormat::readevents_fast_hex,
                                             FileFormat::tdc1,
                                             FileFormat::ptu,
                                             FileFormat::qutag,
                                             FileFormat::xqp,
                                             FileFormat::csv,
                                             FileFormat::nicol,
                                             FileFormat::epoch_raw,
                                             FileFormat::epoch};

inline void PrintTo(const FileEvent& e, std::ostream* out) {
  *out << "{" << e.ticks << ", " << e.pattern << ", " << static_cast<int>(e.kind) << "}";
}

constexpr FileEvent click(std::int64_t ticks, std::uint32_t pattern) {
  return {ticks, pattern, FileEvent::Kind::event};
}
constexpr FileEvent dummy(std::int64_t ticks, std::uint32_t pattern = 0) {
  return {ticks, pattern, FileEvent::Kind::dummy};
}
constexpr FileEvent loss(std::int64_t ticks, std::uint32_t events) { return {ticks, events, FileEvent::Kind::loss}; }

/// Unsigned numbers, least significant byte first.
template <class Number>
std::string le(std::initializer_list<Number> numbers) {
  std::string out;
  for (const Number n : numbers)
    for (std::size_t i = 0; i < sizeof(Number); ++i) out.push_back(static_cast<char>(n >> (8 * i) & 0xff));
  return out;
}
inline std::string le32(std::initializer_list<std::uint32_t> words) { return le(words); }
inline std::string le64(std::initializer_list<std::uint64_t> words) { return le(words); }

class TemporaryFiles : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::temp_directory_path() / ("nicol-files-" + std::to_string(::getpid()) + "-" +
                                                     testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::filesystem::path write(const std::string& name, std::string_view bytes) const {
    std::ofstream out(dir_ / name, std::ios::binary);
    out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    return dir_ / name;
  }
  static std::string content(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  /// Names in the folder, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(dir_)) all.push_back(entry.path().filename().string());
    std::ranges::sort(all);
    return all;
  }

  static Result<std::vector<FileEvent>> read(const std::filesystem::path& path, FileFormat format) {
    auto file = TagFile::open(path, format);
    if (!file) return std::move(file).error();
    std::vector<FileEvent> all;
    for (;;) {
      const auto events = file->next();
      if (!events) return events.error();
      if (events->empty()) return all;
      all.insert(all.end(), events->begin(), events->end());
    }
  }
  /// The events of a file made of these bytes.
  Result<std::vector<FileEvent>> read_bytes(std::string_view bytes, FileFormat format) const {
    return read(write("bytes", bytes), format);
  }
  void expect_refused(std::string_view bytes, FileFormat format, std::string_view place) const {
    const auto events = read_bytes(bytes, format);
    ASSERT_FALSE(events) << "expected a refusal at " << place;
    EXPECT_EQ(events.error().code, Code::bad_input);
    EXPECT_NE(events.error().message.find("bytes: " + std::string(place)), std::string::npos) << events.error().message;
  }

  static Result<NotWritten> write_events(const std::filesystem::path& path, FileFormat format,
                                         const TagFileShape& shape, const std::vector<FileEvent>& events) {
    auto writer = TagFileWriter::create(path, format, shape);
    if (!writer) return std::move(writer).error();
    if (auto ok = writer->add(events); !ok) return std::move(ok).error();
    return writer->finish();
  }

  std::filesystem::path dir_;
};

}  // namespace nicol::files

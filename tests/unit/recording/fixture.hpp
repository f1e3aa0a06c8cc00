// SPDX-License-Identifier: Apache-2.0
// A folder of its own, a seal key, and recordings in it.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "controller/recording/reader.hpp"
#include "controller/recording/writer.hpp"
#include "tests/support/folder.hpp"

namespace nicol::test {

using Payload = std::vector<std::uint8_t>;

inline Payload bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

class RecordingTest : public testing::Test {
 protected:
  RecordingTest() { EXPECT_TRUE(recording::make_seal_key(folder_ / "seal.key").ok()); }

  recording::SealSecret key() const { return std::move(recording::read_seal_key(folder_ / "seal.key")).value(); }
  std::filesystem::path file() const { return folder_ / "recording"; }
  std::unique_ptr<recording::Writer> begin() const {
    auto writer = recording::Writer::create(file(), recording::Node::bob, key());
    EXPECT_TRUE(writer.ok()) << describe(writer.error());
    return *std::move(writer);
  }
  /// Three entries of different kinds, ended in order.
  void write_small() const {
    auto writer = begin();
    for (const char* text : {"first", "second", ""}) writer->put(recording::Entry::call, {bytes_of(text)});
    writer->finish();
  }
  std::vector<Payload> entries(recording::Reader& reader) const {
    std::vector<Payload> all;
    while (reader.head()) {
      auto payload = reader.rest(1 << 24);
      if (!payload) break;
      all.push_back(*std::move(payload));
      reader.done();
    }
    return all;
  }
  Payload content() const {
    std::ifstream in(file(), std::ios::binary);
    return Payload(std::istreambuf_iterator<char>(in), {});
  }
  void overwrite(const Payload& with) const {
    std::ofstream(file(), std::ios::binary | std::ios::trunc)
        .write(reinterpret_cast<const char*>(with.data()), static_cast<std::streamsize>(with.size()));
  }

  Folder folder_;
};

}  // namespace nicol::test

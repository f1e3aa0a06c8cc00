// SPDX-License-Identifier: Apache-2.0
// The golden vectors, byte for byte, in both directions; they come from a second implementation in Python.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "firmware-protocol/cobs.hpp"
#include "firmware-protocol/crc.hpp"
#include "firmware-protocol/tag_words.hpp"
#include "tests/unit/firmware/bytes.hpp"

namespace nicol::fw::test {
namespace {

using nlohmann::json;

const json& golden() {
  static const json all = json::parse(std::ifstream(NICOL_SOURCE_DIR "/tests/vectors/firmware_frames.json"));
  return all;
}
Bytes bytes_of(const json& vector, const char* field) { return from_hex(vector.at(field).get<std::string>()); }
std::string name_of(const json& vector) { return vector.at("name").get<std::string>(); }

Message message_of(const json& vector) {
  Message message;
  message.header.version = vector.at("version").get<std::uint8_t>();
  message.header.type = static_cast<Type>(vector.at("type").get<std::uint8_t>());
  message.header.flags = vector.at("flags").get<std::uint8_t>();
  message.header.seq = vector.at("seq").get<std::uint16_t>();
  message.header.ack = vector.at("ack").get<std::uint16_t>();
  message.payload = bytes_of(vector, "payload");
  return message;
}

std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  char part[4096];
  while (pipe != nullptr && std::fgets(part, sizeof part, pipe) != nullptr) out += part;
  if (pipe != nullptr) pclose(pipe);
  return out;
}
bool has_python() { return std::system("python3 -c '' 2>/dev/null") == 0; }

TEST(GoldenFrames, HoldTheCheckValuesOfBothCrcs) {
  ASSERT_FALSE(golden().at("crc").empty());
  for (const json& vector : golden().at("crc")) {
    const Bytes bytes = bytes_of(vector, "bytes");
    EXPECT_EQ(crc16(bytes), std::stoul(vector.at("crc16").get<std::string>(), nullptr, 16));
    EXPECT_EQ(crc32c(bytes), std::stoul(vector.at("crc32c").get<std::string>(), nullptr, 16));
  }
}

TEST(GoldenFrames, StuffAndUnstuffAsWritten) {
  ASSERT_FALSE(golden().at("cobs").empty());
  for (const json& vector : golden().at("cobs")) {
    const Bytes plain = bytes_of(vector, "plain"), stuffed = bytes_of(vector, "stuffed");
    Bytes out(cobs_bound(plain.size()));
    out.resize(cobs_encode(plain, out));
    EXPECT_EQ(out, stuffed);
    out.assign(stuffed.size(), 0);
    out.resize(cobs_decode(stuffed, out));
    EXPECT_EQ(out, plain);
  }
}

TEST(GoldenFrames, AreWrittenAsWritten) {
  for (const json& vector : golden().at("frames")) {
    EXPECT_EQ(encoded(message_of(vector), Framing::raw), bytes_of(vector, "raw")) << name_of(vector);
    EXPECT_EQ(encoded(message_of(vector), Framing::cobs), bytes_of(vector, "serial")) << name_of(vector);
  }
}

TEST(GoldenFrames, AreReadFromBothFramings) {
  for (const json& vector : golden().at("frames"))
    for (const Framing framing : {Framing::raw, Framing::cobs}) {
      FrameDecoder decoder(framing);
      decoder.feed(bytes_of(vector, framing == Framing::raw ? "raw" : "serial"));
      Frame frame;
      ASSERT_TRUE(decoder.next(frame)) << name_of(vector);
      EXPECT_EQ(test::message_of(frame), message_of(vector)) << name_of(vector);
    }
}

TEST(GoldenFrames, AreRefusedForTheReasonWritten) {
  const std::map<std::string, Verdict> verdicts{{"unfinished", Verdict::unfinished},
                                                {"noise", Verdict::noise},
                                                {"bad_header", Verdict::bad_header},
                                                {"bad_payload", Verdict::bad_payload},
                                                {"unknown_flags", Verdict::unknown_flags}};
  ASSERT_FALSE(golden().at("refused").empty());
  for (const json& vector : golden().at("refused"))
    EXPECT_EQ(decode_frame(bytes_of(vector, "raw")).verdict, verdicts.at(vector.at("verdict").get<std::string>()))
        << name_of(vector);
}

TEST(GoldenTagBlocks, HaveTheHeaderWritten) {
  for (const json& vector : golden().at("tag_blocks")) {
    TagBlockHeader header;
    const Bytes payload = bytes_of(vector, "payload");
    ASSERT_TRUE(decode_tag_header(payload, header)) << name_of(vector);
    EXPECT_EQ(header.block_seq, vector.at("block_seq").get<std::uint32_t>());
    EXPECT_EQ(header.base_tick, vector.at("base_tick").get<std::uint64_t>());
    EXPECT_EQ(header.first_index, vector.at("first_index").get<std::uint64_t>());
    EXPECT_EQ(header.lost, vector.at("lost").get<std::uint32_t>());
    EXPECT_EQ(header.flags, vector.at("flags").get<std::uint16_t>());
    Bytes again(kTagHeaderBytes);
    encode_tag_header(header, std::span(again).first<kTagHeaderBytes>());
    EXPECT_EQ(again, Bytes(payload.begin(), payload.begin() + kTagHeaderBytes));
  }
}

TEST(GoldenTagBlocks, HaveTheEventsWritten) {
  for (const json& vector : golden().at("tag_blocks")) {
    const Bytes raw = bytes_of(vector, "raw");
    const Decoded decoded = decode_frame(raw);
    ASSERT_EQ(decoded.verdict, Verdict::frame) << name_of(vector);
    TagBlockHeader header;
    ASSERT_TRUE(decode_tag_header(decoded.frame.payload, header));
    json events = json::array();
    for (const TagWord word : TagWords(header, decoded.frame.payload))
      events.push_back(word.is_tag() ? json{{"kind", word.kind}, {"tick", word.tick}}
                                     : json{{"kind", word.kind}, {"value", word.value}});
    EXPECT_EQ(events, vector.at("events")) << name_of(vector);
  }
}

TEST(GoldenVectors, AreWhatTheSecondImplementationMakes) {
  if (!has_python()) GTEST_SKIP() << "no python3 on this machine";
  EXPECT_EQ(std::system("python3 tests/vectors/firmware_frames.py --check tests/vectors/firmware_frames.json"), 0);
}

TEST(GoldenVectors, AgreeWithTheFramesTheDesignGives) {
  const std::string script = NICOL_SHARED_DIR "/prototypes/golden_frames.py";
  if (!has_python() || !std::ifstream(script)) GTEST_SKIP() << "needs python3 and " << script;
  std::map<std::string, std::string> given;
  std::istringstream lines(output_of("python3 " + script));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name, hex;
    words >> name;
    for (std::string byte; words >> byte;)
      if (byte.size() == 2 && !(name == "tagblock" && hex.empty() && byte == "60")) hex += byte;
    given[name] = hex;
  }
  EXPECT_EQ(given["heartbeat"], golden().at("frames").at(0).at("raw").get<std::string>());
  EXPECT_EQ(given["serial"], golden().at("frames").at(0).at("serial").get<std::string>());
  EXPECT_EQ(given["tagblock"], golden().at("tag_blocks").at(0).at("raw").get<std::string>());
}

}  // namespace
}  // namespace nicol::fw::test

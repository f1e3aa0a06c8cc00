// SPDX-License-Identifier: Apache-2.0
// Payloads: what is encoded is decoded, and nothing of another length or with an unknown value is.
#include <gtest/gtest.h>

#include "firmware-protocol/message.hpp"
#include "tests/unit/firmware/bytes.hpp"

namespace nicol::fw::test {
namespace {

template <class T>
Bytes bytes_of(const T& m) {
  Bytes out(kControlPayload);
  out.resize(encode(m, out));
  return out;
}

template <class T>
void expect_round_trip(const T& m) {
  Bytes bytes = bytes_of(m);
  ASSERT_EQ(bytes.size(), T::kBytes);
  EXPECT_EQ(decode<T>(bytes), m);
  EXPECT_EQ(encode(m, std::span(bytes).first(T::kBytes - 1)), 0U);
  EXPECT_FALSE(decode<T>(std::span(bytes).first(T::kBytes - 1)).has_value());
  bytes.push_back(0);
  EXPECT_FALSE(decode<T>(bytes).has_value());
}

TEST(Messages, FixedPayloadsComeBackAndHaveOneLengthOnly) {
  expect_round_trip(Heartbeat{123'456'789, Emission::tripped, kFaultOverRate});
  expect_round_trip(Answer{9, 0xFFFF});
  expect_round_trip(ErrorEvent{kFaultInterlock, 3, 0xFFFFFFFF});
  expect_round_trip(Move{7, MoveKind::relative, -1});
  expect_round_trip(Axis{255});
  expect_round_trip(AxisStatus{1, kAxisMoving | kAxisFault, std::numeric_limits<std::int64_t>::min()});
  expect_round_trip(Arm{0x0123456789ABCDEF});
  expect_round_trip(ClearFault{0x8001});
  expect_round_trip(SourceConfig{1'000'000, 16, 350, kSourceIntensities});
  expect_round_trip(SourceRun{1U << 20, std::uint64_t{1} << 60});
  expect_round_trip(SourceStatus{Player::dry, 1, 2, 3});
  expect_round_trip(Credit{17});
  expect_round_trip(TimeMark{std::uint64_t{1} << 61, 5});
}

TEST(Messages, AMovesBytesAreThoseOfTheSpecification) {
  EXPECT_EQ(bytes_of(Move{1, MoveKind::absolute, -2}), from_hex("01000000feffffffffffffff"));
}

TEST(Messages, ValuesOutsideTheirRangeAreRefused) {
  EXPECT_FALSE(decode<Heartbeat>(from_hex("0000000004000000")).has_value());
  EXPECT_FALSE(decode<Move>(from_hex("010200000000000000000000")).has_value());
  EXPECT_FALSE(decode<SourceRun>(bytes_of(SourceRun{10, 10})).has_value());
  EXPECT_FALSE(decode<SourceConfig>(bytes_of(SourceConfig{0, 1, 0, 0})).has_value());
  EXPECT_FALSE(decode<SourceConfig>(bytes_of(SourceConfig{1, 0, 0, 0})).has_value());
  EXPECT_FALSE(decode<SourceConfig>(bytes_of(SourceConfig{1, 1, 0, 2})).has_value());
  Bytes status = bytes_of(SourceStatus{});
  status[0] = 6;
  EXPECT_FALSE(decode<SourceStatus>(status).has_value());
}

TEST(PatternChunkMessage, SlotsArePackedFourToAByteLowestFirst) {
  const Bytes states{0xE4, 0x02}, none;  // 0, 1, 2, 3, 2
  const Bytes bytes = bytes_of(PatternChunk{0x100, 5, 0, states, none});
  EXPECT_EQ(bytes, from_hex("00010000000000000500000000000000e402"));
  const auto chunk = decode<PatternChunk>(bytes);
  ASSERT_TRUE(chunk.has_value());
  for (std::size_t k = 0; k < 5; ++k) EXPECT_EQ(packed_pair(chunk->states, k), k < 4 ? k : 2);
}

TEST(PatternChunkMessage, IntensitiesFollowWhenTheFlagSaysSo) {
  const Bytes states{0x1B}, intensities{0x05};
  const Bytes bytes = bytes_of(PatternChunk{0, 3, kSourceIntensities, Bytes{0x1B}, intensities});
  const auto chunk = decode<PatternChunk>(bytes);
  ASSERT_TRUE(chunk.has_value());
  EXPECT_EQ(packed_pair(chunk->intensities, 1), 1);
  EXPECT_EQ(packed_pair(chunk->intensities, 2), 0);
}

TEST(PatternChunkMessage, IsRefusedWhenLengthAndSlotsDisagree) {
  const Bytes states(3), none;
  Bytes bytes = bytes_of(PatternChunk{0, 12, 0, states, none});
  EXPECT_TRUE(decode<PatternChunk>(bytes).has_value());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode<PatternChunk>(std::span(bytes).first(size)).has_value()) << size;
  bytes.push_back(0);
  EXPECT_FALSE(decode<PatternChunk>(bytes).has_value());
}

TEST(PatternChunkMessage, IsRefusedWithoutSlotsWithStrayBitsOrPastTheLastSlotNumber) {
  const Bytes one{0x0F}, none;
  EXPECT_FALSE(decode<PatternChunk>(bytes_of(PatternChunk{0, 0, 0, none, none})).has_value());
  EXPECT_FALSE(decode<PatternChunk>(bytes_of(PatternChunk{0, 1, 0, one, none})).has_value());
  EXPECT_FALSE(decode<PatternChunk>(bytes_of(PatternChunk{~std::uint64_t{0}, 2, 0, one, none})).has_value());
  EXPECT_FALSE(decode<PatternChunk>(bytes_of(PatternChunk{0, 2, 2, one, none})).has_value());
}

TEST(PatternChunkMessage, TheLargestFillsAFrameExactly) {
  const Bytes states(packed_bytes(most_chunk_slots(0))), none;
  const auto slots = static_cast<std::uint32_t>(most_chunk_slots(0));
  EXPECT_EQ(bytes_of(PatternChunk{0, slots, 0, states, none}).size(), kControlPayload);
  EXPECT_EQ(most_chunk_slots(kSourceIntensities), most_chunk_slots(0) / 2);
}

TEST(PropertyMessage, ValuesComeBack) {
  for (const Value& v :
       {Value{Property::analog_in, 3, -1, {}, {}},
        Value{Property::channel_config, 2, 0, {Switch::off, Role::frame, Edge::falling, -500, -7, 8}, {}},
        Value{Property::channel_counters, 1, 0, {}, {std::uint64_t{1} << 63, 4}}})
    EXPECT_EQ(decode_value(bytes_of(v)), v);
  EXPECT_EQ(decode_get(bytes_of(Get{Property::shutter, 7})), (Get{Property::shutter, 7}));
}

TEST(PropertyMessage, OfTheWrongLengthOrWithAnUnknownRoleIsRefused) {
  Bytes bytes = bytes_of(Value{Property::channel_config, 2, 0, {}, {}});
  EXPECT_FALSE(decode_value(std::span(bytes).first(kNumberValueBytes)).has_value());
  for (const std::size_t at : {4U, 5U, 6U}) {
    Bytes bad = bytes;
    bad[at] = 8;
    EXPECT_FALSE(decode_value(bad).has_value()) << at;
  }
  EXPECT_FALSE(decode_value({}).has_value());
  EXPECT_FALSE(decode_get(Bytes(5)).has_value());
}

Hello full_hello() {
  Hello h;
  h.nonce = 77;
  h.schema_hash = schema_hash();
  h.mtu = 1024;
  h.compat = 6;
  Description& d = h.description;
  d.serial = Text("S-7");
  d.model = Text("model");
  d.firmware = Text("abc");
  d.tagger = {4, 2000, 3, 1, 100'000, 512, 90, 6000};
  d.axes[0] = {10, 3, 1000, 360'000};
  d.axes[1] = {7, 1, 500, 0};
  d.axis_count = 2;
  d.source = {1000, 2000, 4096, 2, true, false};
  d.shutters = 3;
  d.self_closing_shutters = 5;
  d.attenuators = 1;
  d.digital_inputs = 2;
  d.digital_outputs = 3;
  d.analog_inputs = 4;
  d.thermistors = 5;
  d.detectors = {4, 2'000'000};
  d.watchdog_min_ms = 300;
  d.watchdog_max_ms = 4000;
  return h;
}

TEST(HelloMessage, AllOfItComesBack) {
  const Hello sent = full_hello();
  const auto got = decode_hello(bytes_of(sent));
  ASSERT_TRUE(got.has_value());
  const Description &a = sent.description, &b = got->description;
  EXPECT_EQ(got->nonce, 77U);
  EXPECT_EQ(got->mtu, 1024);
  EXPECT_EQ(got->compat, 6U);
  EXPECT_EQ(b.serial.view(), "S-7");
  EXPECT_EQ(b.model.view(), "model");
  EXPECT_EQ(b.firmware.view(), "abc");
  EXPECT_EQ(b.tagger, a.tagger);
  EXPECT_EQ(b.axis_count, 2U);
  EXPECT_EQ(b.axes, a.axes);
  EXPECT_EQ(b.source, a.source);
  EXPECT_EQ(b.detectors, a.detectors);
  EXPECT_EQ((std::array{b.shutters, b.self_closing_shutters, b.attenuators, b.digital_inputs, b.digital_outputs,
                        b.analog_inputs, b.thermistors}),
            (std::array<std::uint8_t, 7>{3, 5, 1, 2, 3, 4, 5}));
  EXPECT_EQ(b.watchdog_min_ms, 300);
  EXPECT_EQ(b.watchdog_max_ms, 4000);
}

TEST(HelloMessage, UnknownTlvsAndLongerOnesAreSkipped) {
  Bytes bytes = bytes_of(Hello{});
  append(bytes, from_hex("ee03010203"));            // unknown
  append(bytes, from_hex("0a07020000001000ffff"));  // detectors, two bytes longer than we know
  bytes.pop_back();
  const auto got = decode_hello(bytes);
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->description.detectors.count, 2);
}

TEST(HelloMessage, CutAnywhereIsEitherRefusedOrEndsBetweenTwoTlvs) {
  const Bytes bytes = bytes_of(full_hello());
  std::size_t accepted = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size)
    accepted += decode_hello(std::span(bytes).first(size)).has_value() ? 1U : 0U;
  EXPECT_EQ(accepted, 11U);  // behind the fixed part and behind each of the eleven TLVs but the last
}

TEST(HelloMessage, WithAZeroTickOrZeroCountsPerDegreeIsRefused) {
  Hello h = full_hello();
  h.description.tagger.tick_den = 0;
  EXPECT_FALSE(decode_hello(bytes_of(h)).has_value());
  h = full_hello();
  h.description.axes[1].counts_num = 0;
  EXPECT_FALSE(decode_hello(bytes_of(h)).has_value());
}

TEST(HelloMessage, TheLargestFits) {
  Hello h = full_hello();
  h.description.axis_count = Description::kMostAxes;
  h.description.axes.fill({1, 1, 1, 1});
  h.description.serial = h.description.model = h.description.firmware = Text(std::string(100, 'x'));
  const auto got = decode_hello(bytes_of(h));
  ASSERT_TRUE(got.has_value());
  EXPECT_EQ(got->description.axis_count, 8U);
  EXPECT_EQ(got->description.model.view().size(), Text::kMost);
}

TEST(Decoders, AreTotal) {
  Rng rng(4);
  for (int i = 0; i < 200'000; ++i) {
    const Bytes bytes = random_bytes(rng, below(rng, 64));
    decode_hello(bytes);
    decode_value(bytes);
    decode_get(bytes);
    decode<PatternChunk>(bytes);
    decode<SourceStatus>(bytes);
    decode<Heartbeat>(bytes);
  }
}

}  // namespace
}  // namespace nicol::fw::test

// SPDX-License-Identifier: Apache-2.0
// HELLO, unknown frames, and the property table against the board.
#include <gtest/gtest.h>

#include "tests/unit/firmware/host.hpp"

namespace nicol::fw::test {
namespace {

Hello good_hello() {
  Hello h;
  h.nonce = 0x42;
  h.schema_hash = schema_hash();
  h.mtu = kUsbMtu;
  return h;
}
Said hello_with(Bench& b, const Hello& h) {
  b.seq = static_cast<std::uint16_t>(h.nonce - 1);
  return b.ask(Type::hello, h);
}

TEST(Hello, SaysWhoTheBoardIs) {
  Bench b;
  const auto said = decode_hello(b.hello(0x42).message.payload).value();
  EXPECT_EQ(said.nonce, 0x42U);
  EXPECT_EQ(said.mtu, kUsbMtu);
  EXPECT_EQ(said.schema_hash, schema_hash());
  EXPECT_EQ(said.description.serial.view(), "NB-0001");
  EXPECT_TRUE(b.firmware->in_session());
}

TEST(Hello, OfAnotherMajorVersionIsAnsweredInOurs) {
  Bench b;
  Message m;
  m.header.type = Type::hello;
  m.header.flags = kAckRequest;
  m.header.seq = 9;
  m.header.version = 2;
  b.firmware->receive(encoded(m, Framing::raw), b.now);
  const auto said = b.hear();
  ASSERT_EQ(said.size(), 1U);
  EXPECT_EQ(said[0].message.header.type, Type::hello);
  EXPECT_EQ(said[0].message.header.version, kVersion);
  EXPECT_EQ(said[0].message.header.ack, 9);
  EXPECT_TRUE(said[0].refused());
  EXPECT_FALSE(b.firmware->in_session());
}

TEST(Hello, WithNoCommonVersionOrAnotherSchemaIsRefusedWithAHello) {
  Bench b;
  Hello h = good_hello();
  h.proto_min = h.proto_max = 2;
  EXPECT_EQ(hello_with(b, h).message.header.type, Type::hello);
  h = good_hello();
  ++h.schema_hash;
  const Said said = hello_with(b, h);
  EXPECT_EQ(said.message.header.type, Type::hello);
  EXPECT_TRUE(said.refused());
  EXPECT_FALSE(b.firmware->in_session());
}

TEST(Hello, WithAnIncompatibleFeatureIsRefusedAndWithACompatibleOneIsNot) {
  Bench b;
  Hello h = good_hello();
  h.incompat = 0x8000;
  const Said said = hello_with(b, h);
  EXPECT_EQ(b.outcome(said), Nack::unsupported);
  EXPECT_EQ(said.as<Answer>().detail, 0x8000);
  h.incompat = 0;
  h.compat = 0xFFFFFFFF;
  EXPECT_FALSE(hello_with(b, h).refused());
}

TEST(Hello, IsNeededBeforeAnyCommand) {
  Bench b;
  EXPECT_EQ(b.order(Type::clear_fault, kEveryFault), Nack::wrong_session);
  EXPECT_EQ(b.order(Type::get, Get{Property::emission, 0}), Nack::wrong_session);
}

TEST(Hello, OfARefusingBoardReachesTheHostAsUnsupportedWithItsVersion) {
  Requester requester(Framing::raw, kUsbRetry);
  requester.begin_session(5);
  ASSERT_TRUE(requester.send(Type::hello, {}, 0).has_value());
  Bytes out(Requester::kMostFrameBytes);
  requester.transmit(out, 0);
  Header header;
  header.type = Type::hello;
  header.flags = kIsNack;
  header.ack = 5;
  header.version = 3;
  const auto reply = requester.receive(Frame{header, {}}, 1);
  ASSERT_TRUE(reply && reply->refusal);
  EXPECT_EQ(*reply->refusal, refuse(Nack::unsupported, 3));
}

TEST(UnknownType, IsRefusedWhenItAsksAndCountedWhenItDoesNot) {
  Bench b;
  b.hello(1);
  EXPECT_EQ(b.order(static_cast<Type>(0x6A)), Nack::unsupported);
  b.put(static_cast<Type>(0x6A), 0, b.seq, {});
  EXPECT_TRUE(b.hear().empty());
  EXPECT_EQ(b.firmware->counts().unknown, 2U);
}

TEST(Command, WithoutAckRequestIsNotCarriedOut) {
  Bench b;
  b.hello(1);
  Bytes payload(Move::kBytes);
  encode(Move{0, MoveKind::relative, 5}, payload);
  b.put(Type::move, 0, b.seq, payload);
  EXPECT_EQ(b.board.is.moves, 0);
}

TEST(Command, OfTheWrongLengthIsRefused) {
  Bench b;
  b.hello(1);
  for (const Type type :
       {Type::set, Type::get, Type::move, Type::stop, Type::home, Type::arm, Type::stream_start, Type::axis_status})
    EXPECT_EQ(b.outcome(b.ask(type, std::span<const std::uint8_t>(Bytes(3)))), Nack::bad_length);
}

TEST(Link, AFrameCutOffIsForgottenSoThatTheNextIsHeard) {
  Bench b;
  b.hello(1);
  Message half;
  half.header.type = Type::vendor;
  half.payload = Bytes(4000, 0x55);
  const Bytes bytes = encoded(half, Framing::raw);
  b.firmware->receive(std::span(bytes).first(500), b.now);
  b.pass(60);
  EXPECT_EQ(b.order(Type::clear_fault, kEveryFault), kDone);
}

struct Case {
  Property property;
  std::int64_t value;
  std::uint16_t last_index;
};

TEST(Properties, WhatIsSetIsRead) {
  Bench b;
  b.hello(1);
  for (const Case& c :
       {Case{Property::watchdog_ms, 700, 0}, Case{Property::light_level, 2, 0}, Case{Property::shutter, 1, 1},
        Case{Property::attenuator, 12'500, 0}, Case{Property::digital_out, 1, 3}, Case{Property::detector_enable, 1, 3},
        Case{Property::detector_rate_limit, 5000, 3}}) {
    EXPECT_EQ(b.set(c.property, c.value, c.last_index), kDone);
    EXPECT_EQ(b.get(c.property, c.last_index), c.value);
    EXPECT_EQ(b.set(c.property, c.value, static_cast<std::uint16_t>(c.last_index + 1)), Nack::bad_value);
    EXPECT_EQ(b.set(c.property, -1, c.last_index), Nack::bad_value);
  }
}

TEST(Properties, ThatAreReadOnlyCannotBeSet) {
  Bench b;
  b.hello(1);
  for (const Property p :
       {Property::arm_nonce, Property::interlock, Property::key_switch, Property::emission, Property::faults,
        Property::digital_in, Property::analog_in, Property::temperature, Property::detector_events})
    EXPECT_EQ(b.set(p, 0), Nack::unsupported);
  EXPECT_EQ(b.get(Property::analog_in, 1), 1'650'000);
  EXPECT_EQ(b.get(Property::temperature), -20'500);
}

TEST(Properties, ThatABoardHasNotAreUnsupported) {
  Bench b;
  b.board.about = Description{};
  b.hello(1);
  EXPECT_EQ(b.set(Property::shutter, 0), Nack::unsupported);
  EXPECT_EQ(b.order(Type::get, Get{Property::channel_config, 0}), Nack::unsupported);
  EXPECT_EQ(b.order(Type::get, Get{static_cast<Property>(0x999), 0}), Nack::unsupported);
}

TEST(Properties, AChannelsSettingIsOneProperty) {
  Bench b;
  b.hello(1);
  const ChannelConfig c{Switch::on, Role::sync, Edge::falling, -250, -1000, 77};
  EXPECT_EQ(b.order(Type::set, Value{Property::channel_config, 7, 0, c, {}}), kDone);
  EXPECT_EQ(decode_value(b.ask(Type::get, Get{Property::channel_config, 7}).message.payload).value().channel, c);
  EXPECT_EQ(decode_value(b.ask(Type::get, Get{Property::channel_counters, 3}).message.payload).value().counters,
            (ChannelCounters{103, 3}));
}

TEST(FirmwareInfo, IsTheGitHash) {
  Bench b;
  b.hello(1);
  const Said said = b.ask(Type::firmware_info);
  EXPECT_EQ(std::string(said.message.payload.begin(), said.message.payload.end()), b.board.about.firmware.view());
}

TEST(TimeMark, IsTheTaggersClock) {
  Bench b;
  b.hello(1);
  b.board.is.tick = 123'456'789;
  EXPECT_EQ(b.ask(Type::time_mark).as<TimeMark>().tick, 0U);
  b.order(Type::stream_start, Credit{});
  EXPECT_EQ(b.ask(Type::time_mark).as<TimeMark>(), (TimeMark{123'456'789, static_cast<std::uint32_t>(b.now)}));
}

}  // namespace
}  // namespace nicol::fw::test

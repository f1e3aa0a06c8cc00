// SPDX-License-Identifier: Apache-2.0
// The sealed connection: who holds the file talks, who does not cannot read, change, replay, reorder or leave out.
#include "controller/keystore/sealed_stream.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <fstream>

namespace nicol::keystore {
namespace {

secret::LockedKey key_of(std::uint8_t fill, std::size_t size = 32) {
  auto key = secret::LockedKey::create(size);
  EXPECT_TRUE(key.ok());
  key->with_write([&](std::span<std::byte> out) { std::fill(out.begin(), out.end(), std::byte{fill}); });
  return *std::move(key);
}

Bytes text(std::string_view s) { return {s.begin(), s.end()}; }

struct Pair {
  explicit Pair(std::uint8_t callers = 1, std::uint8_t listeners = 1)
      : caller(*SealedStream::create(key_of(callers), StreamSide::caller)),
        listener(*SealedStream::create(key_of(listeners), StreamSide::listener)) {}
  Result<void> greet() {
    Bytes none;
    if (auto ok = listener.open(caller.greeting(), none); !ok) return ok;
    return caller.open(listener.greeting(), none);
  }
  SealedStream caller, listener;
};

TEST(SealedStream, CarriesBytesBothWays) {
  Pair pair;
  ASSERT_TRUE(pair.greet().ok());
  Bytes heard;
  ASSERT_TRUE(pair.listener.open(*pair.caller.seal(text("hello")), heard).ok());
  ASSERT_TRUE(pair.listener.open(*pair.caller.seal(text(" there")), heard).ok());
  EXPECT_EQ(heard, text("hello there"));
  Bytes back;
  ASSERT_TRUE(pair.caller.open(*pair.listener.seal(text("good day")), back).ok());
  EXPECT_EQ(back, text("good day"));
}

TEST(SealedStream, OpensRecordsThatComeByteByByte) {
  Pair pair;
  ASSERT_TRUE(pair.greet().ok());
  Bytes heard;
  const Bytes sealed = *pair.caller.seal(Bytes(100'000, 7));
  for (const std::uint8_t b : sealed) ASSERT_TRUE(pair.listener.open(std::span(&b, 1), heard).ok());
  EXPECT_EQ(heard, Bytes(100'000, 7));
}

TEST(SealedStream, RefusesAWrongKey) {
  Pair pair(1, 2);
  const auto greeted = pair.greet();
  ASSERT_FALSE(greeted.ok());
  EXPECT_EQ(greeted.error().code, Code::authentication);
  EXPECT_FALSE(pair.listener.ready());
  EXPECT_FALSE(pair.listener.seal(text("x")).ok());
}

TEST(SealedStream, RefusesItsOwnGreetingReflected) {
  Pair pair;
  Bytes none;
  EXPECT_EQ(pair.caller.open(pair.caller.greeting(), none).error().code, Code::authentication);
}

TEST(SealedStream, RefusesAGreetingWithAnyByteChanged) {
  const std::size_t size = Pair().caller.greeting().size();
  for (std::size_t i = 0; i < size; ++i) {
    Pair pair;
    Bytes greeting = pair.caller.greeting();
    greeting[i] ^= 1;
    Bytes none;
    EXPECT_FALSE(pair.listener.open(greeting, none).ok()) << i;
  }
}

TEST(SealedStream, RefusesARecordWithAnyByteChanged) {
  Pair sizes;
  ASSERT_TRUE(sizes.greet().ok());
  const std::size_t size = sizes.caller.seal(text("tags"))->size();
  for (std::size_t i = 0; i < size; ++i) {
    Pair pair;
    ASSERT_TRUE(pair.greet().ok());
    Bytes sealed = *pair.caller.seal(text("tags")), heard;
    sealed[i] ^= 0x80;
    (void)pair.listener.open(sealed, heard);  // a longer length waits; nothing is believed
    EXPECT_TRUE(heard.empty()) << i;
  }
}

/// Three records, sent as the test likes.
class SealedRecords : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(pair_.greet().ok());
    ASSERT_TRUE(pair_.listener.open(*pair_.caller.seal(text("0")), heard_).ok());
    for (const char* word : {"1", "2", "3"}) records_.push_back(*pair_.caller.seal(text(word)));
  }
  Code send(std::size_t i) {
    const auto result = pair_.listener.open(records_[i], heard_);
    return result.ok() ? Code::refused : result.error().code;
  }
  Pair pair_;
  std::vector<Bytes> records_;
  Bytes heard_;
};

TEST_F(SealedRecords, AreRefusedWhenReplayed) {
  (void)send(0);
  EXPECT_EQ(send(0), Code::authentication);
  EXPECT_EQ(heard_, text("01"));
}

TEST_F(SealedRecords, AreRefusedInAnotherOrder) {
  EXPECT_EQ(send(1), Code::authentication);
  EXPECT_EQ(heard_, text("0"));
}

TEST_F(SealedRecords, AreRefusedAfterOneIsLeftOut) {
  (void)send(0);
  EXPECT_EQ(send(2), Code::authentication);
}

TEST_F(SealedRecords, AreRefusedForEverAfterTheFirstBadOne) {
  EXPECT_EQ(send(1), Code::authentication);
  EXPECT_EQ(send(0), Code::authentication);
  EXPECT_EQ(heard_, text("0"));
}

TEST_F(SealedRecords, GiveNothingWhenCutShort) {
  Bytes cut = records_[0];
  cut.pop_back();
  ASSERT_TRUE(pair_.listener.open(cut, heard_).ok());
  EXPECT_EQ(heard_, text("0"));
}

TEST(SealedStream, RefusesRecordsOfAnEarlierConnection) {
  Pair first, second;
  ASSERT_TRUE(first.greet().ok());
  const Bytes old = *first.caller.seal(text("old"));
  ASSERT_TRUE(second.greet().ok());
  Bytes heard;
  EXPECT_EQ(second.listener.open(old, heard).error().code, Code::authentication);
}

TEST(SealedStream, IsOfNoUseToWhoSendsAnOldGreetingAgain) {
  Pair first, second;
  const Bytes greeting = first.caller.greeting();
  ASSERT_TRUE(first.greet().ok());
  const Bytes record = *first.caller.seal(text("old"));
  Bytes heard;
  ASSERT_TRUE(second.listener.open(greeting, heard).ok());
  EXPECT_EQ(second.listener.open(record, heard).error().code, Code::authentication);
}

TEST(SealedStream, RefusesItsOwnRecordsReflected) {
  Pair pair;
  ASSERT_TRUE(pair.greet().ok());
  Bytes heard;
  EXPECT_EQ(pair.caller.open(*pair.caller.seal(text("mine")), heard).error().code, Code::authentication);
}

TEST(SealedStream, RefusesALengthThatNoRecordHas) {
  Pair pair;
  ASSERT_TRUE(pair.greet().ok());
  Bytes sealed = *pair.caller.seal(text("x"));
  Bytes heard;
  sealed[24 + 3] = 0xff;  // a length of 4 GB
  EXPECT_EQ(pair.listener.open(sealed, heard).error().code, Code::authentication);
}

TEST(SealedStreamKeyFile, IsReadWhenItIsOursAlone) {
  const std::string path = testing::TempDir() + "nicol_sealed_stream.key";
  { std::ofstream(path, std::ios::binary) << std::string(32, 'k'); }
  ::chmod(path.c_str(), 0600);
  EXPECT_TRUE(SealedStream::open(path, StreamSide::caller).ok());
  ::chmod(path.c_str(), 0644);
  EXPECT_EQ(SealedStream::open(path, StreamSide::caller).error().code, Code::bad_input);
  ::unlink(path.c_str());
}

TEST(SealedStreamKeyFile, IsRefusedWithAnotherLength) {
  EXPECT_EQ(SealedStream::create(key_of(1, 31), StreamSide::caller).error().code, Code::bad_input);
}

}  // namespace
}  // namespace nicol::keystore

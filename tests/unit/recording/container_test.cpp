// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "controller/recording/recorded_random.hpp"
#include "tests/unit/recording/fixture.hpp"

namespace nicol {
namespace {

using recording::Entry;
using test::bytes_of;
using test::Payload;
using Recording = test::RecordingTest;

TEST_F(Recording, GivesItsEntriesBackInOrder) {
  write_small();
  auto reader = recording::Reader::open(file(), key());
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(entries(*reader), (std::vector<Payload>{bytes_of("first"), bytes_of("second"), {}}));
  EXPECT_FALSE(reader->trouble());
  EXPECT_FALSE(reader->why_cut_short());
  EXPECT_EQ(reader->header().node, recording::Node::bob);
}

TEST_F(Recording, CarriesEntriesLongerThanAChunk) {
  Payload longest(3 * recording::kChunkPlain + 17);
  for (std::size_t i = 0; i < longest.size(); ++i) longest[i] = static_cast<std::uint8_t>(i * 7);
  auto writer = begin();
  writer->put(Entry::frame, {longest, bytes_of("tail")});
  writer->finish();
  auto reader = recording::Reader::open(file(), key());
  auto expected = longest;
  for (const std::uint8_t b : bytes_of("tail")) expected.push_back(b);
  EXPECT_EQ(entries(*reader), std::vector<Payload>{expected});
}

TEST_F(Recording, PassesWhatIsNotRead) {
  write_small();
  auto reader = recording::Reader::open(file(), key());
  ASSERT_TRUE(reader->head());
  std::array<std::uint8_t, 2> two{};
  EXPECT_TRUE(reader->read(std::span(two)));
  reader->done();
  ASSERT_TRUE(reader->head());
  EXPECT_EQ(reader->head()->number, 1u);
  EXPECT_EQ(*reader->rest(100), bytes_of("second"));
}

TEST_F(Recording, IsForItsOwnerAlone) {
  write_small();
  struct stat s {};
  ASSERT_EQ(stat(file().c_str(), &s), 0);
  EXPECT_EQ(s.st_mode & 07777, 0600u);
}

TEST_F(Recording, ShowsNothingOfWhatItHolds) {
  auto writer = begin();
  writer->put(Entry::draw, {bytes_of("a word that nobody may read")});
  writer->finish();
  const Payload all = content(), word = bytes_of("nobody may");
  EXPECT_EQ(std::search(all.begin(), all.end(), word.begin(), word.end()), all.end());
}

TEST_F(Recording, IsNotOverwritten) {
  write_small();
  EXPECT_FALSE(recording::Writer::create(file(), recording::Node::alice, key()).ok());
}

TEST_F(Recording, SaysThatTheKeyIsAnother) {
  write_small();
  ASSERT_TRUE(recording::make_seal_key(folder_ / "other.key").ok());
  const auto other = recording::read_seal_key(folder_ / "other.key");
  const auto reader = recording::Reader::open(file(), *other);
  ASSERT_FALSE(reader.ok());
  EXPECT_NE(reader.error().message.find("key check"), std::string::npos) << reader.error().message;
}

TEST_F(Recording, RefusesASealKeyThatOthersMayRead) {
  ASSERT_EQ(chmod((folder_ / "seal.key").c_str(), 0644), 0);
  const auto refused = recording::read_seal_key(folder_ / "seal.key");
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().message.find("0600"), std::string::npos);
}

TEST_F(Recording, OpensWithItsPassphraseAndNoOther) {
  const auto phrase = [](const std::string& text) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    EXPECT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    close(ends[1]);
    auto secret = recording::read_passphrase(ends[0]);
    close(ends[0]);
    return secret;
  };
  const auto right = phrase("correct horse\nthe next line is not part of it"), same = phrase("correct horse");
  auto writer = recording::Writer::create(file(), recording::Node::alice, *right);
  ASSERT_TRUE(writer.ok()) << describe(writer.error());
  (*writer)->put(Entry::call, {bytes_of("said")});
  (*writer)->finish();
  auto reader = recording::Reader::open(file(), *same);
  ASSERT_TRUE(reader.ok());
  EXPECT_EQ(entries(*reader), std::vector<Payload>{bytes_of("said")});
  EXPECT_FALSE(recording::Reader::open(file(), *phrase("battery staple")).ok());
  EXPECT_FALSE(recording::Reader::open(file(), key()).ok());
  EXPECT_FALSE(phrase("").ok());
}

TEST_F(Recording, OfAKilledProcessIsGoodUpToItsLastFlush) {
  auto writer = begin();
  writer->put(Entry::call, {bytes_of("kept")});
  writer->flush();
  writer->put(Entry::call, {bytes_of("lost with the process")});
  auto reader = recording::Reader::open(file(), key());
  EXPECT_EQ(entries(*reader), std::vector<Payload>{bytes_of("kept")});
  ASSERT_TRUE(reader->why_cut_short());
  EXPECT_NE(reader->why_cut_short()->find("chunk 1"), std::string::npos) << *reader->why_cut_short();
}

/// A disk without room, as far as one process can have one.
class FileLimit {
 public:
  explicit FileLimit(rlim_t bytes) {
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileLimit() { setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

TEST_F(Recording, EndsWithWordsWhenTheDiskIsFull) {
  auto writer = begin();
  writer->put(Entry::call, {bytes_of("kept")});
  writer->flush();
  {
    const FileLimit limit(writer->bytes_written() + 10);
    writer->put(Entry::call, {bytes_of("no room")});
    writer->flush();
  }
  ASSERT_TRUE(writer->trouble());
  EXPECT_NE(writer->trouble()->message.find(file().string()), std::string::npos);
  writer->put(Entry::call, {bytes_of("too late")});
  writer->finish();
  auto reader = recording::Reader::open(file(), key());
  EXPECT_EQ(entries(*reader), std::vector<Payload>{bytes_of("kept")});
  EXPECT_TRUE(reader->why_cut_short());
}

TEST_F(Recording, OfRandomGivesTheSameBytesAgain) {
  const auto inner = make_seeded_random(5, NodeId::alice);
  std::array<std::byte, 40> first{}, second{}, again{};
  {
    auto writer = begin();
    recording::RecordingRandom random(*inner, *writer);
    random.fill(Purpose::settings, 3, first);
    random.fill(Purpose::sample_coins, 9, second);
    writer->finish();
  }
  auto reader = recording::Reader::open(file(), key());
  recording::Departure departure;
  recording::ReplayedRandom random(*reader, departure);
  random.fill(Purpose::settings, 3, again);
  EXPECT_EQ(again, first);
  random.fill(Purpose::sample_coins, 9, again);
  EXPECT_EQ(again, second);
  EXPECT_FALSE(departure.first());
}

TEST_F(Recording, OfRandomNamesTheDrawThatIsAnother) {
  const auto inner = make_seeded_random(5, NodeId::alice);
  std::array<std::byte, 8> bytes{};
  {
    auto writer = begin();
    recording::RecordingRandom(*inner, *writer).fill(Purpose::settings, 3, bytes);
    writer->finish();
  }
  auto reader = recording::Reader::open(file(), key());
  recording::Departure departure;
  recording::ReplayedRandom(*reader, departure).fill(Purpose::settings, 4, bytes);
  ASSERT_TRUE(departure.first());
  EXPECT_NE(departure.first()->find("entry 0 (draw)"), std::string::npos);
  EXPECT_EQ(bytes, (std::array<std::byte, 8>{}));
}

}  // namespace
}  // namespace nicol

// SPDX-License-Identifier: Apache-2.0
// Random streams through every format and back, and every format cut at every byte.
#include <fmt/format.h>

#include <bit>
#include <random>

#include "drivers/files/readevents.hpp"
#include "tests/unit/files/temporary_files.hpp"

namespace nicol::files {
namespace {

using Events = std::vector<FileEvent>;

struct Stream {
  TickLength tick;
  Events events;
  std::size_t channels = 4;
  std::optional<std::uint32_t> epoch = {};
};

/// What a format can hold of it, in its own ticks.
struct Ability {
  TickLength tick;
  bool several = true, dummies = true, losses = false;
  std::size_t channels = 4;
};
Ability ability(FileFormat format) {
  switch (format) {
    case FileFormat::tdc1:
      return {{2000, 1}};
    case FileFormat::ptu:
      return {{4, 1}, false, false, false, 20};
    case FileFormat::qutag:
    case FileFormat::csv:
      return {{1, 1}, false, false, false, 32};
    case FileFormat::xqp:
      return {{1, 1}, false, false, false, 16};
    case FileFormat::nicol:
      return {{125, 32}, true, true, true, 12};
    case FileFormat::epoch_raw:
      return {{125, 1}};
    case FileFormat::epoch:
      return {{125, 1}, true, false};
    default:
      return {kReadeventsTick};
  }
}

/// Times that grow by steps of all sizes, from 3 ticks to `longest`.
Stream random_stream(FileFormat format, std::uint64_t seed, std::size_t count, std::int64_t longest = 1 << 24) {
  const Ability can = ability(format);
  std::mt19937_64 random(seed);
  Stream s{can.tick, {}, can.channels};
  std::int64_t t = 3;
  for (std::size_t i = 0; i < count; ++i) {
    t += 3 + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(longest) >> random() % 24);
    const std::uint64_t kind = random() % 16;
    std::uint32_t pattern = std::uint32_t{1} << random() % can.channels;
    if (can.several && kind < 4) pattern |= std::uint32_t{1} << random() % can.channels;
    if (can.dummies && kind == 5)
      s.events.push_back(dummy(t));
    else if (can.losses && kind == 6)
      s.events.push_back(loss(s.events.empty() ? 0 : s.events.back().ticks, static_cast<std::uint32_t>(random() % 3)));
    else
      s.events.push_back(click(t, pattern));
  }
  return s;
}

TagFileShape shape_of(const Stream& s) {
  return {s.tick, std::vector(s.channels, hal::ChannelRole::detector), s.epoch};
}

std::string name_of(const testing::TestParamInfo<FileFormat>& info) {
  std::string name(to_string(info.param));
  std::ranges::replace(name, '-', '_');
  return name;
}

/// The short words put dummies in where a reader needs them.
Events without_dummies(Events events) {
  std::erase_if(events, [](const FileEvent& e) { return e.kind == FileEvent::Kind::dummy; });
  return events;
}

class EveryFormat : public TemporaryFiles, public testing::WithParamInterface<FileFormat> {
 protected:
  bool is_folder() const { return GetParam() == FileFormat::epoch || GetParam() == FileFormat::epoch_raw; }
  bool fills_in() const {
    return GetParam() == FileFormat::tdc1 || GetParam() == FileFormat::readevents_fast ||
           GetParam() == FileFormat::readevents_fast_hex;
  }
  /// One file of a few events.
  std::string small_file() const {
    const Stream s = random_stream(GetParam(), 7, 12, 1 << 16);
    EXPECT_TRUE(write_events(dir_ / "small", GetParam(), shape_of(s), s.events));
    return content(is_folder() ? dir_ / "small" / "00000000" : dir_ / "small");
  }
};

TEST_P(EveryFormat, GivesBackARandomStream) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const Stream s = random_stream(GetParam(), seed, 3000);
    const auto path = dir_ / fmt::format("out{}", seed);
    const auto missing = write_events(path, GetParam(), shape_of(s), s.events);
    ASSERT_TRUE(missing) << missing.error().message;
    EXPECT_EQ(missing->text(), "");
    const auto again = read(path, GetParam());
    ASSERT_TRUE(again) << again.error().message;
    if (fills_in())
      EXPECT_EQ(without_dummies(*again), without_dummies(s.events));
    else
      EXPECT_EQ(*again, s.events);
  }
}

TEST_P(EveryFormat, GivesTheSameEventsInPiecesSmallerThanTheFile) {
  const Stream s = random_stream(GetParam(), 4, 40'000, 1 << 14);
  ASSERT_TRUE(write_events(dir_ / "out", GetParam(), shape_of(s), s.events));
  auto file = TagFile::open(dir_ / "out", GetParam());
  ASSERT_TRUE(file);
  std::size_t most = 0, calls = 0;
  for (auto events = file->next(); events && !events->empty(); events = file->next(), ++calls)
    most = std::max(most, events->size());
  EXPECT_GT(calls, 1u);
  EXPECT_LE(most, 16384u);
}

/// Whether a file of this format, cut there, is a whole one of fewer entries: nobody could tell.
bool ends_between_entries(FileFormat format, std::string_view part) {
  const std::size_t cut = part.size();
  switch (format) {
    case FileFormat::readevents:
    case FileFormat::readevents_x:
    case FileFormat::xqp:
      return cut % 8 == 0;
    case FileFormat::readevents_fast:
    case FileFormat::tdc1:
      return cut % 4 == 0;
    case FileFormat::qutag:
      return cut >= 40 && (cut - 40) % 10 == 0;
    case FileFormat::csv:
    case FileFormat::readevents_fast_hex:
      return cut == 0 || part.back() == '\n';
    case FileFormat::readevents_hex:  // a last line of the full length needs no newline
      return cut % 17 % 16 == 0;
    case FileFormat::readevents_hex32:
      return cut % 18 % 17 == 0;
    default:
      return false;
  }
}

TEST_P(EveryFormat, RefusesEveryCutThatCanBeToldAndNamesThePlace) {
  const std::string whole = small_file();
  for (std::size_t cut = 0; cut < whole.size(); ++cut) {
    const std::string_view part = std::string_view(whole).substr(0, cut);
    const auto events = read_bytes(part, GetParam());
    EXPECT_EQ(events.ok(), ends_between_entries(GetParam(), part)) << "cut at " << cut;
    if (events) continue;
    EXPECT_EQ(events.error().code, Code::bad_input) << cut;
    const bool placed = events.error().message.find("bytes: byte ") != std::string::npos ||
                        events.error().message.find("bytes: line ") != std::string::npos;
    EXPECT_TRUE(placed) << events.error().message;
  }
  EXPECT_TRUE(read_bytes(whole, GetParam()));
}

TEST_P(EveryFormat, LeavesTheOldFileWhereANewOneFails) {
  write("out", "what was there");
  const Stream s = random_stream(GetParam(), 9, 10);
  {
    auto writer = TagFileWriter::create(dir_ / "out", GetParam(), shape_of(s));
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->add(s.events));
  }
  EXPECT_EQ(content(dir_ / "out"), "what was there");
  EXPECT_EQ(names(), std::vector<std::string>{"out"});
}

TEST_P(EveryFormat, IsKnownByItsName) { EXPECT_EQ(file_format(to_string(GetParam())), GetParam()); }

TEST_P(EveryFormat, TakesNothingAtAllAsAFile) {
  const Stream s = random_stream(GetParam(), 1, 0);
  ASSERT_TRUE(write_events(dir_ / "out", GetParam(), shape_of(s), {}));
  const auto events = read(dir_ / "out", GetParam());
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_TRUE(events->empty());
}

INSTANTIATE_TEST_SUITE_P(Files, EveryFormat, testing::ValuesIn(kAllFormats), name_of);

// --- from one format into another

class Conversion : public TemporaryFiles {
 protected:
  Result<NotWritten> from_to(FileFormat from, FileFormat to) const {
    auto file = TagFile::open(dir_ / "from", from);
    if (!file) return std::move(file).error();
    return convert(*file, dir_ / "to", to);
  }
};

TEST_F(Conversion, CountsWhatANewFormatCannotSay) {
  const TagFileShape shape{{125, 32}, std::vector(4, hal::ChannelRole::detector)};
  ASSERT_TRUE(write_events(dir_ / "from", FileFormat::nicol, shape,
                           {click(256, 1), dummy(300), click(513, 9), loss(513, 4), click(1024, 2)}));
  const auto missing = from_to(FileFormat::nicol, FileFormat::csv);
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->dummies, 1u);
  EXPECT_EQ(missing->losses, 1u);
  EXPECT_EQ(missing->split, 1u);
  EXPECT_EQ(missing->rounded, 2u);  // 300 and 513 of 1/256 ns
  EXPECT_EQ(content(dir_ / "to"), "0,1000\n0,2003\n3,2003\n1,4000\n");
}

TEST_F(Conversion, KeepsAllThatBothCanSay) {
  const Stream s = random_stream(FileFormat::readevents, 11, 2000);
  ASSERT_TRUE(write_events(dir_ / "from", FileFormat::readevents, shape_of(s), s.events));
  const auto missing = from_to(FileFormat::readevents, FileFormat::nicol);
  ASSERT_TRUE(missing);
  EXPECT_EQ(missing->text(), "");
  EXPECT_EQ(*read(dir_ / "to", FileFormat::nicol), s.events);
}

TEST_F(Conversion, RefusesAStepBackWhereItCannotBeSaid) {
  write("from", "0,100000\n0,90000\n");
  for (const auto to : {FileFormat::tdc1, FileFormat::ptu, FileFormat::nicol, FileFormat::epoch})
    EXPECT_FALSE(from_to(FileFormat::csv, to)) << to_string(to);
  EXPECT_EQ(names(), std::vector<std::string>{"from"});
}

TEST_F(Conversion, KeepsAStepBackWhereItCanBeSaid) {
  write("from", "0,256000\n1,128000\n0,512000\n");
  for (const auto to : {FileFormat::readevents, FileFormat::readevents_hex, FileFormat::xqp, FileFormat::qutag}) {
    ASSERT_TRUE(from_to(FileFormat::csv, to)) << to_string(to);
    auto file = TagFile::open(dir_ / "to", to);
    ASSERT_TRUE(file && file->next());
    EXPECT_EQ(file->backward_jumps(), 1u) << to_string(to);
  }
}

TEST_F(Conversion, RefusesAChannelThatTheFormatHasNot) {
  write("from", "0,1000\n4,2000\n");
  const auto r = from_to(FileFormat::csv, FileFormat::readevents);
  ASSERT_FALSE(r);
  EXPECT_NE(r.error().message.find("event 2: channel 4"), std::string::npos) << r.error().message;
}

TEST_F(Conversion, RefusesATimeBeforeZeroWhereThereIsNone) {
  write("from", "0,-1000\n");
  EXPECT_FALSE(from_to(FileFormat::csv, FileFormat::readevents));
  EXPECT_TRUE(from_to(FileFormat::csv, FileFormat::qutag));
}

TEST_F(Conversion, SaysByHowMuchAnOriginMoved) {
  // 1000 s are far more dummies than a short word's file should begin with.
  write("from", "0,1000000000000000\n0,1000000000002000\n");
  const auto missing = from_to(FileFormat::csv, FileFormat::readevents_fast);
  ASSERT_TRUE(missing) << missing.error().message;
  EXPECT_GT(missing->origin, Picoseconds{999'000'000'000'000});
  const auto events = read(dir_ / "to", FileFormat::readevents_fast);
  ASSERT_TRUE(events);
  const auto clicks = without_dummies(*events);
  ASSERT_EQ(clicks.size(), 2u);
  EXPECT_EQ(kReadeventsTick.to_picoseconds(clicks[0].ticks) + missing->origin, Picoseconds{1'000'000'000'000'000});
}

TEST_F(Conversion, KeepsTheEpochFromOneEpochFormatToTheOther) {
  Stream s = random_stream(FileFormat::epoch, 5, 200, std::int64_t{1} << 30);
  s.epoch = 0xb2331bef;
  ASSERT_TRUE(write_events(dir_ / "from", FileFormat::epoch, shape_of(s), s.events));
  ASSERT_TRUE(from_to(FileFormat::epoch, FileFormat::epoch_raw));
  auto file = TagFile::open(dir_ / "to", FileFormat::epoch_raw);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->origin_epoch(), 0xb2331bef);
  EXPECT_EQ(*read(dir_ / "to", FileFormat::epoch_raw), s.events);
}

TEST_F(Conversion, KeepsMarkersBetweenPtuFiles) {
  const TagFileShape shape{{1, 1}, std::vector(32, hal::ChannelRole::detector)};
  const Events events{click(5, 1), dummy(1LL << 40, 2u << 27), click(1LL << 41, 1u << 31)};
  ASSERT_TRUE(write_events(dir_ / "from", FileFormat::ptu, shape, events));
  EXPECT_EQ(*read(dir_ / "from", FileFormat::ptu), events);
}

TEST_F(Conversion, NeverTakesMoreThan54BitsOfTime) {
  const TagFileShape shape{kReadeventsTick, std::vector(4, hal::ChannelRole::detector)};
  const std::int64_t wrap = std::int64_t{1} << 54;
  const Events events{click(wrap - 100, 1), click(wrap + 100, 2)};
  ASSERT_TRUE(write_events(dir_ / "from", FileFormat::readevents, shape, events));
  EXPECT_EQ(*read(dir_ / "from", FileFormat::readevents), events);
}

}  // namespace
}  // namespace nicol::files

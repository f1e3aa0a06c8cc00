// SPDX-License-Identifier: Apache-2.0
// Threads: one reads and, when the program has gone, looks for it; callers ask and acquire.
#include "drivers/tagger-bridge/tagger.hpp"

#include <fmt/format.h>

#include "drivers/hal/properties.hpp"
#include "drivers/hal/random.hpp"
#include "drivers/transport/private_buffer.hpp"

namespace nicol::tagger_bridge {
namespace {

using namespace std::chrono_literals;
constexpr auto kAnswerWithin = 3000ms, kGreetWithin = 2000ms, kStopWithin = 3000ms, kLookEvery = 100ms;

Deadline in(std::chrono::nanoseconds d) { return SteadyDeadlines().in(d); }

Code code_of(std::uint16_t nack) {
  switch (static_cast<fw::Nack>(nack)) {
    case fw::Nack::bad_value:
      return Code::out_of_range;
    case fw::Nack::unsupported:
      return Code::not_supported;
    case fw::Nack::busy:
      return Code::busy;
    default:
      return Code::hardware_fault;
  }
}

}  // namespace

Tagger::Tagger(TaggerOptions options, std::unique_ptr<tags::TagQueue> queue, BlockReader reader)
    : options_(std::move(options)), queue_(std::move(queue)), reader_(std::move(reader)) {}

Tagger::~Tagger() {
  thread_.request_stop();
  {
    const std::lock_guard writing(writing_mutex_);
    if (connection_) connection_->shut();
  }
}

Result<std::unique_ptr<Tagger>> Tagger::open(TaggerOptions options) {
  auto queue = tags::TagQueue::create({options.ring, 256});
  if (!queue) return std::move(queue).error();
  auto reader = BlockReader::create(**queue);
  if (!reader) return std::move(reader).error();
  std::unique_ptr<Tagger> tagger(new Tagger(std::move(options), *std::move(queue), *std::move(reader)));
  if (auto connected = tagger->connect(in(kGreetWithin)); !connected) return std::move(connected).error();
  tagger->link_ = hal::Link::connected;
  tagger->thread_ = std::jthread([t = tagger.get()](const std::stop_token& stop) { t->run(stop); });
  return tagger;
}

Result<void> Tagger::connect(Deadline deadline) {
  auto fd = connect_to(options_.address, deadline);
  if (!fd) return std::move(fd).error();
  std::unique_ptr<Seal> seal;
  if (!options_.key_file.empty()) {
    auto made = options_.seal(options_.key_file, SealSide::driver);
    if (!made) return std::move(made).error();
    seal = *std::move(made);
  }
  auto connection = Connection::over(*std::move(fd), std::move(seal), deadline);
  if (!connection) return std::move(connection).error();
  auto hello = greet(*connection, deadline);
  if (!hello) return std::move(hello).error();
  {
    const std::lock_guard lock(mutex_);
    const std::string known =
        hello_.description.serial.view().empty() ? options_.serial : std::string(hello_.description.serial.view());
    if (!known.empty() && hello->description.serial.view() != known)
      return Error{Code::not_found,
                   fmt::format("the bridge serves tagger {}, not {}", hello->description.serial.view(), known),
                   known,
                   0,
                   {}};
    hello_ = *hello;
    channels_.resize(hello_.description.tagger.channels);
  }
  {
    const std::lock_guard writing(writing_mutex_);
    connection_.emplace(*std::move(connection));
  }
  return {};
}

/// Nothing else is on the wire yet: the answer is the first frame.
Result<fw::Hello> Tagger::greet(Connection& connection, Deadline deadline) {
  decoder_.reset();
  fw::Hello mine;
  mine.nonce = os_random_word();
  mine.schema_hash = fw::schema_hash();
  mine.mtu = static_cast<std::uint16_t>(fw::kLargestFrame);
  seq_ = static_cast<std::uint16_t>(mine.nonce);
  std::array<std::uint8_t, fw::kMostHelloBytes> payload{};
  std::array<std::uint8_t, fw::kMostHelloBytes + 32> bytes{};
  const std::size_t size = fw::encode(mine, payload);
  const std::size_t total = fw::encode_frame({fw::Type::hello, fw::kAckRequest, seq_, 0, 0, fw::kVersion},
                                             std::span(payload).first(size), bytes);
  if (auto sent = connection.write(std::span(bytes).first(total), deadline); !sent) return std::move(sent).error();
  std::vector<std::uint8_t> got;
  for (fw::Frame frame;;) {
    if (decoder_.next(frame)) {
      const auto theirs = frame.header.type == fw::Type::hello ? fw::decode_hello(frame.payload) : std::nullopt;
      if (!theirs || theirs->nonce != mine.nonce || theirs->schema_hash != mine.schema_hash || theirs->incompat != 0 ||
          theirs->description.tagger.channels == 0 || theirs->description.tagger.channels > fw::kWordChannels ||
          theirs->description.tagger.tick_num == 0 || theirs->description.tagger.tick_den == 0)
        return Error{Code::incompatible_firmware,
                     "the bridge program speaks another version: build it again from this source",
                     "",
                     0,
                     {}};
      return *theirs;
    }
    got.clear();
    if (auto read = connection.read(got, deadline, {}); !read) return std::move(read).error();
    if (decoder_.feed(got) != got.size()) return Error{Code::protocol, "the bridge program talks nonsense", "", 0, {}};
  }
}

Error Tagger::error(Code code, std::string message) const { return {code, std::move(message), info().serial, 0, {}}; }

hal::DeviceInfo Tagger::info() const {
  const std::lock_guard lock(mutex_);
  const auto& d = hello_.description;
  const bool local = options_.address.kind == Address::Kind::local;
  return {"tagger-bridge",
          "",
          std::string(d.model.view()),
          std::string(d.serial.view()),
          std::string(d.firmware.view()),
          local ? options_.address.path : fmt::format("{}:{}", options_.address.path, options_.address.port)};
}

void Tagger::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    read_until_gone(stop);
    if (stop.stop_requested()) return;
    lost_connection();
    while (!stop.stop_requested() && !connect(in(kGreetWithin))) {
      std::mutex quiet;
      std::unique_lock lock(quiet);
      std::condition_variable_any never;
      (void)never.wait_for(lock, stop, kLookEvery, [] { return false; });
    }
    if (stop.stop_requested()) return;
    // What was set goes out before anybody may think the device is back; answers are read below.
    std::vector<hal::ChannelConfig> channels;
    {
      const std::lock_guard lock(mutex_);
      channels = channels_;
    }
    for (std::size_t c = 0; c < channels.size(); ++c) (void)tell_channel(c, channels[c]);
    queue_->end(hal::StreamStatus::stopped);
    link_ = hal::Link::connected;
  }
}

void Tagger::read_until_gone(const std::stop_token& stop) {
  std::vector<std::uint8_t> bytes;
  while (true) {
    bytes.clear();
    const auto read = connection_->read(bytes, {}, stop);
    const bool good = read.ok() && heard(bytes);
    transport::wipe(bytes);
    if (good) continue;
    if (options_.log != nullptr) options_.log->note("tagger-bridge", read ? "nonsense received" : read.error().message);
    return;
  }
}

void Tagger::lost_connection() {
  {
    const std::lock_guard lock(mutex_);
    phase_ = Phase::idle;
    queue_->drop_held();
    queue_->end(hal::StreamStatus::disconnected);
  }
  link_ = hal::Link::disconnected;
  answers_.fail({Code::disconnected, "the bridge program has gone", "", 0, {}});
  changed_.notify_all();
  const std::lock_guard writing(writing_mutex_);
  connection_->shut();
}

/// False when the peer is no bridge any more.
bool Tagger::heard(std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const std::size_t taken = decoder_.feed(bytes);
    bytes = bytes.subspan(taken);
    for (fw::Frame f; decoder_.next(f);)
      if (!frame(f)) return false;
    if (taken == 0) return false;
  }
  const auto& counts = decoder_.counts();  // a stream socket damages nothing: any error is the peer's
  return counts.bad_header + counts.bad_payload + counts.skipped_bytes + counts.other_version == 0;
}

bool Tagger::frame(const fw::Frame& f) {
  if (f.header.type == fw::Type::tag_block) return tag_block(f.payload);
  if ((f.header.flags & (fw::kIsAck | fw::kIsNack)) == 0) return true;  // heartbeats, events
  Answer answer{f.header.ack, f.header.flags, 0, std::nullopt};
  if (const auto a = fw::decode<fw::Answer>(f.payload)) answer.code = a->code;
  (void)answers_.deliver(answer);
  return true;
}

bool Tagger::tag_block(std::span<const std::uint8_t> payload) {
  const std::lock_guard lock(mutex_);
  if (phase_ == Phase::idle) return true;  // the tail of a stream that was given up
  if (!reader_.take(payload)) return false;
  if (!reader_.ended()) return true;
  phase_ = Phase::idle;
  queue_->end(hal::StreamStatus::stopped);
  changed_.notify_all();
  return true;
}

Result<void> Tagger::write(const fw::Header& header, std::span<const std::uint8_t> payload, Deadline deadline) {
  std::array<std::uint8_t, 256> bytes{};
  const std::size_t size = fw::encode_frame(header, payload, bytes);
  const std::lock_guard writing(writing_mutex_);
  return connection_->write(std::span(bytes).first(size), deadline);
}

/// Under control_mutex_.
Result<Tagger::Answer> Tagger::ask(fw::Type type, std::span<const std::uint8_t> payload) {
  const std::uint16_t seq = ++seq_;
  auto expected = answers_.expect([seq](const Answer& a) { return a.ack == seq; });
  if (auto sent = write({type, fw::kAckRequest, seq, 0, 0, fw::kVersion}, payload, in(kAnswerWithin)); !sent)
    return std::move(sent).error();
  auto answer = expected.wait(in(kAnswerWithin));
  if (!answer) return error(answer.error().code, fmt::format("the bridge program: {}", answer.error().message));
  if ((answer->flags & fw::kIsNack) != 0)
    return error(code_of(answer->code), fmt::format("the bridge program refuses (code {})", answer->code));
  return answer;
}

std::int64_t Tagger::next_origin() {
  const auto now = std::chrono::steady_clock::now();
  if (!epoch_) {
    epoch_ = now;
    return 0;
  }
  const std::int64_t ps = std::chrono::nanoseconds(now - *epoch_).count() * 1000;
  const auto& t = hello_.description.tagger;
  return std::max(queue_->edge(), TickLength{t.tick_num, t.tick_den}.to_ticks({ps}));
}

Result<void> Tagger::start() {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard control(control_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (phase_ != Phase::idle) return Error{Code::busy, "the tagger is running already: stop it first", "", 0, {}};
    const std::int64_t origin = next_origin();
    reader_.begin(origin);
    queue_->begin(origin);
    counted_ = {};
    counted_at_ = std::chrono::steady_clock::now();
    phase_ = Phase::running;
  }
  std::array<std::uint8_t, fw::Credit::kBytes> payload{};
  (void)fw::encode(fw::Credit{}, payload);
  const auto answer = ask(fw::Type::stream_start, payload);
  if (answer) return {};
  const std::lock_guard lock(mutex_);
  phase_ = Phase::idle;
  queue_->end(hal::StreamStatus::stopped);
  return answer.error();
}

Result<void> Tagger::stop() {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard control(control_mutex_);
  {
    const std::lock_guard lock(mutex_);
    if (phase_ == Phase::idle) return {};
    phase_ = Phase::stopping;
  }
  const auto answer = ask(fw::Type::stream_stop, {});
  std::unique_lock lock(mutex_);
  (void)changed_.wait_for(lock, kStopWithin, [this] { return phase_ == Phase::idle; });
  if (phase_ != Phase::idle) queue_->end(hal::StreamStatus::stopped);
  phase_ = Phase::idle;
  return answer ? Result<void>{} : Result<void>(answer.error());
}

hal::StreamStatus Tagger::acquire(hal::TagBlock& block, Deadline deadline) noexcept {
  return queue_->acquire(block, deadline);
}

}  // namespace nicol::tagger_bridge

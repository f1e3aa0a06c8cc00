// SPDX-License-Identifier: Apache-2.0
// Threads: the vendor's pushes, one reads what the driver asks, one writes.
#include "drivers/tagger-bridge/bridge/tag_server.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <chrono>

namespace nicol::bridge {
namespace {

using namespace std::chrono_literals;
Deadline in(std::chrono::nanoseconds d) { return SteadyDeadlines().in(d); }

}  // namespace

TagServer::TagServer(ServerOptions options, tagger_bridge::Fd listener)
    : options_(std::move(options)), listener_(std::move(listener)) {}

Result<std::unique_ptr<TagServer>> TagServer::open(ServerOptions options) {
  if (options.address.kind == tagger_bridge::Address::Kind::tcp && (!options.seal || options.key_file.empty()))
    return Error{
        Code::refused, "tags are raw key material: tcp needs a key file, and a program that can seal", "", 0, {}};
  auto listener = tagger_bridge::listen_on(options.address);
  if (!listener) return std::move(listener).error();
  options.address = listener->address;
  std::unique_ptr<TagServer> server(new TagServer(std::move(options), std::move(listener->fd)));
  server->thread_ = std::jthread([s = server.get()](const std::stop_token& stop) { s->run(stop); });
  return server;
}

TagServer::~TagServer() {
  thread_.request_stop();
  waiting_.notify_all();
}

bool TagServer::push(unsigned channel, std::int64_t at) {
  const std::lock_guard lock(mutex_);
  if (channel >= options_.device.tagger.channels || at < latest_) return false;
  latest_ = at;
  return !streaming_ || blocks_.tag(channel, at);
}

void TagServer::complete(std::int64_t at) {
  const std::lock_guard lock(mutex_);
  latest_ = std::max(latest_, at);
  if (streaming_) blocks_.complete(at);
}

void TagServer::overflow_begin(std::int64_t at) {
  const std::lock_guard lock(mutex_);
  latest_ = std::max(latest_, at);
  overflowing_ = true;
  if (streaming_) blocks_.overflow_begin(at);
}

void TagServer::missed(std::uint64_t events) {
  const std::lock_guard lock(mutex_);
  if (!streaming_) return;
  const bool alone = !blocks_.overflowing();  // missed events outside an overflow: the present instant is one
  if (alone) blocks_.overflow_begin(latest_);
  blocks_.missed(events);
  if (alone) blocks_.overflow_end(latest_ + 1);
}

void TagServer::overflow_end(std::int64_t at) {
  const std::lock_guard lock(mutex_);
  latest_ = std::max(latest_, at);
  overflowing_ = false;
  if (streaming_) blocks_.overflow_end(at);
}

bool TagServer::greeted() const {
  const std::lock_guard lock(mutex_);
  return greeted_;
}
bool TagServer::streaming() const {
  const std::lock_guard lock(mutex_);
  return streaming_;
}
std::uint64_t TagServer::dropped_blocks() const {
  const std::lock_guard lock(mutex_);
  return dropped_;
}

void TagServer::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd p{listener_.get(), POLLIN, 0};
    if (::poll(&p, 1, 50) <= 0) continue;
    tagger_bridge::Fd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (fd.get() < 0) continue;
    std::unique_ptr<tagger_bridge::Seal> seal;
    if (!options_.key_file.empty()) {
      auto made = options_.seal(options_.key_file, tagger_bridge::SealSide::bridge);
      if (!made) continue;
      seal = *std::move(made);
    }
    auto connection = tagger_bridge::Connection::over(std::move(fd), std::move(seal), in(options_.greet_within));
    if (connection) serve(*connection, stop);
  }
}

void TagServer::serve(tagger_bridge::Connection& connection, const std::stop_token& stop) {
  {
    const std::lock_guard lock(mutex_);
    frames_.clear();
    streaming_ = greeted_ = false;
  }
  std::jthread writer([&](const std::stop_token& done) { write_out(connection, done); });
  auto decoder = std::make_unique<fw::FrameDecoder>(fw::Framing::raw);
  std::vector<std::uint8_t> bytes;
  const Deadline first = in(options_.greet_within);  // an old greeting, sent again, is all that a stranger can say
  bool good = true;
  while (good && !stop.stop_requested()) {
    bytes.clear();
    good = connection.read(bytes, greeted() ? Deadline{} : first, stop).ok();
    for (std::span<const std::uint8_t> left(bytes); good && !left.empty();) {
      left = left.subspan(decoder->feed(left));
      for (fw::Frame frame; good && decoder->next(frame);) good = answer(frame);
    }
  }
  {
    const std::lock_guard lock(mutex_);
    streaming_ = false;
  }
  writer.request_stop();
  connection.shut();
}

void TagServer::write_out(tagger_bridge::Connection& connection, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<std::uint8_t> frame;
    {
      std::unique_lock lock(mutex_);
      if (!waiting_.wait(lock, stop, [this] { return !frames_.empty(); })) return;
      frame = std::move(frames_.front());
      frames_.pop_front();
    }
    if (connection.write(frame, in(5s))) continue;
    connection.shut();
    return;
  }
}

/// False when the driver talks nonsense: the connection ends.
bool TagServer::answer(const fw::Frame& frame) {
  std::unique_lock lock(mutex_);
  if (frame.header.type == fw::Type::hello) {
    hello(frame);
    return greeted_;
  }
  if (!greeted_) return false;
  switch (frame.header.type) {
    case fw::Type::heartbeat:
      reply_code(frame.header, std::nullopt);
      return true;
    case fw::Type::stream_start:
      reply_code(frame.header, std::nullopt);
      start();
      return true;
    case fw::Type::stream_stop:
      stop_stream();
      reply_code(frame.header, std::nullopt);
      return true;
    case fw::Type::set:
      set_channel(frame, lock);
      return true;
    default:
      reply_code(frame.header, fw::Nack::unsupported);
      return true;
  }
}

/// The vendor's library may wait for its own thread, which may be waiting to push: not under the lock.
void TagServer::set_channel(const fw::Frame& frame, std::unique_lock<std::mutex>& lock) {
  const auto value = fw::decode_value(frame.payload);
  if (!value || value->property != fw::Property::channel_config) return reply_code(frame.header, fw::Nack::unsupported);
  if (value->index >= options_.device.tagger.channels) return reply_code(frame.header, fw::Nack::bad_value);
  std::optional<fw::Nack> refusal;
  lock.unlock();
  if (options_.on_channel) refusal = options_.on_channel(value->index, value->channel);
  lock.lock();
  reply_code(frame.header, refusal);
}

void TagServer::hello(const fw::Frame& frame) {
  const auto theirs = fw::decode_hello(frame.payload);
  if (!theirs) return;
  fw::Hello mine;
  mine.nonce = theirs->nonce;
  mine.schema_hash = fw::schema_hash();
  mine.mtu = static_cast<std::uint16_t>(fw::kLargestFrame);
  mine.description = options_.device;
  std::array<std::uint8_t, fw::kMostHelloBytes> payload{};
  const std::size_t size = fw::encode(mine, payload);
  greeted_ = true;
  reply(fw::Type::hello, frame.header, fw::kIsAck, std::span(payload).first(size));
}

void TagServer::reply(fw::Type type, const fw::Header& to, std::uint8_t flags, std::span<const std::uint8_t> payload) {
  std::vector<std::uint8_t> bytes(fw::kHeaderBytes + payload.size() + fw::kTrailerBytes);
  const fw::Header header{type, flags, 0, to.seq, static_cast<std::uint16_t>(payload.size()), fw::kVersion};
  if (fw::encode_frame(header, payload, bytes) == 0) return;
  frames_.push_back(std::move(bytes));
  waiting_.notify_all();
}

void TagServer::reply_code(const fw::Header& to, std::optional<fw::Nack> refusal) {
  std::array<std::uint8_t, fw::Answer::kBytes> payload{};
  (void)fw::encode(fw::Answer{refusal ? static_cast<std::uint16_t>(*refusal) : std::uint16_t{0}, 0}, payload);
  reply(fw::Type::ack, to, refusal ? fw::kIsNack : fw::kIsAck, payload);
}

void TagServer::start() {
  streaming_ = true;
  blocks_.begin(latest_, [this](std::span<const std::uint8_t> payload) { queue_block(payload); });
  if (overflowing_) blocks_.overflow_begin(latest_);
}

void TagServer::stop_stream() {
  if (!streaming_) return;
  blocks_.end(latest_);
  streaming_ = false;
}

/// Blocks that find no place are dropped whole: their numbers are missing, and the driver tells the loss. The last
/// block of a stream always goes out.
void TagServer::queue_block(std::span<const std::uint8_t> payload) {
  fw::TagBlockHeader block;
  const bool last = fw::decode_tag_header(payload, block) && (block.flags & fw::kTagStreamEnd) != 0;
  if (frames_.size() >= options_.most_waiting && !last) {
    ++dropped_;
    return;
  }
  std::vector<std::uint8_t> bytes(fw::kHeaderBytes + payload.size() + fw::kTrailerBytes);
  const fw::Header header{fw::Type::tag_block, 0, block_frames_++, 0, static_cast<std::uint16_t>(payload.size()),
                          fw::kVersion};
  (void)fw::encode_frame(header, payload, bytes);
  frames_.push_back(std::move(bytes));
  waiting_.notify_all();
}

}  // namespace nicol::bridge

// SPDX-License-Identifier: Apache-2.0
// Threads: the USB event thread feeds the run; the minder asks for the status and begins anew what went wrong; callers
// start, stop and acquire. The event thread never takes control_mutex_, so that a stream can be destroyed under it.
#include "drivers/cqt-fx2/tagger.hpp"

#include <fmt/format.h>

#include "drivers/hal/properties.hpp"

namespace nicol::cqt_fx2 {
namespace {

using namespace std::chrono_literals;

constexpr auto kMindEvery = 10ms, kAnswersWithin = 500ms, kRestartEvery = 100ms;
constexpr auto kSilence = 20ms, kSilenceWithin = 500ms, kLook = 2ms;

SteadyTime now() { return std::chrono::steady_clock::now(); }

}  // namespace

Tagger::Tagger(TaggerOptions options, std::unique_ptr<tags::TagQueue> queue)
    : options_(std::move(options)), queue_(std::move(queue)), run_(*queue_) {
  settings_.levels = options_.levels;
  for (hal::ChannelConfig& config : settings_.channels) {
    config.threshold = {-0.5};
    config.edge = hal::Edge::falling;
  }
}

Tagger::~Tagger() {
  minder_.request_stop();
  if (minder_.joinable()) minder_.join();
  if (card_ && running()) {
    (void)card_->send(packet(Command::inhibit));
    (void)card_->send(packet(Command::stop));
  }
  stream_.reset();
  card_.reset();  // its callbacks use everything here
}

Result<std::unique_ptr<Tagger>> Tagger::open(transport::UsbContext& context, TaggerOptions options) {
  auto queue = tags::TagQueue::create({options.ring, 256});
  if (!queue) return std::move(queue).error();
  std::unique_ptr<Tagger> tagger(new Tagger(std::move(options), *std::move(queue)));
  auto card = Card::open(context, tagger->options_.serial, [t = tagger.get()](hal::Link link) { t->on_link(link); });
  if (!card) return std::move(card).error();
  tagger->card_ = *std::move(card);
  const transport::UsbInfo info = tagger->card_->info();
  tagger->serial_ = info.serial.empty() ? "unnumbered" : info.serial;  // at full speed the card has no strings
  tagger->model_ = info.product.empty() ? "FX2 timestamp card" : info.product;
  if (auto ok = tagger->card_->initialise(tagger->levels()); !ok) return std::move(ok).error();
  if (auto answer = tagger->card_->status(StatusItem::lines); !answer)
    return tagger->error(answer.error().code, "it does not answer as a timestamp card does: is its firmware loaded?")
        .because(answer.error());
  tagger->minder_ = std::jthread([t = tagger.get()](const std::stop_token& stop) { t->mind(stop); });
  return tagger;
}

Error Tagger::error(Code code, std::string message) const { return {code, std::move(message), serial_, 0, {}}; }

bool Tagger::running() const {
  const std::lock_guard lock(mutex_);
  return run_.running();
}

Levels Tagger::levels() const {
  const std::lock_guard lock(mutex_);
  return settings_.levels;
}

void Tagger::on_link(hal::Link link) {
  {
    const std::lock_guard lock(mutex_);
    if (link == hal::Link::connected)
      queue_->end(hal::StreamStatus::stopped);
    else
      run_.unplugged();
  }
  link_ = link;
  changed_.notify_all();
}

void Tagger::on_data(std::span<const std::uint8_t> bytes) {
  const std::lock_guard lock(mutex_);
  heard_ = now();
  run_.feed(bytes, heard_);
}

void Tagger::on_end(const Error& why) {
  if (options_.log != nullptr) options_.log->note(serial_, why.message);
  const std::lock_guard lock(mutex_);
  run_.spoil("the stream of events ended: see the wire log");
}

void Tagger::mind(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, stop, [this] { return run_.running(); });
      (void)changed_.wait_for(lock, stop, kMindEvery, [] { return false; });
    }
    if (!stop.stop_requested()) mind_once();
  }
}

void Tagger::mind_once() {
  const std::lock_guard control(control_mutex_);
  bool again = false;
  {
    const std::lock_guard lock(mutex_);
    if (!run_.running()) return;
    again = run_.wants_restart();
    if (again && now() - restarted_ < kRestartEvery) return;
  }
  if (again)
    restart();
  else
    ask_and_confirm();
}

/// Under control_mutex_.
void Tagger::ask_and_confirm() {
  const SteadyTime asked = now();
  const auto full = card_->status(StatusItem::overflow);
  const std::lock_guard lock(mutex_);
  if (full) {
    answered_ = now();
    run_.checkpoint(*full != 0, asked, answered_);
  } else if (now() - answered_ > kAnswersWithin) {
    run_.spoil("the card does not tell its status");
  }
}

/// Under control_mutex_. What fails is tried again by the minder.
void Tagger::restart() {
  stream_.reset();
  {
    const std::lock_guard lock(mutex_);
    restarted_ = now();
    if (options_.log != nullptr) options_.log->note(serial_, run_.last_trouble());
  }
  (void)card_->send(packet(Command::stop));
  if (!card_->initialise(levels())) return;
  if (!card_->prepare_run()) return;
  {
    const std::lock_guard lock(mutex_);
    if (!run_.running()) return;  // unplugged meanwhile
    run_.restart(now());
    answered_ = now();
  }
  if (auto ok = begin_stream(); ok) return;
  const std::lock_guard lock(mutex_);
  run_.spoil("the run could not be begun again");
}

/// Under control_mutex_. Transfers wait before the first event is sampled.
Result<void> Tagger::begin_stream() {
  transport::UsbDevice::StreamOptions options;
  options.transfers = options_.transfers;
  options.bytes = options_.transfer_bytes;
  options.on_data = [this](std::span<const std::uint8_t> bytes) { on_data(bytes); };
  options.on_end = [this](const Error& why) { on_end(why); };
  auto stream = card_->stream(std::move(options));
  if (!stream) return std::move(stream).error();
  stream_ = *std::move(stream);
  return card_->release();
}

Result<void> Tagger::start() {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard control(control_mutex_);
  if (running()) return error(Code::busy, "the card is running already: stop it first");
  stream_.reset();
  if (auto ok = card_->initialise(levels()); !ok) return ok;
  {
    const std::lock_guard lock(mutex_);
    run_.begin(tags::input_settings(settings_.channels), options_.phases, now());
    answered_ = now();
  }
  auto ok = card_->prepare_run();
  if (ok) ok = begin_stream();
  if (!ok) {
    stream_.reset();
    const std::lock_guard lock(mutex_);
    run_.finish();
    return ok;
  }
  changed_.notify_all();
  return {};
}

void Tagger::wait_for_silence() {
  const SteadyTime begin = now(), end = begin + kSilenceWithin;
  for (SteadyTime t = begin; t < end; t = now()) {
    {
      const std::lock_guard lock(mutex_);
      if (t - std::max(heard_, begin) >= kSilence || !run_.running()) return;
    }
    std::this_thread::sleep_for(kLook);
  }
}

Result<void> Tagger::stop() {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard control(control_mutex_);
  if (!running()) return {};
  auto ok = card_->send(packet(Command::inhibit));
  wait_for_silence();
  if (ok) ok = card_->send(packet(Command::stop));
  wait_for_silence();
  const SteadyTime asked = now();
  const auto full = card_->status(StatusItem::overflow);
  stream_.reset();
  const std::lock_guard lock(mutex_);
  if (!run_.running()) return hal::disconnected_error(*this);
  if (full)
    run_.checkpoint(*full != 0, asked, now());
  else
    run_.spoil("the card did not answer at the stop");
  run_.finish();
  if (!ok) return ok;
  if (!full) return full.error();
  return {};
}

hal::StreamStatus Tagger::acquire(hal::TagBlock& block, Deadline deadline) noexcept {
  return queue_->acquire(block, deadline);
}

Result<std::vector<double>> Tagger::count_rates() {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard lock(mutex_);
  if (!run_.running()) return error(Code::refused, "the card counts nothing while it is stopped: start it first");
  const auto rates = run_.rates(now());
  return std::vector<double>(rates.begin(), rates.end());
}

Result<std::vector<hal::SelfTestItem>> Tagger::self_test(Deadline) {
  if (link_ != hal::Link::connected) return hal::disconnected_error(*this);
  const std::lock_guard control(control_mutex_);
  const auto lines = card_->status(StatusItem::lines);
  if (!lines) return lines.error();
  const std::lock_guard lock(mutex_);
  const bool inhibited = (*lines & kLineInhibited) != 0, full = (*lines & kLineFifoFull) != 0;
  return std::vector<hal::SelfTestItem>{
      {"inputs", run_.running() || inhibited, inhibited ? "inhibited" : "sampled"},
      {"fifo", !full, full ? "above its watermark" : "below its watermark"},
      {"stream", run_.restarts() == 0, fmt::format("{} restarts; {}", run_.restarts(), run_.last_trouble())}};
}

}  // namespace nicol::cqt_fx2

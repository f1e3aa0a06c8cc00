// SPDX-License-Identifier: Apache-2.0
// USBTMC over bulk endpoints: one exchange at a time; a reply that did not come is aborted and the instrument cleared,
// so that the next question is not answered with it. Nothing is ever sent again.
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "drivers/transport/gate.hpp"
#include "drivers/transport/scpi.hpp"
#include "drivers/transport/usbtmc_message.hpp"

namespace nicol::transport {
namespace {
using usbtmc::Request;
using usbtmc::Status;
using Clock = std::chrono::steady_clock;

constexpr std::uint32_t kAskFor = 16 * 1024;  // bytes a request
constexpr std::size_t kLongest = std::size_t{16} * 1024 * 1024;
constexpr int kEmptyTransfers = 4;  // some instruments send a zero-length packet before the reply
constexpr std::uint8_t kToInterface = 0xa1, kToEndpoint = 0xa2;
/// For setting right what a timeout left: beyond the caller's deadline, but bounded.
constexpr std::chrono::milliseconds kRecovery{500};
constexpr std::chrono::milliseconds kPoll{5};

Deadline in(std::chrono::milliseconds time) { return {Clock::now() + time}; }

class UsbTmc final : public ScpiLink {
 public:
  UsbTmc(UsbInterface interface, const UsbTmcOptions& options, WireLog* log, OnLink on_link)
      : interface_(interface), options_(options), log_(log), on_link_(std::move(on_link)) {}
  Result<void> open(UsbContext& context);

  Result<void> command(std::string_view text, Deadline deadline) override;
  Result<std::string> ask(std::string_view text, Deadline deadline) override;
  hal::Link link() const noexcept override { return device_->link(); }
  std::string port() const override { return device_->info().port; }

 private:
  Result<Gate::Pass> begin(Deadline deadline);
  Result<void> send(std::string_view text, Deadline deadline);
  Result<std::string> reply(Deadline deadline);
  Result<bool> part(std::string& text, Deadline deadline);
  Result<std::size_t> first_transfer(Deadline deadline);
  Result<Status> request(Request what, std::uint8_t type, std::uint16_t value, std::uint16_t index,
                         std::span<std::uint8_t> answer, Deadline deadline);
  void recover(Request initiate, Request check, std::uint8_t endpoint);
  void abort(Request initiate, Request check, std::uint8_t endpoint, Deadline limit);
  void drain(Deadline limit);
  void clear(Deadline limit);
  void log(Direction direction, std::string_view text) const;
  Error error(Code code, std::string message) const { return {code, std::move(message), name_, 0, {}}; }

  const UsbInterface interface_;
  const UsbTmcOptions options_;
  WireLog* const log_;
  const OnLink on_link_;
  std::string name_;
  std::atomic<bool> greeted_{false};  // REN_CONTROL was sent since it was plugged in
  Gate exchange_;                     // guards tag_ and buffer_
  std::uint8_t tag_ = 0;
  std::vector<std::uint8_t> buffer_;
  std::unique_ptr<UsbDevice> device_;  // last: its callbacks use the above
};

Result<void> UsbTmc::open(UsbContext& context) {
  const std::size_t packet = std::max<std::size_t>(interface_.packet, 1);
  buffer_.resize((kAskFor + usbtmc::kHeader + 3 + packet) / packet * packet);
  UsbDevice::Options options;
  options.match = options_.match;
  options.interface = interface_.number;
  options.alternate_setting = interface_.alternate_setting;
  options.on_link = [this](hal::Link now) {
    greeted_ = false;
    if (on_link_) on_link_(now);
  };
  auto opened = UsbDevice::open(context, std::move(options));
  if (!opened) return std::move(opened).error();
  device_ = *std::move(opened);
  const UsbInfo info = device_->info();
  name_ = fmt::format("usb {:04x}:{:04x} {}", info.vendor_id, info.product_id, info.serial);
  return {};
}

void UsbTmc::log(Direction direction, std::string_view text) const {
  if (log_ == nullptr) return;
  const std::vector<std::uint8_t> bytes(text.begin(), text.end());
  log_->bytes(name_, direction, bytes);
}

Result<Gate::Pass> UsbTmc::begin(Deadline deadline) {
  Gate::Pass pass = exchange_.enter(deadline);
  if (!pass) return error(Code::timeout, "nothing was sent: another exchange took all the time");
  if (!options_.remote_enable || greeted_.exchange(true)) return pass;
  std::array<std::uint8_t, 1> status{};
  const auto enabled =
      request(Request::remote_enable, kToInterface, 1, static_cast<std::uint16_t>(interface_.number), status, deadline);
  if (enabled) return pass;
  greeted_ = false;
  return error(enabled.error().code, "it does not take remote control").because(enabled.error());
}

Result<void> UsbTmc::send(std::string_view text, Deadline deadline) {
  std::string line(text);
  if (!line.ends_with('\n')) line += '\n';
  log(Direction::to_device, line);
  tag_ = usbtmc::next_tag(tag_);
  auto sent = device_->bulk_out(interface_.bulk_out, usbtmc::message_out(tag_, line), deadline);
  if (sent || sent.error().code == Code::disconnected) return sent;
  recover(Request::initiate_abort_bulk_out, Request::check_abort_bulk_out, interface_.bulk_out);
  return error(sent.error().code, fmt::format("'{}' did not get through", text)).because(sent.error());
}

Result<std::size_t> UsbTmc::first_transfer(Deadline deadline) {
  for (int empty = 0; empty < kEmptyTransfers; ++empty) {
    auto got = device_->bulk_in(interface_.bulk_in, buffer_, deadline);
    if (!got || *got > 0) return got;
  }
  return error(Code::protocol, "it sends empty replies");
}

/// One request and what answers it, appended to `text`. True when the message is at its end.
Result<bool> UsbTmc::part(std::string& text, Deadline deadline) {
  tag_ = usbtmc::next_tag(tag_);
  if (auto asked = device_->bulk_out(interface_.bulk_out, usbtmc::request_in(tag_, kAskFor), deadline); !asked)
    return std::move(asked).error();
  auto got = first_transfer(deadline);
  if (!got) return std::move(got).error();
  const auto head = usbtmc::parse_reply(std::span(buffer_).first(*got), tag_, kAskFor);
  if (!head) return head.error();
  const std::size_t wanted = text.size() + head->bytes;
  const auto append = [&](std::size_t from, std::size_t to) {
    const auto begin = buffer_.begin();
    text.append(begin + static_cast<std::ptrdiff_t>(from),
                begin + static_cast<std::ptrdiff_t>(std::min(to, from + wanted - text.size())));
  };
  append(usbtmc::kHeader, *got);
  while (text.size() < wanted) {  // an instrument that cuts its reply at packets
    auto more = first_transfer(deadline);
    if (!more) return std::move(more).error();
    append(0, *more);
  }
  return head->end_of_message;
}

Result<std::string> UsbTmc::reply(Deadline deadline) {
  std::string text;
  for (bool at_end = false; !at_end;) {
    auto done = part(text, deadline);
    if (!done) return std::move(done).error();
    at_end = *done;
    if (text.size() > kLongest) return error(Code::protocol, "its reply does not end");
    if (!at_end && Clock::now() >= deadline.at) return error(Code::timeout, "its reply did not end in time");
  }
  while (text.ends_with('\n') || text.ends_with('\r')) text.pop_back();
  return text;
}

Result<void> UsbTmc::command(std::string_view text, Deadline deadline) {
  const auto pass = begin(deadline);
  if (!pass) return pass.error();
  return send(text, deadline);
}

Result<std::string> UsbTmc::ask(std::string_view text, Deadline deadline) {
  const auto pass = begin(deadline);
  if (!pass) return pass.error();
  if (auto sent = send(text, deadline); !sent) return std::move(sent).error();
  auto answer = reply(deadline);
  if (answer) {
    log(Direction::from_device, *answer);
    return answer;
  }
  const Error why = std::move(answer).error();
  if (why.code == Code::disconnected) return why;
  recover(Request::initiate_abort_bulk_in, Request::check_abort_bulk_in, interface_.bulk_in);
  return error(why.code, fmt::format("no usable reply to '{}'", text)).because(why);
}

Result<Status> UsbTmc::request(Request what, std::uint8_t type, std::uint16_t value, std::uint16_t index,
                               std::span<std::uint8_t> answer, Deadline deadline) {
  const UsbSetup setup{type, static_cast<std::uint8_t>(what), value, index};
  auto got = device_->control(setup, answer, deadline);
  if (!got) return std::move(got).error();
  if (*got == 0) return error(Code::protocol, fmt::format("it does not answer request {}", setup.request));
  return static_cast<Status>(answer[0]);
}

void UsbTmc::recover(Request initiate, Request check, std::uint8_t endpoint) {
  const Deadline limit = in(kRecovery);
  abort(initiate, check, endpoint, limit);
  clear(limit);
}

/// What it had under way on that endpoint comes to its end and is thrown away.
void UsbTmc::abort(Request initiate, Request check, std::uint8_t endpoint, Deadline limit) {
  std::array<std::uint8_t, 2> started{};
  const auto status = request(initiate, kToEndpoint, tag_, endpoint, started, limit);
  if (!status || *status != Status::success) return;
  const bool reading = endpoint == interface_.bulk_in;
  if (reading) drain(limit);
  std::array<std::uint8_t, 8> answer{};
  const auto ask_it = [&] { return request(check, kToEndpoint, 0, endpoint, answer, limit); };
  for (auto now = ask_it(); now && *now == Status::pending && Clock::now() < limit.at; now = ask_it()) {
    if (reading && (answer[1] & 1) != 0) drain(limit);
    std::this_thread::sleep_for(kPoll);
  }
  if (!reading) (void)device_->clear_halt(endpoint);
}

/// Until a short packet.
void UsbTmc::drain(Deadline limit) {
  const Deadline soon{std::min(limit.at, in(kRecovery / 5).at)};
  for (auto got = device_->bulk_in(interface_.bulk_in, buffer_, soon); got && *got == buffer_.size();)
    got = device_->bulk_in(interface_.bulk_in, buffer_, soon);
}

void UsbTmc::clear(Deadline limit) {
  const auto interface = static_cast<std::uint16_t>(interface_.number);
  std::array<std::uint8_t, 2> answer{};
  const auto status = request(Request::initiate_clear, kToInterface, 0, interface, std::span(answer).first(1), limit);
  if (!status || *status != Status::success) return;
  const auto ask_it = [&] { return request(Request::check_clear, kToInterface, 0, interface, answer, limit); };
  for (auto now = ask_it(); now && *now == Status::pending && Clock::now() < limit.at; now = ask_it()) {
    if ((answer[1] & 1) != 0) drain(limit);
    std::this_thread::sleep_for(kPoll);
  }
  (void)device_->clear_halt(interface_.bulk_out);
}

}  // namespace

Result<std::unique_ptr<ScpiLink>> open_usbtmc(UsbContext& context, const UsbTmcOptions& options, WireLog* log,
                                              OnLink on_link) {
  auto interface = context.find_interface(options.match, usbtmc::kDeviceClass, usbtmc::kSubclass);
  if (!interface) return std::move(interface).error();
  auto link = std::make_unique<UsbTmc>(*interface, options, log, std::move(on_link));
  if (auto opened = link->open(context); !opened) return std::move(opened).error();
  return std::unique_ptr<ScpiLink>(std::move(link));
}

}  // namespace nicol::transport

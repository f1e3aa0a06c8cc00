// SPDX-License-Identifier: Apache-2.0
#include "drivers/cqt-fx2/driver.hpp"

#include <fmt/format.h>

#include <charconv>

#include "drivers/cqt-fx2/tagger.hpp"

namespace nicol::cqt_fx2 {
namespace {

using Args = hal::DeviceArgs;

Error bad_input(std::string message) { return {Code::bad_input, std::move(message), "cqt-fx2", 0, {}}; }

Result<std::vector<Args>> find(const Args& args, transport::Hub& hub) {
  const auto usb = hub.usb();
  if (!usb) return usb.error();
  const std::string wanted = hal::argument(args, "serial");
  std::vector<Args> found;
  for (const transport::UsbInfo& info : (*usb)->list()) {
    if (info.vendor_id != kVendor || info.product_id != kProduct) continue;
    if (!wanted.empty() && info.serial != wanted) continue;
    Args entry{{"driver", "cqt-fx2"}, {"model", info.product}, {"serial", info.serial}, {"port", info.port}};
    if (!info.accessible)
      entry.emplace("missing", fmt::format("permission for {}: install Nicol's udev rules (group plugdev)", info.port));
    found.push_back(std::move(entry));
  }
  return found;
}

Result<std::uint16_t> dac_value(const Args& args, std::string_view key, std::uint16_t otherwise) {
  const auto it = args.find(key);
  if (it == args.end()) return otherwise;
  const std::string& text = it->second;
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > kDacMax)
    return bad_input(fmt::format("{}={} is not in 0..{} (converter units)", key, text, kDacMax));
  return value;
}

Result<TaggerOptions> options_of(const Args& args) {
  TaggerOptions options;
  options.serial = hal::argument(args, "serial");
  const auto threshold = dac_value(args, "threshold", options.levels.threshold);
  if (!threshold) return threshold.error();
  const auto skew = dac_value(args, "skew", options.levels.skew);
  if (!skew) return skew.error();
  const std::string reference = hal::argument(args, "reference", "internal");
  if (reference != "internal" && reference != "external")
    return bad_input(fmt::format("reference={} is neither internal nor external", reference));
  auto phases = PhaseTable::parse(hal::argument(args, "phases"));
  if (!phases) return std::move(phases).error();
  options.levels = {*threshold, *skew, reference == "external"};
  options.phases = *phases;
  return options;
}

Result<std::unique_ptr<hal::Device>> make(const Args& args, transport::Hub& hub) {
  auto options = options_of(args);
  if (!options) return std::move(options).error();
  const auto usb = hub.usb();
  if (!usb) return usb.error();
  options->log = &hub.log();
  auto tagger = Tagger::open(**usb, *std::move(options));
  if (!tagger) return std::move(tagger).error();
  return std::unique_ptr<hal::Device>(*std::move(tagger));
}

}  // namespace

hal::Driver driver(transport::Hub& hub) {
  return {"cqt-fx2",
          {hal::DeviceKind::time_tagger},
          [&hub](const Args& args, Deadline) { return find(args, hub); },
          [&hub](const Args& args) { return make(args, hub); }};
}

}  // namespace nicol::cqt_fx2

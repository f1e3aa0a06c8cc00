// SPDX-License-Identifier: Apache-2.0
// Looking for boards, and their units as devices. A board is opened once; its units share it.
#include "drivers/rig/driver.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "drivers/rig/axis.hpp"
#include "drivers/rig/instruments.hpp"
#include "drivers/rig/source.hpp"
#include "drivers/rig/tagger.hpp"

namespace nicol::rig {
namespace {

Error bad(std::string message) { return {Code::bad_input, std::move(message), "", 0, {}}; }

/// The number under `key`, or `otherwise` where there is none.
Result<double> number(const hal::DeviceArgs& args, std::string_view key, double otherwise) {
  const std::string value = hal::argument(args, key);
  if (value.empty()) return otherwise;
  double out = 0;
  const auto [end, problem] = std::from_chars(value.data(), value.data() + value.size(), out);
  if (problem != std::errc() || end != value.data() + value.size() || !(out >= 0))
    return bad(fmt::format("{}={} is no number that is zero or more", key, value));
  return out;
}

/// A few numbers by name; the first that is wrong is told.
class Numbers {
 public:
  explicit Numbers(const hal::DeviceArgs& args) : args_(args) {}
  double get(std::string_view key, double otherwise = 0) {
    auto value = number(args_, key, otherwise);
    if (value) return *value;
    if (!wrong_) wrong_ = std::move(value).error();
    return otherwise;
  }
  const std::optional<Error>& wrong() const { return wrong_; }

 private:
  const hal::DeviceArgs& args_;
  std::optional<Error> wrong_;
};

// ---- boards ----

/// "NIC001:source", as DeviceInfo has it, names the board as well.
std::string board_serial(const hal::DeviceArgs& args) {
  const std::string serial = hal::argument(args, "serial");
  return serial.substr(0, serial.find(':'));
}

bool is_board(std::uint16_t vendor, std::uint16_t product) { return vendor == kVendorId && product == kProductId; }

/// A board's own USB identity is the board's; that of a mere serial adapter is not.
bool names_board(const transport::SerialPortInfo& info) {
  return is_board(info.vendor_id, info.product_id) && !info.serial.empty();
}

/// Serial numbers of the boards that are plugged in. One that is just being pulled out has none any more.
Result<std::vector<std::string>> boards_here(transport::Hub& hub) {
  auto usb = hub.usb();
  if (!usb) return std::move(usb).error();
  std::vector<std::string> found;
  for (const transport::UsbInfo& info : (*usb)->list())
    if (is_board(info.vendor_id, info.product_id) && !info.serial.empty()) found.push_back(info.serial);
  for (const transport::SerialPortInfo& info : transport::list_serial_ports())
    if (names_board(info) && std::find(found.begin(), found.end(), info.serial) == found.end())
      found.push_back(info.serial);
  return found;
}

Result<std::string> only_board(transport::Hub& hub) {
  auto found = boards_here(hub);
  if (!found) return std::move(found).error();
  if (found->size() == 1) return found->front();
  if (found->empty()) return Error{Code::not_found, "no rig board is plugged in", "", 0, {}};
  return bad(fmt::format("several rig boards are plugged in ({}): name serial=", fmt::join(*found, ", ")));
}

Result<Timing> timing_for(const hal::DeviceArgs& args, Timing timing) {
  auto retry = number(args, "retry_ms", 0);
  if (!retry) return std::move(retry).error();
  if (*retry <= 0) return timing;
  timing.usb.wait_ms = timing.serial.wait_ms = static_cast<std::uint32_t>(*retry);
  timing.safe = std::max(timing.safe, 2 * std::chrono::milliseconds(timing.usb.wait_ms));
  return timing;
}

/// A board on a serial line: which one, and how it is found again whatever its port is called then.
struct SerialBoard {
  transport::SerialAddress where;
  std::string serial;  // empty: nobody knows before it has answered
};

/// The board of that serial number wherever it is; else the port, for whoever has no name.
std::optional<SerialBoard> find_serial_board(const std::string& serial, const std::string& port) {
  std::optional<SerialBoard> at_port;
  for (const transport::SerialPortInfo& info : transport::list_serial_ports()) {
    if (!serial.empty() && names_board(info) && info.serial == serial)
      return SerialBoard{transport::address_of(info), serial};
    if (info.port == port)
      at_port = SerialBoard{transport::address_of(info), names_board(info) ? info.serial : std::string()};
  }
  if (at_port || port.empty()) return at_port;
  SerialBoard unlisted;
  unlisted.where.port = port;
  return unlisted;
}

/// What opening says of a cable that is out, as an advice.
Result<Board*> or_plug_in(Result<Board*> board, const std::string& which) {
  if (board || board.error().code != Code::not_found) return board;
  return Error{Code::not_found, fmt::format("board {} is not there: plug it in", which), which, 0, {}}.because(
      std::move(board).error());
}

/// Kept by serial number; only a board behind a nameless adapter by its port.
Result<Board*> open_serial_board(transport::Hub& hub, const SerialBoard& found, const std::string& wanted,
                                 const Timing& timing) {
  if (!wanted.empty() && !found.serial.empty() && found.serial != wanted)
    return Error{Code::not_found,
                 fmt::format("board {} is not plugged in; at {} is {}", wanted, found.where.port, found.serial),
                 wanted,
                 0,
                 {}};
  const std::string& serial = wanted.empty() ? found.serial : wanted;
  const std::string& which = serial.empty() ? found.where.port : serial;
  const auto open = [&] {
    return Board::open([&](CarrierEvents events) { return open_serial(hub, found.where, std::move(events)); }, serial,
                       timing, &hub.log());
  };
  return or_plug_in(hub.shared<Board>("rig " + which, open), which);
}

bool is_serial_line(const std::string& port) { return port.starts_with("/dev/tty") || port.starts_with("/dev/serial"); }

bool on_usb(transport::Hub& hub, const std::string& serial) {
  auto usb = hub.usb();
  if (!usb) return false;
  for (const transport::UsbInfo& info : (*usb)->list())
    if (is_board(info.vendor_id, info.product_id) && info.serial == serial) return true;
  return false;
}

Result<Board*> board_of(transport::Hub& hub, const hal::DeviceArgs& args, const Timing& usual) {
  auto timing = timing_for(args, usual);
  if (!timing) return std::move(timing).error();
  std::string serial = board_serial(args);
  if (const std::string port = hal::argument(args, "port"); is_serial_line(port))
    return open_serial_board(hub, *find_serial_board(serial, port), serial, *timing);
  if (serial.empty()) {
    auto only = only_board(hub);
    if (!only) return std::move(only).error();
    serial = *std::move(only);
  }
  if (const auto line = find_serial_board(serial, ""); line && !on_usb(hub, serial))
    return open_serial_board(hub, *line, serial, *timing);
  const auto open = [&] {
    return Board::open([&](CarrierEvents events) { return open_usb(hub, serial, std::move(events)); }, serial, *timing,
                       &hub.log());
  };
  return or_plug_in(hub.shared<Board>("rig " + serial, open), serial);
}

// ---- units ----

template <class T>
Result<std::unique_ptr<hal::Device>> as_device(Result<std::unique_ptr<T>> made) {
  if (!made) return std::move(made).error();
  return std::unique_ptr<hal::Device>(*std::move(made));
}

Result<std::unique_ptr<hal::Device>> make_source(Board& board, const hal::DeviceArgs& args) {
  Numbers numbers(args);
  SourceOptions options;
  options.slot_ps = static_cast<std::uint64_t>(numbers.get("slot_ps"));
  options.sync_divider = static_cast<std::uint32_t>(numbers.get("sync_divider", 1000));
  options.width_ps = static_cast<std::uint32_t>(numbers.get("width_ps"));
  if (numbers.get("heralded") != 0) options.source = hal::SourceKind::heralded;
  if (numbers.wrong()) return *numbers.wrong();
  return as_device(RigSource::make(board, options));
}

Result<std::unique_ptr<hal::Device>> make_tagger(Board& board, const hal::DeviceArgs& args) {
  Numbers numbers(args);
  TaggerOptions options;
  options.ring = static_cast<std::size_t>(numbers.get("ring", static_cast<double>(options.ring)));
  if (numbers.wrong()) return *numbers.wrong();
  if (options.ring == 0) return bad("ring=0: the ring needs room for tags");
  return as_device(RigTagger::make(board, options));
}

Result<std::unique_ptr<hal::Device>> make_detector(Board& board, std::size_t index, const hal::DeviceArgs& args) {
  Numbers numbers(args);
  DetectorOptions options;
  options.info.efficiency = numbers.get("efficiency");
  options.info.dark_rate = {numbers.get("dark_hz")};
  options.info.dead_time = {static_cast<std::int64_t>(numbers.get("dead_time_ns") * 1000)};
  options.info.rate_limit = {numbers.get("rate_limit_hz")};
  if (numbers.wrong()) return *numbers.wrong();
  if (options.info.efficiency > 1) return bad("efficiency is a fraction, 0 to 1");
  return as_device(RigDetector::make(board, index, options));
}

Result<std::unique_ptr<hal::Device>> make_axis(Board& board, std::size_t index, const hal::DeviceArgs& args) {
  Numbers numbers(args);
  AxisOptions options;
  options.tolerance = Angle::degrees(numbers.get("tolerance_deg", options.tolerance.degrees()));
  if (numbers.wrong()) return *numbers.wrong();
  return as_device(RigAxis::make(board, index, options));
}

/// "shutter-3" of kind "shutter" is 3.
std::optional<std::size_t> index_of(const std::string& unit, std::string_view kind) {
  if (!unit.starts_with(kind) || unit.size() <= kind.size() + 1 || unit[kind.size()] != '-') return {};
  std::size_t index = 0;
  const char* const last = unit.data() + unit.size();
  const auto [end, problem] = std::from_chars(unit.data() + kind.size() + 1, last, index);
  return problem == std::errc() && end == last ? std::optional(index) : std::nullopt;
}

Result<std::unique_ptr<hal::Device>> make_unit(Board& board, const std::string& unit, const hal::DeviceArgs& args) {
  if (unit == "source") return make_source(board, args);
  if (unit == "tagger") return make_tagger(board, args);
  if (unit == "io") return as_device(RigDigitalIo::make(board));
  if (const auto k = index_of(unit, "shutter")) return as_device(RigShutter::make(board, *k));
  if (const auto k = index_of(unit, "detector")) return make_detector(board, *k, args);
  if (const auto k = index_of(unit, "axis")) return make_axis(board, *k, args);
  return bad(fmt::format("unit={}: name source, tagger, shutter-0, detector-0, axis-0 or io", unit));
}

std::string unit_of(const hal::DeviceArgs& args) {
  if (std::string unit = hal::argument(args, "unit"); !unit.empty()) return unit;
  const std::string serial = hal::argument(args, "serial");
  const std::size_t colon = serial.find(':');
  return colon == std::string::npos ? std::string() : serial.substr(colon + 1);
}

std::vector<std::string> units_of(const fw::Description& about) {
  std::vector<std::string> units;
  if (about.source.max_slot_ps != 0) units.push_back("source");
  if (about.tagger.channels != 0) units.push_back("tagger");
  for (unsigned k = 0; k < about.shutters; ++k) units.push_back(fmt::format("shutter-{}", k));
  for (unsigned k = 0; k < about.detectors.count; ++k) units.push_back(fmt::format("detector-{}", k));
  for (std::size_t k = 0; k < about.axis_count; ++k) units.push_back(fmt::format("axis-{}", k));
  if (about.digital_inputs + about.digital_outputs != 0) units.push_back("io");
  return units;
}

// ---- looking ----

std::vector<hal::DeviceArgs> candidates(transport::Hub& hub) {
  std::vector<hal::DeviceArgs> found;
  if (auto usb = hub.usb())
    for (const transport::UsbInfo& info : (*usb)->list()) {
      if (!is_board(info.vendor_id, info.product_id)) continue;
      hal::DeviceArgs entry{{"driver", "rig"}, {"model", info.product}, {"serial", info.serial}, {"port", info.port}};
      if (!info.accessible)
        entry.emplace("missing",
                      "you may not open this board: install the udev rule drivers/60-nicol.rules (nicol "
                      "doctor prints how), then plug it in again");
      found.push_back(std::move(entry));
    }
  for (const transport::SerialPortInfo& info : transport::list_serial_ports()) {
    if (!is_board(info.vendor_id, info.product_id)) continue;
    hal::DeviceArgs entry{{"driver", "rig"}, {"model", info.product}, {"serial", info.serial}, {"port", info.port}};
    if (!info.accessible)
      entry.emplace("missing", fmt::format("you may not open {}: join the group dialout, or install the udev rule "
                                           "drivers/60-nicol.rules",
                                           info.port));
    found.push_back(std::move(entry));
  }
  return found;
}

void list_units(transport::Hub& hub, const hal::DeviceArgs& board, const Timing& timing,
                std::vector<hal::DeviceArgs>& out) {
  auto opened = board_of(hub, board, timing);
  if (!opened) {
    out.push_back(board);
    out.back().emplace("error", describe(opened.error()));
    return;
  }
  for (const std::string& unit : units_of((*opened)->description())) {
    out.push_back(board);
    out.back().emplace("unit", unit);
  }
}

Result<std::vector<hal::DeviceArgs>> find(transport::Hub& hub, const Timing& timing, const hal::DeviceArgs& args) {
  const std::string serial = board_serial(args);
  std::vector<hal::DeviceArgs> found;
  for (const hal::DeviceArgs& board : candidates(hub)) {
    if (!serial.empty() && hal::argument(board, "serial") != serial) continue;
    if (hal::argument(args, "probe") == "1" && board.count("missing") == 0) {
      list_units(hub, board, timing, found);
      continue;
    }
    found.push_back(board);
    found.back().emplace("note", "has units: probe=1 lists them, unit= names one");
  }
  return found;
}

Result<std::unique_ptr<hal::Device>> make(transport::Hub& hub, const Timing& timing, const hal::DeviceArgs& args) {
  const std::string unit = unit_of(args);
  if (unit.empty()) return bad("a rig board is used by its units: name unit=source, tagger, shutter-0, …");
  auto board = board_of(hub, args, timing);
  if (!board) return std::move(board).error();
  return make_unit(**board, unit, args);
}

}  // namespace

hal::Driver driver(transport::Hub& hub, const Timing& timing) {
  hal::Driver d;
  d.name = "rig";
  d.kinds = {hal::DeviceKind::photon_source, hal::DeviceKind::time_tagger,    hal::DeviceKind::shutter,
             hal::DeviceKind::detector,      hal::DeviceKind::rotation_stage, hal::DeviceKind::digital_io};
  d.find = [&hub, timing](const hal::DeviceArgs& args, Deadline) { return find(hub, timing, args); };
  d.make = [&hub, timing](const hal::DeviceArgs& args) { return make(hub, timing, args); };
  return d;
}

}  // namespace nicol::rig

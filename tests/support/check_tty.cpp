// SPDX-License-Identifier: Apache-2.0
#include <libserialport.h>

#include <stdexcept>
#include <string>

#include "tests/support/fake_tty.hpp"

namespace nicol::test {
namespace {

class SilentSerial final : public sim::SerialEmulator {
 public:
  sim::SerialIdentity identity() const override { return {0x1209, 0x0001, "check", "Nicol", "CHECK", 0}; }
  void receive(std::span<const std::uint8_t>, Picoseconds) override {}
  void collect(std::vector<std::uint8_t>&, Picoseconds) override {}
  void power_cycle() override {}
};

constexpr const char* kAdvice =
    ": the executable does not stand between it and libc. Link nicol_fakes into the executable itself, with default "
    "symbol visibility and ENABLE_EXPORTS ON";

bool listed(const std::string& name) {
  sp_port** ports = nullptr;
  if (sp_list_ports(&ports) != SP_OK) return false;
  bool found = false;
  for (sp_port** port = ports; *port != nullptr; ++port) found = found || name == sp_get_port_name(*port);
  sp_free_port_list(ports);
  return found;
}

bool opens(const std::string& name) {
  sp_port* port = nullptr;
  if (sp_get_port_by_name(name.c_str(), &port) != SP_OK) return false;
  const bool opened = sp_open(port, SP_MODE_READ_WRITE) == SP_OK;
  if (opened) sp_close(port);
  sp_free_port(port);
  return opened;
}

}  // namespace

void check_tty_interposition() {
  SilentSerial emulator;
  FakeTty::Options options;
  options.name = "ttyNicolCheck";
  const FakeTty tty(emulator, options);
  if (!listed(tty.port()))
    throw std::logic_error(std::string("libserialport does not list the fake adapter") + kAdvice);
  if (!opens(tty.port())) throw std::logic_error(std::string("libserialport does not open the fake adapter") + kAdvice);
}

}  // namespace nicol::test

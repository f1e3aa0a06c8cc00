// SPDX-License-Identifier: Apache-2.0
#include "sim/emulators/catalogue.hpp"

#include "sim/emulators/apt.hpp"
#include "sim/emulators/ell14.hpp"
#include "sim/emulators/lectrotic.hpp"
#include "sim/emulators/newport.hpp"
#include "sim/emulators/qc9530.hpp"
#include "sim/emulators/s15_spdc.hpp"
#include "sim/emulators/tdc1.hpp"

namespace nicol::sim {
namespace {

std::unique_ptr<SerialEmulator> conex_cc() { return std::make_unique<NewportController>(); }
std::unique_ptr<SerialEmulator> ell14() { return std::make_unique<Ell14Bus>(); }

template <AptModel kModel>
std::unique_ptr<SerialEmulator> apt(const char* serial) {
  AptOptions options;
  options.model = kModel;
  options.serial = serial;
  return std::make_unique<AptEmulator>(options);
}

std::unique_ptr<SerialEmulator> tdc1() {
  constexpr double kHz = 1e3;
  Tdc1Options options;
  options.light = poisson_light({10 * kHz, 10 * kHz, 8 * kHz, 8 * kHz}, 1);
  return std::make_unique<Tdc1Emulator>(options);
}

std::unique_ptr<SerialEmulator> lectrotic() {
  constexpr double kHz = 1e3;
  LectroticOptions options;
  options.light = poisson_light({5 * kHz, 5 * kHz, 4 * kHz, 4 * kHz}, 1);
  return std::make_unique<LectroticEmulator>(options);
}

constexpr EmulatorKind kKinds[] = {
    {"ell14", "Thorlabs ELL14 rotation mount on an Elliptec bus", ell14},
    {"k10cr1", "Thorlabs K10CR1 rotation mount (APT)", [] { return apt<AptModel::k10cr1>("55000123"); }},
    {"kdc101", "Thorlabs KDC101 with PRM1-Z8 (APT)", [] { return apt<AptModel::kdc101>("27000123"); }},
    {"mpc320", "Thorlabs MPC320 fibre paddles (APT)", [] { return apt<AptModel::mpc320>("38000123"); }},
    {"mff101", "Thorlabs MFF101 flip mirror (APT)", [] { return apt<AptModel::mff101>("37000123"); }},
    {"conex-cc", "Newport CONEX-CC with a rotation stage", conex_cc},
    {"qc9530", "Quantum Composers 9530 pulse generator",
     []() -> std::unique_ptr<SerialEmulator> { return std::make_unique<Qc9530>(); }},
    {"lectrotic", "LectroTIC-4 tagger, four inputs with Poisson light", lectrotic},
    {"s15-spdc", "S-Fifteen SPDC driver: pump laser, crystal heater, laser cooler",
     []() -> std::unique_ptr<SerialEmulator> { return std::make_unique<SpdcEmulator>(SpdcOptions{}); }},
    {"tdc1", "S-Fifteen TDC1 tagger, four inputs with Poisson light", tdc1},
};

}  // namespace

std::span<const EmulatorKind> emulator_kinds() { return kKinds; }

}  // namespace nicol::sim

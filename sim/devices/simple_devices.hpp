// SPDX-License-Identifier: Apache-2.0
// All simulated devices that need no light: the optics ask them, they ask the optics through callbacks.
#pragma once

#include "sim/devices/controls.hpp"
#include "sim/devices/detector.hpp"
#include "sim/devices/meters.hpp"
#include "sim/devices/motor.hpp"
#include "sim/devices/pump_laser.hpp"
#include "sim/devices/shutter.hpp"

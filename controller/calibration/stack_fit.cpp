// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/stack_fit.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "controller/calibration/scoring.hpp"

namespace nicol::calibration {
namespace {

constexpr int kNumbers = 13, kMostSteps = 40, kGrid = 12, kStarts = 6, kRough = 2;
constexpr double kRarest = 1e-9;  // a probability is nowhere nearer to 0 or 1
constexpr double kStep = 1e-6;    // of the numerical derivative
constexpr double kSame = 0.02;    // radians: two starts that end so near are one explanation
constexpr double kFloor = 1e-3;   // the least contrast
constexpr double kAnywhere = 1;   // radians: what is known beforehand of the first plate's offset
constexpr double kFixed = 1e-7;   // radians: a tolerance that leaves a retardance as it is
using Vector = Eigen::Matrix<double, kNumbers, 1>;
using Square = Eigen::Matrix<double, kNumbers, kNumbers>;

struct Model {
  Rotation channel = Rotation::Identity();
  PlateStack stack;
  std::array<double, 3> offset{};
  std::array<double, 2> contrast{0.95, 0.95}, log_gain{};

  Model moved(const Eigen::VectorXd& by) const {
    Model m = *this;
    m.channel = turn(by.head<3>()) * channel;
    for (int i = 0; i < 3; ++i) {
      const auto k = static_cast<std::size_t>(i);
      m.offset[k] += by[3 + i];
      m.stack.retardance[k] += by[10 + i];
    }
    for (int i = 0; i < 2; ++i) {
      const auto k = static_cast<std::size_t>(i);
      m.contrast[k] = std::clamp(contrast[k] + by[6 + i], kFloor, 1.0);
      m.log_gain[k] += by[8 + i];
    }
    return m;
  }
  Rotation whole(const PlateAngles& mounts) const;
};

/// What is given: counts, and the retardances within a tolerance.
struct Data {
  PlateStack stack;
  double tolerance;
  std::span<const SettingCounts> settings;
};

PlateAngles shifted(const PlateAngles& angles, const std::array<double, 3>& by) {
  PlateAngles to = angles;
  for (std::size_t i = 0; i < 3; ++i) to[i] = to[i] + Angle::radians(by[i]);
  return to;
}

Rotation Model::whole(const PlateAngles& mounts) const { return rotation(stack, shifted(mounts, offset)) * channel; }

/// Probability of 1 for each sent state and basis.
using Chances = std::array<std::array<double, 2>, 4>;
Chances chances(const PlateAngles& angles, const Model& m) {
  const Rotation whole = m.whole(angles);
  Chances p{};
  for (std::size_t s = 0; s < 4; ++s) {
    const Stokes arrived = whole * Stokes(kStates[s][0], kStates[s][1], 0);
    for (std::size_t b = 0; b < 2; ++b) {
      const double x = m.contrast[b] * arrived[static_cast<Eigen::Index>(b)], g = std::exp(m.log_gain[b]);
      p[s][b] = std::clamp(g * (1 + x) / (g * (1 + x) + 1 - x), kRarest, 1 - kRarest);
    }
  }
  return p;
}

struct Pair {
  double zeros = 0, ones = 0;
  double all() const { return zeros + ones; }
};
Pair pair(const StateTable& t, std::size_t sent, std::size_t basis) {
  return {static_cast<double>(t[sent][2 * basis]), static_cast<double>(t[sent][2 * basis + 1])};
}

template <class F>
void for_each(const Data& data, const Model& m, F&& f) {
  for (std::size_t k = 0; k < data.settings.size(); ++k) {
    const Chances p = chances(data.settings[k].angles, m);
    for (std::size_t s = 0; s < 4; ++s)
      for (std::size_t b = 0; b < 2; ++b) f(8 * k + 2 * s + b, p[s][b], pair(data.settings[k].seen, s, b));
  }
}

/// How far a retardance is from what it was given as, in standard deviations.
double surprise(const Data& data, const Model& m, std::size_t plate) {
  return (m.stack.retardance[plate] - data.stack.retardance[plate]) / data.tolerance;
}

double log_likelihood(const Data& data, const Model& m) {
  double sum = -m.offset[0] * m.offset[0] / (2 * kAnywhere * kAnywhere);
  for (std::size_t i = 0; i < 3; ++i) sum -= surprise(data, m, i) * surprise(data, m, i) / 2;
  for_each(data, m,
           [&](std::size_t, double p, const Pair& n) { sum += n.ones * std::log(p) + n.zeros * std::log1p(-p); });
  return sum;
}

Score score(const Data& data, const Model& m) {
  const auto rows = static_cast<Eigen::Index>(8 * data.settings.size());
  Eigen::MatrixXd jacobian(rows, kNumbers);
  Eigen::VectorXd here(rows);
  for_each(data, m, [&](std::size_t i, double p, const Pair&) { here[static_cast<Eigen::Index>(i)] = p; });
  for (int k = 0; k < kNumbers; ++k) {
    // Contrast may stand at its end: the derivative is taken inwards.
    const double step = (k == 6 || k == 7) ? -kStep : kStep;
    const Model there = m.moved(step * Vector::Unit(k));
    for_each(data, there, [&](std::size_t i, double p, const Pair&) {
      const auto row = static_cast<Eigen::Index>(i);
      jacobian(row, k) = (p - here[row]) / step;
    });
  }
  Score s{Square::Zero(), Vector::Zero()};
  s.information(3, 3) = 1 / (kAnywhere * kAnywhere);
  s.slope[3] = -m.offset[0] / (kAnywhere * kAnywhere);
  for (int i = 0; i < 3; ++i) {
    s.information(10 + i, 10 + i) = 1 / (data.tolerance * data.tolerance);
    s.slope[10 + i] = -surprise(data, m, static_cast<std::size_t>(i)) / data.tolerance;
  }
  for_each(data, m, [&](std::size_t i, double p, const Pair& n) {
    const Vector g = jacobian.row(static_cast<Eigen::Index>(i));
    const double weight = 1 / (p * (1 - p));
    s.information += n.all() * weight * g * g.transpose();
    s.slope += (n.ones - n.all() * p) * weight * g;
  });
  return s;
}

/// With opposite states sent equally often, efficiencies show in what each detector saw of all of them.
std::array<double, 2> gains(const Data& data) {
  std::array<Pair, 2> sum{};
  for (const SettingCounts& k : data.settings)
    for (std::size_t s = 0; s < 4; ++s)
      for (std::size_t b = 0; b < 2; ++b)
        sum[b].zeros += pair(k.seen, s, b).zeros, sum[b].ones += pair(k.seen, s, b).ones;
  return {std::log((sum[0].ones + 0.5) / (sum[0].zeros + 0.5)), std::log((sum[1].ones + 0.5) / (sum[1].zeros + 0.5))};
}

Rotation nearest_rotation(const Eigen::Matrix3d& m) {
  const Eigen::JacobiSVD<Eigen::Matrix3d> svd(m, Eigen::ComputeFullU | Eigen::ComputeFullV);
  Eigen::Vector3d sign(1, 1, 1);
  sign[2] = (svd.matrixU() * svd.matrixV().transpose()).determinant() < 0 ? -1 : 1;
  return svd.matrixU() * sign.asDiagonal() * svd.matrixV().transpose();
}

/// The channel that fits best to plates of these offsets: least squares of the two columns that light is sent in.
Rotation linear_channel(const Data& data, const Model& m) {
  Eigen::Matrix3d normal = Eigen::Matrix3d::Identity() * 1e-6;
  Eigen::Matrix<double, 3, 2> right = Eigen::Matrix<double, 3, 2>::Zero();
  for (const SettingCounts& k : data.settings) {
    const Rotation plates = rotation(data.stack, shifted(k.angles, m.offset));
    for (std::size_t b = 0; b < 2; ++b) {
      const Eigen::Vector3d seen = plates.row(static_cast<Eigen::Index>(b));
      normal += seen * seen.transpose();
      for (std::size_t column = 0; column < 2; ++column) {
        double x = 0;
        for (const std::size_t s : {2 * column, 2 * column + 1}) {
          const Pair n = pair(k.seen, s, b);
          const double odds = (n.ones + 0.5) / (n.zeros + 0.5) / std::exp(m.log_gain[b]);
          x += kStates[s][column] * (odds - 1) / (odds + 1) / 2;
        }
        right.col(static_cast<Eigen::Index>(column)) += x * seen;
      }
    }
  }
  const Eigen::Matrix<double, 3, 2> columns = normal.ldlt().solve(right);
  Eigen::Matrix3d t;
  t.leftCols<2>() = columns;
  t.col(2) = columns.col(0).cross(columns.col(1));
  return nearest_rotation(t);
}

/// A half turn of a plate changes nothing, and so the grid covers a half turn of each of the two offsets.
std::vector<Found<Model>> rough(const Data& data) {
  std::vector<Found<Model>> all;
  Model m;
  m.stack = data.stack;
  m.log_gain = gains(data);
  for (int i = 0; i < kGrid; ++i)
    for (int j = 0; j < kGrid; ++j) {
      m.offset = {0, std::numbers::pi * i / kGrid, std::numbers::pi * j / kGrid};
      m.channel = linear_channel(data, m);
      all.push_back(climbed(data, m, kRough));
    }
  std::ranges::sort(all, std::ranges::greater(), &Found<Model>::likelihood);
  return all;
}

/// Two models that say the same of every setting's light.
bool same(const Data& data, const Model& a, const Model& b) {
  double most = 0;
  for (const SettingCounts& k : data.settings) most = std::max(most, (a.whole(k.angles) - b.whole(k.angles)).norm());
  return most < kSame;
}

/// Where the climbs from all the starts end, the likeliest first.
std::vector<Found<Model>> explanations(const Data& data) {
  std::vector<Found<Model>> ends;
  for (const Found<Model>& start : rough(data)) {
    if (ends.size() == kStarts) break;
    const auto known = [&](const Found<Model>& e) { return same(data, e.model, start.model); };
    if (std::ranges::none_of(ends, known)) ends.push_back(climbed(data, start.model, kMostSteps));
  }
  std::ranges::sort(ends, std::ranges::greater(), &Found<Model>::likelihood);
  return ends;
}

double chi_squared(const Data& data, const Model& m) {
  double sum = 0;
  for_each(data, m, [&](std::size_t, double p, const Pair& n) {
    const double miss = n.ones - n.all() * p;
    if (n.all() > 0) sum += miss * miss / (n.all() * p * (1 - p));
  });
  return sum;
}

StackFit described(const Data& data, const Model& m, const Eigen::MatrixXd& info) {
  StackFit fit;
  fit.channel = m.channel;
  fit.stack = m.stack;
  const Eigen::MatrixXd covariance = info.inverse();
  const auto error = [&](int i) { return std::sqrt(covariance(i, i)); };
  fit.offset = m.offset;
  for (int i = 0; i < 2; ++i) {
    const auto k = static_cast<std::size_t>(i);
    const double gain = std::exp(m.log_gain[k]);
    fit.contrast[k] = {m.contrast[k], error(6 + i)};
    fit.gain[k] = {gain, gain * error(8 + i)};
  }
  fit.chi_squared = chi_squared(data, m);
  fit.degrees = static_cast<int>(8 * data.settings.size()) - kNumbers +
                4;  // retardances were given, and the first offset is no number of its own
  return fit;
}

}  // namespace

std::uint64_t total(const StateTable& table) {
  std::uint64_t sum = 0;
  for (const auto& row : table)
    for (const std::uint64_t n : row) sum += n;
  return sum;
}

PlateAngles StackFit::axes(const PlateAngles& mounts) const { return shifted(mounts, offset); }

PlateAngles StackFit::mounts(const PlateAngles& axes) const {
  return shifted(axes, {-offset[0], -offset[1], -offset[2]});
}

std::optional<StackFit> fit_stack(const PlateStack& stack, double tolerance, std::span<const SettingCounts> settings) {
  const Data data{stack, std::max(tolerance, kFixed), settings};
  std::uint64_t counted = 0;
  for (const SettingCounts& k : settings) counted += total(k.seen);
  if (counted == 0 || settings.size() < 2) return std::nullopt;
  const std::vector<Found<Model>> ends = explanations(data);
  const Model& best = ends.front().model;
  const Eigen::MatrixXd info = score(data, best).information;
  if (singular(info)) return std::nullopt;
  StackFit fit = described(data, best, info);
  for (const Found<Model>& e : std::span(ends).subspan(1))
    fit.rivals.push_back({e.model.channel, e.model.stack, e.model.offset, ends.front().likelihood - e.likelihood});
  return fit;
}

}  // namespace nicol::calibration

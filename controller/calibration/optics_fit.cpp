// SPDX-License-Identifier: Apache-2.0
#include "controller/calibration/optics_fit.hpp"

#include <cmath>
#include <numbers>
#include <vector>

#include "controller/calibration/scoring.hpp"

namespace nicol::calibration {
namespace {

using std::numbers::pi;
// Where each number stands in the fit's vector.
constexpr Eigen::Index kSent = 0, kOffset = 12, kRetardance = 15, kPlay = 18, kSkew = 21, kEllipticity = 22,
                       kContrast = 24, kGain = 28, kNumbers = 30;
constexpr int kMostSteps = 60, kRefine = 6, kStarts = 4;
constexpr double kRarest = 1e-9;   // a probability is nowhere nearer to 0 or 1
constexpr double kStep = 1e-6;     // of the numerical derivative
constexpr double kScale = 1e-4;    // of the states' mean length, which no count tells
constexpr double kAnywhere = 1;    // radians: what is known beforehand of the first plate's offset
constexpr double kSquare = 0.2;    // radians: of the analysers
constexpr double kPlayful = 0.1;   // radians: of a gear; a mount that never came from above has told nothing of it
constexpr double kHedge = 0.5;     // of a state's log-determinant
constexpr double kHopeless = 200;  // log-likelihood by which a start of the rough fit is worse than the best

struct Model {
  Optics o;
  Model moved(const Eigen::VectorXd& by) const;
};

Model Model::moved(const Eigen::VectorXd& by) const {
  Model m = *this;
  for (Eigen::Index i = 0; i < 4; ++i) m.o.sent[static_cast<std::size_t>(i)] += by.segment<3>(kSent + 3 * i);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto k = static_cast<Eigen::Index>(i);
    m.o.offset[i] += by[kOffset + k];
    m.o.stack.retardance[i] += by[kRetardance + k];
    m.o.play[i] += by[kPlay + k];
  }
  m.o.skew += by[kSkew];
  for (std::size_t b = 0; b < 2; ++b) {
    const auto k = static_cast<Eigen::Index>(b);
    m.o.ellipticity[b] += by[kEllipticity + k];
    m.o.log_gain[b] += by[kGain + k];
    for (std::size_t port = 0; port < 2; ++port)
      m.o.contrast[b][port] += by[kContrast + 2 * k + static_cast<Eigen::Index>(port)];
  }
  return m;
}

Eigen::VectorXd unit(Eigen::Index number) { return Eigen::VectorXd::Unit(kNumbers, number); }

struct Data {
  PlateStack stack;
  double tolerance;
  std::span<const ScanPoint> points;
};

Eigen::VectorXd all_chances(const Data& data, const Optics& o) {
  Eigen::VectorXd all(static_cast<Eigen::Index>(8 * data.points.size()));
  Eigen::Index row = 0;
  for (const ScanPoint& point : data.points)
    for (const auto& state : chances(o, point))
      for (const double p : state) all[row++] = p;
  return all;
}

struct Counts {
  Eigen::VectorXd zeros, ones;
};
Counts counts(const Data& data) {
  const auto rows = static_cast<Eigen::Index>(8 * data.points.size());
  Counts n{Eigen::VectorXd(rows), Eigen::VectorXd(rows)};
  Eigen::Index row = 0;
  for (const ScanPoint& point : data.points)
    for (const auto& state : point.seen)
      for (std::size_t b = 0; b < 2; ++b, ++row) {
        n.zeros[row] = static_cast<double>(state[2 * b]);
        n.ones[row] = static_cast<double>(state[2 * b + 1]);
      }
  return n;
}

/// Numbers that are known beforehand: where, how well, and how far off the model is.
struct Prior {
  Eigen::Index number;
  double miss, error;
};
std::vector<Prior> priors(const Data& data, const Optics& o) {
  std::vector<Prior> all{{kOffset, o.offset[0], kAnywhere}, {kSkew, o.skew, kSquare}};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto k = static_cast<Eigen::Index>(i);
    all.push_back({kRetardance + k, o.stack.retardance[i] - data.stack.retardance[i], data.tolerance});
    all.push_back({kPlay + k, o.play[i], kPlayful});
  }
  for (std::size_t b = 0; b < 2; ++b)
    all.push_back({kEllipticity + static_cast<Eigen::Index>(b), o.ellipticity[b], kSquare});
  return all;
}

double mean_square(const Optics& o) {
  double sum = 0;
  for (const Stokes& s : o.sent) sum += s.squaredNorm() / 4;
  return sum;
}

double log_likelihood(const Data& data, const Model& m) {
  double sum = -std::pow((mean_square(m.o) - 1) / kScale, 2) / 2;
  for (const Prior& p : priors(data, m.o)) sum -= p.miss * p.miss / (2 * p.error * p.error);
  for (std::size_t i = 0; i < 4; ++i) sum += kHedge * std::log(std::max(1 - std::pow(m.o.length(i), 2), 1e-300));
  const Counts n = counts(data);
  const Eigen::ArrayXd p = all_chances(data, m.o).array();
  return sum + (n.ones.array() * p.log() + n.zeros.array() * (-p).log1p()).sum();
}

Eigen::VectorXd gradient(const Model& m, const std::function<double(const Optics&)>& f) {
  Eigen::VectorXd g(kNumbers);
  for (Eigen::Index k = 0; k < kNumbers; ++k)
    g[k] = (f(m.moved(kStep * unit(k)).o) - f(m.moved(-kStep * unit(k)).o)) / (2 * kStep);
  return g;
}

void add_beliefs(const Data& data, const Model& m, Score& s) {
  for (const Prior& p : priors(data, m.o)) {
    s.information(p.number, p.number) += 1 / (p.error * p.error);
    s.slope[p.number] -= p.miss / (p.error * p.error);
  }
  const Eigen::VectorXd scale = gradient(m, mean_square);
  s.information += scale * scale.transpose() / (kScale * kScale);
  s.slope -= (mean_square(m.o) - 1) / (kScale * kScale) * scale;
  for (std::size_t i = 0; i < 4; ++i) {
    const Eigen::VectorXd g = gradient(m, [i](const Optics& o) { return o.length(i); });
    const double length = m.o.length(i), left = std::max(1 - length * length, 1e-9);
    s.information += kHedge * 2 * (1 + length * length) / (left * left) * g * g.transpose();
    s.slope -= kHedge * 2 * length / left * g;
  }
}

Score score(const Data& data, const Model& m) {
  const Counts n = counts(data);
  const Eigen::VectorXd here = all_chances(data, m.o);
  Eigen::MatrixXd jacobian(here.size(), kNumbers);
  for (Eigen::Index k = 0; k < kNumbers; ++k)
    jacobian.col(k) = (all_chances(data, m.moved(kStep * unit(k)).o) - here) / kStep;
  const Eigen::ArrayXd weight = 1 / (here.array() * (1 - here.array())), all = (n.ones + n.zeros).array();
  Score s;
  s.information = jacobian.transpose() * (all * weight).matrix().asDiagonal() * jacobian;
  s.slope = jacobian.transpose() * ((n.ones.array() - all * here.array()) * weight).matrix();
  add_beliefs(data, m, s);
  return s;
}

/// What a fit of a rotation and of square analysers says, as a start.
Model started(const Rotation& channel, const PlateStack& stack, const std::array<double, 3>& offset,
              const StackFit& rough) {
  Model m;
  for (std::size_t i = 0; i < 4; ++i) m.o.sent[i] = channel * Stokes(kStates[i][0], kStates[i][1], 0);
  m.o.stack = stack, m.o.offset = offset;
  for (std::size_t b = 0; b < 2; ++b) {
    m.o.contrast[b].fill(std::min(rough.contrast[b].value, 0.995));
    m.o.log_gain[b] = std::log(rough.gain[b].value);
  }
  return m;
}

std::vector<Model> starts(const Data& data) {
  std::vector<SettingCounts> seen;
  const std::size_t every = std::max<std::size_t>(1, data.points.size() / 24);
  for (std::size_t i = 0; i < data.points.size(); i += every)
    seen.push_back({data.points[i].angles, data.points[i].seen});
  const auto rough = fit_stack(data.stack, data.tolerance, seen);
  if (!rough) return {};
  std::vector<Model> all{started(rough->channel, rough->stack, rough->offset, *rough)};
  for (const Rival& r : rough->rivals)
    if (r.margin < kHopeless && all.size() < kStarts) all.push_back(started(r.channel, r.stack, r.offset, *rough));
  return all;
}

double wrapped(double angle) { return std::remainder(angle, pi); }

/// Fast axes for slow ones everywhere: no count tells.
Optics mirrored(Optics o) {
  for (Stokes& s : o.sent) s[2] = -s[2];
  for (double& e : o.ellipticity) e = -e;
  for (double& offset : o.offset) offset += pi / 2;
  return o;
}

double way(const Optics& o) {
  double sum = 0;
  for (const double offset : o.offset) sum += std::abs(wrapped(offset));
  return sum;
}

/// Of all ways to write the same optics the one nearest to what is believed. A half-wave plate turned by a quarter is
/// one that retards by as much less than a wave.
Optics nearest(const Optics& found) {
  const auto quarter_on = [](Optics o) {
    o.offset[1] += pi / 2;
    o.stack.retardance[1] = 2 * pi - o.stack.retardance[1];
    return o;
  };
  Optics best = found;
  for (const Optics& other : {quarter_on(found), mirrored(found), quarter_on(mirrored(found))})
    if (way(other) < way(best)) best = other;
  for (double& offset : best.offset) offset = wrapped(offset);
  return best;
}

double chi_squared(const Data& data, const Optics& o) {
  const Counts n = counts(data);
  const Eigen::ArrayXd p = all_chances(data, o).array(), all = (n.ones + n.zeros).array();
  return ((n.ones.array() - all * p).square() / (all.max(1e-300) * p * (1 - p))).sum();
}

int degrees(const Data& data) {
  const bool played = std::ranges::any_of(
      data.points, [](const ScanPoint& p) { return Eigen::Map<const Stokes>(p.from_above.data()).any(); });
  return static_cast<int>(8 * data.points.size()) - static_cast<int>(kNumbers) + (played ? 1 : 4);
}

}  // namespace

double Optics::most_contrast() const {
  return std::max({contrast[0][0], contrast[0][1], contrast[1][0], contrast[1][1]});
}

std::array<std::array<double, 2>, 4> chances(const Optics& o, const ScanPoint& point) {
  PlateAngles axes = point.angles;
  for (std::size_t i = 0; i < 3; ++i) axes[i] = axes[i] + Angle::radians(o.offset[i] + point.from_above[i] * o.play[i]);
  const Rotation plates = rotation(o.stack, axes);
  const double along = std::cos(o.skew / 2), across = std::sin(o.skew / 2);
  const auto analyser = [&](double s1, double s2, double e) {
    return Stokes(std::cos(e) * s1, std::cos(e) * s2, std::sin(e));
  };
  const std::array<Stokes, 2> analysed{analyser(along, across, o.ellipticity[0]),
                                       analyser(across, along, o.ellipticity[1])};
  std::array<std::array<double, 2>, 4> p{};
  for (std::size_t s = 0; s < 4; ++s) {
    const Stokes arrived = plates * o.sent[s];
    for (std::size_t b = 0; b < 2; ++b) {
      const double x = analysed[b].dot(arrived);
      const double one = std::exp(o.log_gain[b]) * (1 + o.contrast[b][1] * x), zero = 1 - o.contrast[b][0] * x;
      p[s][b] = std::clamp(one / (one + zero), kRarest, 1 - kRarest);
    }
  }
  return p;
}

Estimate OpticsFit::estimate(const std::function<double(const Optics&)>& f) const {
  const Eigen::VectorXd g = gradient({optics}, f);
  return {f(optics), std::sqrt(std::max(0.0, g.dot(covariance * g)))};
}

Eigen::Matrix3d OpticsFit::covariance_of(const std::function<Stokes(const Optics&)>& f) const {
  Eigen::Matrix<double, 3, kNumbers> slope;
  for (Eigen::Index i = 0; i < 3; ++i) slope.row(i) = gradient({optics}, [&](const Optics& o) { return f(o)[i]; });
  return slope * covariance * slope.transpose();
}

std::optional<OpticsFit> fit_optics(const PlateStack& stack, double tolerance, std::span<const ScanPoint> points) {
  const Data data{stack, tolerance, points};
  const std::vector<Model> from = starts(data);
  if (from.empty()) return std::nullopt;
  std::vector<Found<Model>> ends;
  ends.reserve(from.size());
  for (const Model& start : from) ends.push_back(climbed(data, start, kRefine));
  const auto best = std::ranges::max_element(ends, {}, &Found<Model>::likelihood);
  const Model model = climbed(data, Model{nearest(best->model.o)}, kMostSteps).model;
  const Score s = score(data, model);
  if (singular(s.information)) return std::nullopt;
  return OpticsFit{model.o, s.information.inverse(), chi_squared(data, model.o), degrees(data)};
}

}  // namespace nicol::calibration

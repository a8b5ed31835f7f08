#include "dopri5.hpp"

#ifdef BENCH_BOOST

#include <array>
#include <boost/numeric/odeint.hpp>
#include <boost/version.hpp>
#include <stdexcept>

namespace bench {

namespace {

constexpr double first_step = 1e-7;  // over the time span; Odeint takes what is given, and lengthens it fivefold a step

template <Equations equations>
long dopri5(const Member& member, const double* y0, double rtol, double atol, const double* t, long N, long most_steps,
            double* y) {
    using State = std::array<double, states(equations)>;
    const auto f = [m = member](const State& state, State& slope, double time) {
        rhs(Member{equations, {m.p[0], m.p[1], m.p[2]}}, time, state.data(), slope.data());
    };
    namespace odeint = boost::numeric::odeint;
    auto stepper = odeint::make_dense_output(atol, rtol, odeint::runge_kutta_dopri5<State>());
    State state;
    std::copy(y0, y0 + state.size(), state.begin());
    stepper.initialize(state, t[0], first_step * (t[N - 1] - t[0]));
    const auto store = [&](long k) {
        for (std::size_t i = 0; i < state.size(); ++i) y[long(i) * N + k] = state[i];
    };
    store(0);
    long steps = 0;
    for (long k = 1; k < N;) {
        if (++steps > most_steps) return steps;
        stepper.do_step(f);
        for (; k < N && t[k] <= stepper.current_time(); ++k) {
            stepper.calc_state(t[k], state);
            store(k);
        }
    }
    return steps;
}

}  // namespace

long dopri5(const Member& member, const double* y0, double rtol, double atol, const double* t, long N, long most_steps,
            double* y) {
    const auto solve = [&] {
        switch (member.equations) {
            case Equations::dho:
                return dopri5<Equations::dho>;
            case Equations::ncff:
                return dopri5<Equations::ncff>;
            case Equations::duffing:
                return dopri5<Equations::duffing>;
            case Equations::robertson:
                return dopri5<Equations::robertson>;
            default:
                return dopri5<Equations::vdp>;
        }
    }();
    try {
        return solve(member, y0, rtol, atol, t, N, most_steps, y);
    } catch (const std::runtime_error&) {  // 500 rejected steps in a row
        return -1;
    }
}

const char* boost_version() { return BOOST_LIB_VERSION; }

}  // namespace bench

#else

namespace bench {

long dopri5(const Member&, const double*, double, double, const double*, long, long, double*) { return -1; }
const char* boost_version() { return nullptr; }

}  // namespace bench

#endif

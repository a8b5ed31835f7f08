import sympy as sp

import stlfast

t, k, u, v = sp.symbols("t k u v")
family = stlfast.Family(
    name="tanks",  # they exchange heat at rate k; u is heated and cooled in turns, v leaks
    t=t,
    y=[u, v],
    rhs=[k * (v - u) + sp.cos(t), k * (u - v) - v],
    t_span=(0.0, 10.0),
    params={k: stlfast.Range(1.0, 1000.0)},
    y0=[1.0, 0.0],
)
model = stlfast.compile(family)  # once: seconds
sol = model.solve(k=1000.0)  # any member: microseconds
print(sol.success, sol.error_bound)  # a bound on max |error| of each state

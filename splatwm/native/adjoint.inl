template <class T>
void solve_adjoint(const SolveInputs<T>&, const SolveGradients<T>&, const Settings&) {}

// The competitors of pde_peers.hpp for Python's ctypes, which times them in turn with others.
#pragma once

extern "C" {

const char* pde_flags();
const char* pde_sundials_version();  // nullptr where this was built without SUNDIALS

// A search serves all targets at its alpha; it is what takes time. Peers outlive it.
void* pde_search(double alpha);
void pde_search_close(void* search);

void* pde_peers(void* search, double target);
int pde_peers_count(const void* peers);
const char* pde_peer(void* peers, int k);  // JSON of its setting and errors, until the next call
void pde_repeat(long calls, const void* peers, int k, double* u);  // u (128, 128, 2), row-major: x, t, species
void pde_peers_close(void* peers);
}

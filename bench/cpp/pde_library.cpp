#include "pde_library.hpp"

#include "pde_peers.hpp"

namespace {

using Search = bench::PeerSearch;

struct Peers {
    std::vector<bench::Peer> found;
    std::string text;
};

const bench::Peer& peer(const void* peers, int k) { return static_cast<const Peers*>(peers)->found[std::size_t(k)]; }

}  // namespace

extern "C" {

const char* pde_flags() { return BENCH_FLAGS; }
const char* pde_sundials_version() { return bench::LinesSolver::version(); }

void* pde_search(double alpha) { return new Search(alpha); }
void pde_search_close(void* search) { delete static_cast<Search*>(search); }

void* pde_peers(void* search, double target) { return new Peers{static_cast<Search*>(search)->peers(target), {}}; }
int pde_peers_count(const void* peers) { return int(static_cast<const Peers*>(peers)->found.size()); }
const char* pde_peer(void* peers, int k) {
    return (static_cast<Peers*>(peers)->text = bench::json(peer(peers, k))).c_str();
}
void pde_repeat(long calls, const void* peers, int k, double* u) {
    while (calls-- > 0) peer(peers, k).run(u);
}
void pde_peers_close(void* peers) { delete static_cast<Peers*>(peers); }
}

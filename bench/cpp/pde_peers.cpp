// The fastest competitors for advection_reaction.hpp at given errors, timed in turn on one thread:
//
//   pde_peers [--out FILE] [--alphas 10,50,200,1000] [--targets 1e-3,1e-4,1e-5,1e-6] [--repetitions 31]
//
// Errors are absolute, over both species: on the 128 x 128 output grid, and at 32 times of the initial layer, which
// end at 5 / (3/2 alpha). Settings are searched for first (pde_search.cpp). What is timed is one solve with its output;
// memory, and for the method of lines weights of derivatives and of interpolation, are there beforehand.
#include "pde_peers.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <sstream>
#include <stdexcept>

#include "pde_library.hpp"

namespace {

struct Arguments {
    std::string out;
    std::vector<double> alphas = {10, 50, 200, 1000}, targets = {1e-3, 1e-4, 1e-5, 1e-6};
    int repetitions = 31;
};

std::vector<double> numbers(const std::string& text) {
    std::vector<double> values;
    std::istringstream parts(text);
    for (std::string part; std::getline(parts, part, ',');) values.push_back(std::stod(part));
    return values;
}

Arguments parse(int count, char** words) {
    Arguments found;
    for (int k = 1; k < count; k += 2) {
        const std::string name = words[k];
        if (k + 1 == count) throw std::invalid_argument(name + " needs a value");
        const std::string value = words[k + 1];
        if (name == "--out")
            found.out = value;
        else if (name == "--alphas")
            found.alphas = numbers(value);
        else if (name == "--targets")
            found.targets = numbers(value);
        else if (name == "--repetitions")
            found.repetitions = std::stoi(value);
        else
            throw std::invalid_argument("no option " + name);
    }
    if (found.repetitions < 1) throw std::invalid_argument("--repetitions is at least 1");
    return found;
}

std::string machine() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
        if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
    return "unknown";
}

std::string results(const Arguments& arguments) {
    std::ostringstream text;
    const char* version = bench::LinesSolver::version();
    text << "{\n \"machine\": \"" << machine() << "\", \"compiler\": \"" << pde_flags()
         << "\", \"sundials\": " << (version == nullptr ? "null" : "\"" + std::string(version) + "\"")
         << ", \"repetitions\": " << arguments.repetitions << ",\n \"results\": [";
    const char* between = "\n  ";
    for (const double alpha : arguments.alphas) {
        bench::PeerSearch search(alpha);
        for (const double target : arguments.targets) {
            auto peers = search.peers(target);
            bench::measure(peers, arguments.repetitions);
            const auto* best = bench::fastest(peers);
            text << between << "{\"alpha\": " << alpha << ", \"target\": " << target
                 << ",\n   \"fastest\": " << (best == nullptr ? "null" : bench::json(*best)) << ",\n   \"peers\": [";
            between = "\n    ";
            for (const auto& peer : peers) text << between << bench::json(peer), between = ",\n    ";
            text << "]}";
            between = ",\n  ";
        }
    }
    text << "\n ]\n}\n";
    return text.str();
}

}  // namespace

int main(int count, char** words) {
    try {
        const auto arguments = parse(count, words);
        if (bench::LinesSolver::version() == nullptr)
            std::cerr << "built without SUNDIALS (CVODE and ARKODE, libsundials-dev): exact solutions alone\n";
        const auto text = results(arguments);
        if (arguments.out.empty()) {
            std::cout << text;
        } else if (!(std::ofstream(arguments.out) << text)) {
            throw std::runtime_error("cannot write " + arguments.out);
        }
    } catch (const std::exception& reason) {
        std::cerr << reason.what() << "\n";
        return 1;
    }
}

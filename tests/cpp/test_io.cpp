// Model files: the shipped ones solve within their bounds; broken ones are refused with a message that says why.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdio>
#include <fstream>
#include <functional>
#include <random>
#include <string>

#include "stlfast/io.hpp"
#include "stlfast/open.hpp"

using namespace stlfast;
using Eigen::MatrixXd;
using Eigen::VectorXd;
using nlohmann::json;

namespace {

// A model file taken apart, to be put together again with something changed.
struct Parts {
    json header;
    std::string data;

    static std::string read(const std::string& path) {
        std::ifstream stream(path, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }

    static Parts of(const std::string& bytes) {
        std::uint64_t length = 0;
        std::memcpy(&length, bytes.data(), 8);
        return {json::parse(bytes.substr(8, length)), bytes.substr(8 + length)};
    }

    std::string bytes() const {
        const auto text = header.dump();
        const std::uint64_t length = text.size();
        return std::string(reinterpret_cast<const char*>(&length), 8) + text + data;
    }

    // One entry of a JSON text in the metadata.
    void change(const char* part, const std::function<void(json&)>& edit) {
        auto& text = header["__metadata__"][part];
        auto value = json::parse(text.get<std::string>());
        edit(value);
        text = value.dump();
    }
    void overwrite(const std::string& tensor, double value) {
        std::memcpy(&data[header[tensor]["data_offsets"][0].get<std::size_t>()], &value, sizeof value);
    }
};

// A file that is gone afterwards, under a name that no other user's is in the way of.
struct File {
    explicit File(const std::string& bytes)
        : path(::testing::TempDir() + "stlfast" + std::to_string(std::random_device()()) + ".safetensors") {
        std::ofstream(path, std::ios::binary) << bytes;
    }
    ~File() { std::remove(path.c_str()); }

    const std::string path;
};

const std::string dho = Parts::read(STLFAST_MODELS "dho.safetensors");

std::string message_for(const std::string& bytes) {
    const File file(bytes);
    try {
        load(file.path);
    } catch (const FileError& error) {
        return error.what();
    }
    return "no error";
}

std::string message_after(const std::function<void(Parts&)>& edit) {
    auto parts = Parts::of(dho);
    edit(parts);
    return message_for(parts.bytes());
}

#define EXPECT_SAYS(message, text) EXPECT_NE((message).find(text), std::string::npos) << message

MatrixXd exact_dho(double alpha, const VectorXd& y0, const VectorXd& t) {
    const double root = std::sqrt(alpha * alpha - 1), fast = -alpha - root, slow = -1 / (alpha + root);
    const double c1 = (y0[1] - fast * y0[0]) / (slow - fast), c2 = (slow * y0[0] - y0[1]) / (slow - fast);
    MatrixXd y(t.size(), 2);
    y.col(0) = c1 * (slow * t.array()).exp() + c2 * (fast * t.array()).exp();
    y.col(1) = c1 * slow * (slow * t.array()).exp() + c2 * fast * (fast * t.array()).exp();
    return y;
}

TEST(LoadedModel, SolvesWithinItsBound) {
    const auto loaded = load(STLFAST_MODELS "dho.safetensors");
    Model::Workspace workspace;
    Answer answer;
    for (const double alpha : {1.5, 75.0, 1000.0}) {
        const auto p = loaded.parameters({{"alpha", alpha}});
        const auto [t0, t1] = loaded.t_span_at(p);
        const VectorXd t = t0 + (t1 - t0) * loaded.model->output().x().array();
        for (const bool full : {false, true}) {
            loaded.model->solve(p, {loaded.y0}, {true, {}, full ? Space::full : Space::reduced}, answer, workspace);
            MatrixXd y(t.size(), 2);
            loaded.model->output().evaluate(answer, y);
            const VectorXd error = (y - exact_dho(alpha, loaded.y0, t)).cwiseAbs().colwise().maxCoeff();
            EXPECT_TRUE((error.array() <= answer.bound.array()).all()) << error << " bound " << answer.bound;
            EXPECT_LT(answer.bound.maxCoeff(), 1e-7);
        }
    }
}

TEST(LoadedModel, KnowsWhatItsFileSays) {
    const auto loaded = load(STLFAST_MODELS "ncff.safetensors");
    EXPECT_EQ(loaded.name, "ncff");
    EXPECT_EQ(loaded.parameter_names, (std::vector<std::string>{"alpha", "omega"}));
    EXPECT_EQ(loaded.states, (std::vector<std::string>{"y1", "y2"}));
    EXPECT_EQ(loaded.y0, Eigen::Vector2d(2, 4));
    const auto p = loaded.parameters({{"omega", 0.5}, {"alpha", 30.0}});
    EXPECT_EQ(p, Eigen::Vector2d(30, 0.5));
    EXPECT_EQ(loaded.t_span_at(p), std::make_pair(0.0, 10.0));
}

TEST(LoadedModel, RefusesWrongParametersInPythonsWords) {
    const auto loaded = load(STLFAST_MODELS "ncff.safetensors");
    const auto message = [&](const std::map<std::string, double>& named) -> std::string {
        try {
            loaded.parameters(named);
        } catch (const std::invalid_argument& error) {
            return error.what();
        }
        return "no error";
    };
    EXPECT_EQ(message({{"alpha", 30.0}}), "missing parameter omega: those of 'ncff' are alpha, omega");
    EXPECT_EQ(message({{"a", 1}, {"b", 2}}), "unknown parameter a, b: those of 'ncff' are alpha, omega");
    EXPECT_EQ(message({{"alpha", 2000}, {"omega", 1}}), "alpha = 2000.0 is outside [1, 1000], where 'ncff' is solved");
    EXPECT_EQ(message({{"alpha", 2}, {"omega", NAN}}),
              "omega = nan is not finite and so outside [0.5, 2], where 'ncff' is solved");
}

TEST(ModelFile, OpensWhicheverKindItHolds) {
    EXPECT_TRUE(std::holds_alternative<LoadedModel>(open(STLFAST_MODELS "dho.safetensors")));
    EXPECT_TRUE(std::holds_alternative<LoadedNonlinearModel>(open(STLFAST_MODELS "duffing.safetensors")));
    EXPECT_TRUE(std::holds_alternative<LoadedFieldModel>(open(STLFAST_MODELS "advection_reaction.safetensors")));
    EXPECT_THROW(open("no such file"), FileError);
    EXPECT_THROW(load_windows(STLFAST_MODELS "dho.safetensors"), FileError);
}

// What version 5 added: no range to train on, and no stiffness where no parameter is positive.
TEST(ModelFile, FamiliesWithoutTrainingAreRead) {
    auto parts = Parts::of(dho);
    parts.header["__metadata__"]["format_version"] = "5";
    parts.change("family", [](json& family) { family["params"][0]["train"] = nullptr, family["stiffness"] = nullptr; });
    const File file(parts.bytes());
    EXPECT_EQ(load(file.path).low[0], 1.0);
}

TEST(ModelFile, FilesThatAreNotWholeAreRefused) {
    EXPECT_THROW(load("nowhere.safetensors"), FileError);
    EXPECT_THROW(load(::testing::TempDir()), FileError);
    EXPECT_EQ(message_for(dho), "no error");
    EXPECT_SAYS(message_for(""), "only 0 bytes");
    EXPECT_SAYS(message_for("plain text, and more of it"), "not a safetensors file");
    EXPECT_SAYS(message_for(std::string(7, '\xff') + "\x7f" + dho), "not a safetensors file");
    EXPECT_SAYS(message_for(dho.substr(0, 100)), "truncated: its header");
    EXPECT_SAYS(message_for(dho.substr(0, dho.size() - 1)), "truncated: its tensors");
    EXPECT_SAYS(message_for(dho + "x"), "1 bytes more");
    auto header = dho;
    header[8] = '[';
    EXPECT_SAYS(message_for(header), "its header is broken");
    // Whatever it is cut to, it is refused.
    for (std::size_t size = 0; size < dho.size(); size += 997)
        EXPECT_NE(message_for(dho.substr(0, size)), "no error") << size;
}

TEST(ModelFile, TensorsThatAreNotWhatTheHeaderSaysAreRefused) {
    EXPECT_SAYS(message_after([](Parts& p) { p.header["points"]["dtype"] = "F16"; }), "dtype F16");
    EXPECT_SAYS(message_after([](Parts& p) { p.header["points"]["shape"][0] = 3; }), "'points' takes 24 bytes");
    EXPECT_SAYS(message_after([](Parts& p) {
                    p.header["points"]["shape"] = {1l << 61, 1l << 61};
                }),
                "impossible shape");
    EXPECT_SAYS(message_after([](Parts& p) { p.header["points"]["shape"] = {-1, -400}; }), "impossible shape");
    EXPECT_SAYS(message_after([](Parts& p) { p.header["points"].erase("dtype"); }), "its header is broken");
    EXPECT_SAYS(message_after([](Parts& p) { p.header["points"]["shape"].push_back(1); }), "2 dimensions, expected 1");
    EXPECT_SAYS(message_after([](Parts& p) {
                    for (auto& offset : p.header["points"]["data_offsets"]) offset = offset.get<int>() + 8;
                }),
                "one before it");
    EXPECT_SAYS(message_after([](Parts& p) { p.header["bands.0.low"]["data_offsets"] = {0, 8}; }), "overlaps");
    EXPECT_SAYS(message_after([](Parts& p) { p.header["points"]["dtype"] = "I32"; }), "takes");
    EXPECT_SAYS(message_after([](Parts& p) { p.overwrite("bands.1.coefficients", INFINITY); }), "NaN or infinity");
}

TEST(ModelFile, ContentsThatAreNoModelAreRefused) {
    const auto metadata = [](const char* name, const char* value) {
        return message_after([&](Parts& p) { p.header["__metadata__"][name] = value; });
    };
    const auto changed = [](const char* part, const std::function<void(json&)>& edit) {
        return message_after([&](Parts& p) { p.change(part, edit); });
    };
    const auto renamed = [](const std::string& from, const std::string& to) {
        return message_after([&](Parts& p) {
            p.header[to] = p.header[from];
            p.header.erase(from);
        });
    };
    EXPECT_SAYS(metadata("format", "other"), "no stlfast model");
    EXPECT_SAYS(message_after([](Parts& p) { p.header.erase("__metadata__"); }), "no stlfast model");
    EXPECT_SAYS(metadata("format_version", "6"), "a model on compiled windows: open it with load_windows");
    EXPECT_SAYS(metadata("format_version", "7"), "version '7', this stlfast reads up to 6: upgrade");
    EXPECT_SAYS(metadata("format_version", "4"), "a model of PDEs: open it with load_fields");
    EXPECT_SAYS(metadata("family", "{"), "'family' is not valid JSON");
    EXPECT_SAYS(message_after([](Parts& p) { p.header["__metadata__"].erase("compile"); }), "'compile' is missing");
    for (const char* name : {"points", "modes.g", "bands.2.tau", "bands.0.low", "body.layers.1.bias", "family.A.code"})
        EXPECT_SAYS(renamed(name, "extra"), "tensor '" + std::string(name) + "' is missing");
    EXPECT_SAYS(renamed("bands.3.low", "bands.99.low"), "tensor 'bands.3.low' is missing");
    EXPECT_SAYS(message_after([](Parts& p) {
                    p.header["extra"] = {{"dtype", "F64"}, {"shape", {0}}, {"data_offsets", {0, 0}}};
                }),
                "unknown tensor 'extra'");
    EXPECT_SAYS(changed("family", [](json& f) { f.erase("y0"); }), "y0");
    EXPECT_SAYS(changed("family", [](json& f) { f["y0"] = {1.0}; }), "one number for each state");
    EXPECT_SAYS(changed("family", [](json& f) { f["stiffness"] = "beta"; }), "none of its parameters");
    EXPECT_SAYS(changed("family", [](json& f) { f["params"][0]["solve"] = {5, 1}; }), "low <= high");
    EXPECT_SAYS(changed("family", [](json& f) { f["params"][0]["solve"] = {0, 1000}; }), "positive range");
    EXPECT_SAYS(changed("family", [](json& f) { f["params"][0] = 5; }), "'name' is missing or of the wrong type");
    EXPECT_SAYS(changed("family", [](json& f) { f = {1, 2}; }), "'states' is missing or of the wrong type");
    EXPECT_SAYS(changed("compile", [](json& c) { c["solver"] = "guess"; }), "guess");
    EXPECT_SAYS(changed("compile", [](json& c) { c["row_weights"] = 3; }), "row_weights");
    EXPECT_SAYS(changed("compile", [](json& c) { c["uniform_checks"] = -1; }), "uniform_checks");
    EXPECT_SAYS(changed("body", [](json& b) { b["activation"] = "relu"; }), "relu");
    EXPECT_SAYS(changed("body", [](json& b) { b = nullptr; }), "needs a body");
    EXPECT_SAYS(changed("compile", [](json& c) { c["dictionary"]["functions"] = 1 << 30; }), "functions");
}

}  // namespace

// Reading a .safetensors file: named arrays behind a JSON header. Part of stlfast::io, which needs nlohmann_json.
//
//   8 bytes     the length L of the header, little-endian
//   L bytes     JSON: {"name": {"dtype": "F64", "shape": [3, 2], "data_offsets": [0, 48]}, …,
//               "__metadata__": {"name": "text", …}}
//   the rest    the arrays, little-endian, rows first, one behind the other without gaps; offsets count from here
#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "stlfast/abi.hpp"

namespace STLFAST_NAMESPACE {

// A file that is missing, truncated, of another format or a newer version, or with missing or broken contents.
class FileError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class Safetensors {
  public:
    template <class T>
    using Vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;
    template <class T>
    using Matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

    // Throws FileError unless the file is whole.
    explicit Safetensors(const std::string& path) : path_(path), bytes_(read(path)) { parse_header(); }

    bool has_metadata(const std::string& name) const { return metadata_.count(name) == 1; }

    // Throws FileError where there is no such entry.
    const std::string& metadata(const std::string& name) const {
        const auto found = metadata_.find(name);
        if (found == metadata_.end()) fail("the metadata entry '" + name + "' is missing");
        return found->second;
    }

    // Whether an array that was not taken yet has a name that begins so.
    bool has(const std::string& prefix) const {
        const auto found = tensors_.lower_bound(prefix);
        return found != tensors_.end() && found->first.compare(0, prefix.size(), prefix) == 0;
    }

    // An array, each once; T is double or std::int32_t. Throws FileError where there is none, for another type or
    // number of dimensions, and for numbers that are not finite.
    template <class T>
    Vector<T> take_vector(const std::string& name) {
        return take<T>(name, 1);
    }
    template <class T>
    Matrix<T> take_matrix(const std::string& name) {
        return take<T>(name, 2);
    }

    // Throws FileError where an array is left that nobody took.
    void finish() const {
        if (!tensors_.empty()) fail("there is the unknown tensor '" + tensors_.begin()->first + "'");
    }

    [[noreturn]] void fail(const std::string& problem) const { throw FileError("'" + path_ + "': " + problem); }

  private:
    static constexpr std::uint64_t longest_header = 100'000'000;  // what the format allows

    struct Tensor {
        std::string dtype;
        std::vector<std::uint64_t> shape;
        std::uint64_t begin, end;
    };

    static std::vector<char> read(const std::string& path) {
        std::error_code error;
        if (!std::filesystem::is_regular_file(path, error)) throw FileError("there is no file '" + path + "'");
        std::ifstream stream(path, std::ios::binary);
        std::vector<char> bytes(std::filesystem::file_size(path, error));
        if (!stream.read(bytes.data(), static_cast<std::streamsize>(bytes.size())))
            throw FileError("'" + path + "' cannot be read: is it yours to read?");
        return bytes;
    }

    void parse_header() {
        if (bytes_.size() < 8) fail("not a safetensors file, or truncated: it has only " + count(bytes_.size()));
        std::uint64_t length = 0;
        for (int k = 7; k >= 0; --k)
            length = length << 8 | static_cast<unsigned char>(bytes_[static_cast<std::size_t>(k)]);
        if (length > longest_header)
            fail("not a safetensors file, or damaged: it states a header of " + count(length) + ", allowed are " +
                 count(longest_header));
        if (length > bytes_.size() - 8)
            fail("truncated: its header takes " + count(length) + ", but the file has " + count(bytes_.size()));
        data_ = 8 + static_cast<std::size_t>(length);
        try {
            const auto header = nlohmann::json::parse(bytes_.data() + 8, bytes_.data() + data_);
            for (const auto& [name, entry] : header.get<std::map<std::string, nlohmann::json>>())
                if (name == "__metadata__")
                    metadata_ = entry.get<std::map<std::string, std::string>>();
                else
                    add(name, entry);
        } catch (const nlohmann::json::exception& error) {
            fail(std::string("not a safetensors file, or damaged: its header is broken (") + error.what() + ")");
        }
        check_layout();
    }

    void add(const std::string& name, const nlohmann::json& entry) {
        const auto [begin, end] = entry.at("data_offsets").get<std::pair<std::int64_t, std::int64_t>>();
        Tensor tensor{entry.at("dtype").get<std::string>(), {}, 0, 0};
        if (tensor.dtype != "F64" && tensor.dtype != "F32" && tensor.dtype != "I32")
            fail("tensor '" + name + "' has dtype " + tensor.dtype + ", expected F64, F32 or I32");
        std::uint64_t size = tensor.dtype == "F64" ? 8 : 4;
        for (const auto dimension : entry.at("shape").get<std::vector<std::int64_t>>()) {
            const auto most = std::numeric_limits<std::int64_t>::max() / static_cast<std::int64_t>(size + (size == 0));
            if (dimension < 0 || dimension > most) fail("tensor '" + name + "' has an impossible shape");
            size *= static_cast<std::uint64_t>(dimension);
            tensor.shape.push_back(static_cast<std::uint64_t>(dimension));
        }
        if (begin < 0 || end < begin || static_cast<std::uint64_t>(end - begin) != size)
            fail("tensor '" + name + "' takes " + count(size) + " by its dtype and shape, but its data_offsets are " +
                 std::to_string(begin) + " and " + std::to_string(end));
        tensor.begin = static_cast<std::uint64_t>(begin);
        tensor.end = static_cast<std::uint64_t>(end);
        tensors_.emplace(name, std::move(tensor));
    }

    void check_layout() const {
        std::vector<std::pair<std::pair<std::uint64_t, std::uint64_t>, std::string>> extents;
        for (const auto& [name, tensor] : tensors_) extents.push_back({{tensor.begin, tensor.end}, name});
        std::sort(extents.begin(), extents.end());
        std::uint64_t reached = 0;
        for (const auto& [extent, name] : extents) {
            if (extent.first != reached)
                fail("tensor '" + name + "' " + (extent.first < reached ? "overlaps" : "leaves a gap after") +
                     " the one before it");
            reached = extent.second;
        }
        const std::uint64_t there = bytes_.size() - data_;
        if (reached > there) fail("truncated: its tensors take " + count(reached) + ", but it has " + count(there));
        if (reached < there) fail("damaged: after its last tensor there are " + count(there - reached) + " more");
    }

    template <class T>
    Matrix<T> take(const std::string& name, std::size_t dimensions) {
        const auto found = tensors_.find(name);
        if (found == tensors_.end()) fail("the tensor '" + name + "' is missing");
        const Tensor tensor = std::move(found->second);
        tensors_.erase(found);
        const std::string dtype = std::is_same_v<T, double> ? "F64" : std::is_same_v<T, float> ? "F32" : "I32";
        if (tensor.dtype != dtype) fail("tensor '" + name + "' has dtype " + tensor.dtype + ", expected " + dtype);
        if (tensor.shape.size() != dimensions)
            fail("tensor '" + name + "' has " + std::to_string(tensor.shape.size()) + " dimensions, expected " +
                 std::to_string(dimensions));
        Matrix<T> array(tensor.shape[0], dimensions == 2 ? tensor.shape[1] : 1);
        if (array.size() > 0)
            std::memcpy(array.data(), bytes_.data() + data_ + tensor.begin, tensor.end - tensor.begin);
        if constexpr (std::is_floating_point_v<T>)
            if (!array.allFinite())
                fail("tensor '" + name + "' holds NaN or infinity; it was damaged or badly trained");
        return array;
    }

    static std::string count(std::uint64_t bytes) { return std::to_string(bytes) + " bytes"; }

    std::string path_;
    std::vector<char> bytes_;
    std::size_t data_ = 0;  // where the arrays begin
    std::map<std::string, Tensor> tensors_;
    std::map<std::string, std::string> metadata_;
};

}  // namespace STLFAST_NAMESPACE

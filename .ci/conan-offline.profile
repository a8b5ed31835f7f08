# For machines that reach no Conan remote: Eigen, GoogleTest, nlohmann_json and, with user.stlfast:bench, Google Benchmark
# and Boost come from the system (Debian: libeigen3-dev libgtest-dev nlohmann-json3-dev libbenchmark-dev libboost-dev).
{% set compiler, version, _ = detect_api.detect_default_compiler() %}

[settings]
os={{ detect_api.detect_os() }}
arch={{ detect_api.detect_arch() }}
build_type=Release
compiler={{ compiler }}
compiler.version={{ detect_api.default_compiler_version(compiler, version) }}
compiler.libcxx={{ detect_api.detect_libcxx(compiler, version) }}
compiler.cppstd=17

[platform_requires]
benchmark/1.7.1
boost/1.74.0
eigen/3.4.0
gtest/1.12.1
nlohmann_json/3.11.2

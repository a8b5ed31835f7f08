import pathlib
import re

from conan import ConanFile
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy


class Stlfast(ConanFile):
    name = "stlfast"
    license = "MIT"
    description = "Solves families of stiff differential equations by small linear solves in a pretrained basis"
    settings = "os", "compiler", "build_type", "arch"
    package_type = "static-library"
    exports = "pyproject.toml"
    exports_sources = "CMakeLists.txt", "pyproject.toml", "LICENSE", "cmake/*", "cpp/include/*", "cpp/src/*"

    def set_version(self):
        text = pathlib.Path(self.recipe_folder, "pyproject.toml").read_text(encoding="utf-8")
        self.version = re.search(r'^version = "(.+?)"', text, re.MULTILINE)[1]

    def requirements(self):
        self.requires("eigen/3.4.0", transitive_headers=True)
        self.requires("nlohmann_json/[>=3.10 <4]", transitive_headers=True)  # for those who link stlfast::io

    def build_requirements(self):
        # For developers: conan install, then CMake with STLFAST_TESTS=ON. The package itself is built without tests.
        self.test_requires("gtest/[>=1.12 <2]")
        # And with -c user.stlfast:bench=True for cmake --preset bench; its SUNDIALS 6 is the system's.
        if self.conf.get("user.stlfast:bench", default=False, check_type=bool):
            self.test_requires("benchmark/[>=1.7 <2]")
            self.test_requires("boost/[>=1.74 <2]", options={"header_only": True})

    def layout(self):
        cmake_layout(self)

    def generate(self):
        CMakeDeps(self).generate()
        toolchain = CMakeToolchain(self)
        toolchain.user_presets_path = False  # no file in the source folder
        toolchain.generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", self.source_folder, pathlib.Path(self.package_folder, "licenses").as_posix())
        CMake(self).install()

    def package_info(self):
        self.cpp_info.libs = ["stlfast_core"]
        if self.settings.os in ("Linux", "FreeBSD"):
            self.cpp_info.system_libs = ["pthread"]
        self.cpp_info.set_property("cmake_target_name", "stlfast::core")
        self.cpp_info.set_property("cmake_target_aliases", ["stlfast::io"])  # nlohmann_json is always there
        self.cpp_info.set_property("cmake_components", ["core", "io"])

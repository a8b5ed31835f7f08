# find_package(stlfast CONFIG): the target stlfast::core, and stlfast::io where nlohmann_json is found.
include(CMakeFindDependencyMacro)
find_dependency(Eigen3 3.4 CONFIG)
find_dependency(Threads)
include(${CMAKE_CURRENT_LIST_DIR}/stlfastTargets.cmake)

find_package(nlohmann_json 3.10 CONFIG QUIET)
set(stlfast_io_FOUND ${nlohmann_json_FOUND})
if(nlohmann_json_FOUND AND NOT TARGET stlfast::io)
  add_library(stlfast::io INTERFACE IMPORTED)
  target_link_libraries(stlfast::io INTERFACE stlfast::core nlohmann_json::nlohmann_json)
endif()
if(stlfast_FIND_REQUIRED_io AND NOT stlfast_io_FOUND)
  set(stlfast_FOUND FALSE)
  set(stlfast_NOT_FOUND_MESSAGE
      "its component io reads model files with nlohmann_json 3.10 or later, which was not found: install it (Debian: "
      "nlohmann-json3-dev), or add its folder to CMAKE_PREFIX_PATH")
  string(CONCAT stlfast_NOT_FOUND_MESSAGE ${stlfast_NOT_FOUND_MESSAGE})
endif()
set(stlfast_core_FOUND TRUE)

# SPDX-License-Identifier: Apache-2.0
# `cmake --install`: program, libraries, headers, the CMake package `referent` with the targets
# referent::base and referent::referent, and referent.pc. LibTorch is not copied: both find it where
# it was at the build, or where TorchWheel_ROOT says.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# What is ours is found beside it, LibTorch where it was at the build.
set_target_properties(referent_base PROPERTIES INSTALL_RPATH "$ORIGIN")
set_target_properties(referent-cli PROPERTIES
  INSTALL_RPATH "$ORIGIN/../${CMAKE_INSTALL_LIBDIR}")
set(libraries referent_base)
set_target_properties(referent_base PROPERTIES EXPORT_NAME base)
if(REFERENT_TORCH)
  set_target_properties(referent PROPERTIES INSTALL_RPATH "$ORIGIN;${TorchWheel_ROOT}/lib")
  list(APPEND libraries referent)
endif()

install(TARGETS ${libraries} EXPORT referentTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
# Loaded, never linked: sentencepiece's tokenizers, and the commands that need no LibTorch.
set_target_properties(referent_data_library PROPERTIES INSTALL_RPATH "$ORIGIN")
install(TARGETS referent_pieces referent_data_library
        LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} NAMELINK_SKIP)
install(TARGETS referent-cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY ${CMAKE_SOURCE_DIR}/include/referent DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN *.h)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/referent)
install(EXPORT referentTargets NAMESPACE referent:: DESTINATION ${package_folder})
configure_package_config_file(${CMAKE_SOURCE_DIR}/cmake/referentConfig.cmake.in
  ${CMAKE_BINARY_DIR}/generated/referentConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/generated/referentConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/generated/referentConfig.cmake
              ${CMAKE_BINARY_DIR}/generated/referentConfigVersion.cmake
              ${CMAKE_SOURCE_DIR}/cmake/FindTorchWheel.cmake
        DESTINATION ${package_folder})

if(REFERENT_TORCH)
  # pkg-config wants absolute paths, so the prefix is that of the configuration or of --prefix.
  install(CODE "
    set(REFERENT_PREFIX \"\${CMAKE_INSTALL_PREFIX}\")
    set(REFERENT_LIBDIR \"${CMAKE_INSTALL_LIBDIR}\")
    set(REFERENT_INCLUDEDIR \"${CMAKE_INSTALL_INCLUDEDIR}\")
    set(PROJECT_VERSION \"${PROJECT_VERSION}\")
    set(TorchWheel_ROOT \"${TorchWheel_ROOT}\")
    configure_file(\"${CMAKE_SOURCE_DIR}/cmake/referent.pc.in\"
                   \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/pkgconfig/referent.pc\"
                   @ONLY)")
endif()

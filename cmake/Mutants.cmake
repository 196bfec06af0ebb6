# With DURABILITY_MUTANTS, copies of the sources with a switch at each site of scripts/mutation_sites.py are
# compiled in place of the originals, which stay as they are. Otherwise nothing is done here.

set(DURABILITY_MUTATED ${PROJECT_BINARY_DIR}/mutated)

if(DURABILITY_MUTANTS)
  find_package(Python3 REQUIRED COMPONENTS Interpreter)
  execute_process(COMMAND ${Python3_EXECUTABLE} -B ${PROJECT_SOURCE_DIR}/scripts/mutants.py write ${DURABILITY_MUTATED}
                  COMMAND_ERROR_IS_FATAL ANY)
  file(GLOB_RECURSE originals CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/durability/*.cpp
       ${PROJECT_SOURCE_DIR}/durability/*.hpp ${PROJECT_SOURCE_DIR}/scripts/mut*.py)
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${originals})
  include_directories(BEFORE ${DURABILITY_MUTATED})
  add_compile_options(-w)  # two ways to run a statement: some cannot be reached, some fall off an end
endif()

# Puts the copies in place of the sources in the list of that name.
function(durability_with_switches list)
  set(chosen)
  foreach(source ${${list}})
    file(RELATIVE_PATH path ${PROJECT_SOURCE_DIR} ${source})
    if(DURABILITY_MUTANTS AND EXISTS ${DURABILITY_MUTATED}/${path})
      list(APPEND chosen ${DURABILITY_MUTATED}/${path})
    else()
      list(APPEND chosen ${source})
    endif()
  endforeach()
  set(${list} ${chosen} PARENT_SCOPE)
endfunction()

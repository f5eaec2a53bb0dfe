#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

#include "plait.h"

int main(int count, char** arguments) {
  std::printf("CPU target: %s\n", plait_cpu_target());
  return doctest::Context(count, arguments).run();
}

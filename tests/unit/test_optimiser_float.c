/* The tests of test_optimiser.c in the float build, which is what ships. */
#include "unit/test_optimiser.c"

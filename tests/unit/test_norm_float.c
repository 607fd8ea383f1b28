/* The tests of test_norm.c in the float build, which is what ships. */
#include "unit/test_norm.c"

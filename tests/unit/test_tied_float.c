/* The tests of test_tied.c in the float build, which is what ships. */
#include "unit/test_tied.c"

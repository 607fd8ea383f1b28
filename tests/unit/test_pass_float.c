/* The tests of test_pass.c in the float build, which is what ships. */
#include "unit/test_pass.c"

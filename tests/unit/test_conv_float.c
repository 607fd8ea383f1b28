/* The tests of test_conv.c in the float build, which is what ships. */
#include "unit/test_conv.c"

/* The tests of test_attention.c in the float build, which is what ships. */
#include "unit/test_attention.c"

/* The tests of test_recurrent.c in the float build, which is what ships. */
#include "unit/test_recurrent.c"

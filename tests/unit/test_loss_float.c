/* The tests of test_loss.c in the float build, which is what ships. */
#include "unit/test_loss.c"

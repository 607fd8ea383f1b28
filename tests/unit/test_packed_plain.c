/* The build of wide.h's loops for machines without AVX2. */
#define NN_PLAIN
#include "nnlib/gate.c"
#include "nnlib/packed.c"

#include "unit/test_packed.c"

/* vmath for the level avx2 of nnlib/cpu. */
#include "nnlib/vmath_loops.h"

VMATH_TABLE(avx2);

/* vmath for the level base of nnlib/cpu. */
#include "nnlib/vmath_loops.h"

VMATH_TABLE(base);

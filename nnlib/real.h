/*
 * nnlib/real -- the number type of nnlib: float, or double in the build for gradient checks
 * (library nnlib_double, -DNN_DOUBLE=1). Everything outside nnlib sees the float build.
 */
#ifndef NNLIB_REAL_H
#define NNLIB_REAL_H

#ifdef NN_DOUBLE
typedef double nn_real;
#else
typedef float nn_real;
#endif

#endif

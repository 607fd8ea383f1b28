/* Made by make_heart.py. */
static const struct { const char *name; unsigned long long count; double mean, deviation; }
heart_columns[] = {
    { "age", 920, 53.510869565217391, 9.4195617054148126 },
    { "trestbps", 860, 132.28604651162792, 18.525395283675902 },
    { "chol", 718, 246.83286908077994, 58.486290376150215 },
    { "thalach", 865, 137.54566473988439, 25.911285872005269 },
    { "oldpeak", 858, 0.87878787812792059, 1.0905901452596243 },
};

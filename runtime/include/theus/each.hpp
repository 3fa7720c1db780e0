#pragma once

// THEUS_EACH(macro, a, b, c) becomes macro(a), macro(b), macro(c). One round per level below multiplies the rescans
// that the preprocessor makes, and each rescan takes one argument: 85 are enough for 64 arguments.
#define THEUS_EACH(macro, ...) __VA_OPT__(THEUS_SCAN_1(THEUS_EACH_STEP(macro, __VA_ARGS__)))
#define THEUS_EACH_STEP(macro, first, ...) macro(first) __VA_OPT__(, THEUS_EACH_LATER THEUS_NOTHING(macro, __VA_ARGS__))
#define THEUS_EACH_LATER() THEUS_EACH_STEP
#define THEUS_NOTHING ()
#define THEUS_SCAN_1(...) THEUS_SCAN_2(THEUS_SCAN_2(THEUS_SCAN_2(THEUS_SCAN_2(__VA_ARGS__))))
#define THEUS_SCAN_2(...) THEUS_SCAN_3(THEUS_SCAN_3(THEUS_SCAN_3(THEUS_SCAN_3(__VA_ARGS__))))
#define THEUS_SCAN_3(...) THEUS_SCAN_4(THEUS_SCAN_4(THEUS_SCAN_4(THEUS_SCAN_4(__VA_ARGS__))))
#define THEUS_SCAN_4(...) __VA_ARGS__

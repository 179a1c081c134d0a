/* Numbers that are the same in every run: set pick_state, then pick(n) of [0, n). */
#ifndef TEST_PICK_H
#define TEST_PICK_H

#include <stdint.h>

static uint64_t pick_state;

static inline uint32_t pick(uint32_t n)
{
    pick_state = pick_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(pick_state >> 33) % n;
}

#endif

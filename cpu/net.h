// A 1-bit network in plain C: what a program calls.

#pragma once

#include <stddef.h>
#include <stdint.h>

// Classes of `count` samples, each ONEBIT_NET_INPUTS raw values: height, width, channel.
void onebit_net_classify(const onebit_net_raw* samples, size_t count, uint16_t* classes);

// Their logits, ONEBIT_NET_CLASSES a sample, in fixed point; the class is the first largest one.
void onebit_net_logits(const onebit_net_raw* samples, size_t count, int32_t* logits);

// The name of the kernel in use: the best that this machine has, or the one that was asked for.
const char* onebit_net_kernel(void);

// Use the kernel "portable", "avx2", "avx512", "neon" or "best" from now on; returns 0
// where this machine has it. All threads use the same one.
int onebit_net_use(const char* name);

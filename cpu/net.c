// What a program calls: samples in parts, through all layers, to logits and classes.

#include "layers.h"

enum { SAMPLES = (int)PART < (int)TOGETHER ? (int)PART : (int)TOGETHER };  // at a time

void onebit_net_logits(const onebit_net_raw* samples, size_t count, int32_t* logits) {
  const kernel* k = in_use();
  for (size_t done = 0; done < count; done += SAMPLES) {
    run(k, samples + done * ONEBIT_NET_INPUTS, least(SAMPLES, count - done),
        logits + done * ONEBIT_NET_CLASSES);
  }
}

void onebit_net_classify(const onebit_net_raw* samples, size_t count, uint16_t* classes) {
  const kernel* k = in_use();
  for (size_t done = 0; done < count; done += SAMPLES) {
    const size_t n = least(SAMPLES, count - done);
    int32_t logits[SAMPLES * ONEBIT_NET_CLASSES];
    run(k, samples + done * ONEBIT_NET_INPUTS, n, logits);
    for (size_t i = 0; i < n; ++i) {
      const int32_t* mine = logits + i * ONEBIT_NET_CLASSES;
      size_t best = 0;
      for (size_t c = 1; c < ONEBIT_NET_CLASSES; ++c) best = mine[c] > mine[best] ? c : best;
      classes[done + i] = (uint16_t)best;
    }
  }
}

const char* onebit_net_kernel(void) { return in_use()->name; }

int onebit_net_use(const char* name) {
  if (!strcmp(name, "best")) {
    forced = NULL;
    return 0;
  }
  for (size_t i = 0; i < KERNELS; ++i) {
    if (!strcmp(kernels[i].name, name) && runs(&kernels[i])) {
      forced = &kernels[i];
      return 0;
    }
  }
  return 1;
}

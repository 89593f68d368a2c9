// An example: classify raw samples from a file, print a class a line; or compare them with others.

#include <stdio.h>
#include <string.h>

#include "onebit_net.h"

// usage: main SAMPLES [CLASSES [KERNEL]]: raw values as onebit_net_raw; classes as text to compare.
int main(int count, char** words) {
  onebit_net_raw sample[ONEBIT_NET_INPUTS];
  unsigned long done = 0, wrong = 0;
  if (count < 2 || count > 4) {
    fprintf(stderr, "usage: %s SAMPLES [CLASSES [KERNEL]]\n", words[0]);
    return 2;
  }
  if (count == 4 && onebit_net_use(words[3])) {
    fprintf(stderr, "error: this machine has no kernel %s\n", words[3]);
    return 3;
  }
  FILE *samples = fopen(words[1], "rb"), *classes = count > 2 ? fopen(words[2], "r") : NULL;
  if (!samples || (count > 2 && !classes)) {
    fprintf(stderr, "error: cannot read %s\n", samples ? words[2] : words[1]);
    return 2;
  }
  for (; fread(sample, sizeof sample, 1, samples) == 1; ++done) {
    uint16_t class;
    unsigned wanted;
    onebit_net_classify(sample, 1, &class);
    if (!classes) {
      printf("%u\n", class);
    } else if (fscanf(classes, "%u", &wanted) != 1 || wanted != class) {
      ++wrong;
    }
  }
  if (classes) printf("%lu of %lu differ, kernel %s\n", wrong, done, onebit_net_kernel());
  return wrong > 0;
}

// The layers: raw samples to elements, windows, products, pools and the head, image by image.

#pragma once

#include "kernels.h"

// Images in a layer's buffer, `words` apart: rows of `pitch` pixels of `channels` elements without
// a gap between them; `first` pixels of padding come before the first one. Padding is `fill`.
typedef struct {
  size_t height, width, pitch, first, channels, words;
  int fill;
} image;

// The windows of a layer on its input.
typedef struct {
  size_t height, width, down, across;
} windows;

// table[(raw - lo) / step] is an element; what lies beyond the table counts as its end.
typedef struct {
  image to;
  const uint8_t* table;
  int32_t lo, step, entries;
} encoder;

// A layer of neurons on vectors `stride` words apart; its own are `words` apart.
typedef struct {
  product product;
  const int32_t* limits;
  size_t stride, words;
} dense;

// A layer of neurons on windows; where `classes` gives each position's kind of border, that one's
// limits count.
typedef struct {
  product product;
  const int32_t* limits;
  const uint16_t* classes;
  windows windows;
  image from, to;
} convolution;

typedef struct {
  const uint64_t* invert;
  windows windows;
  image from, to;
} pooling;

// A logit is bias - scale * sum.
typedef struct {
  product product;
  const int64_t *scale, *bias;
  size_t stride, classes;
} head;

static inline void clear(const image* to, uint64_t* out, size_t count) {
  memset(out, to->fill, count * to->words * sizeof *out);
}

static inline size_t element_at(const image* of, size_t y, size_t x) {
  return (of->first + y * of->pitch + x) * of->channels;
}

static inline uint8_t element_of(const encoder* e, onebit_net_raw raw) {
  const int32_t at = ((int32_t)raw - e->lo) / e->step;
  return e->table[at < 0 ? 0 : at < e->entries ? at : e->entries - 1];
}

static inline void encode_bits(const encoder* e, const onebit_net_raw* raw, size_t count,
                               uint64_t* out) {
  const image* to = &e->to;
  clear(to, out, count);
  for (size_t n = 0; n < count; ++n, out += to->words) {
    for (size_t y = 0; y < to->height; ++y) {
      size_t at = element_at(to, y, 0);
      for (size_t x = 0; x < to->width * to->channels; ++x)
        put(out, at++, element_of(e, *raw++), 1);
    }
  }
}

static inline void encode_bytes(const encoder* e, const onebit_net_raw* raw, size_t count,
                                uint64_t* out) {
  const image* to = &e->to;
  clear(to, out, count);
  for (size_t n = 0; n < count; ++n, out += to->words) {
    for (size_t y = 0; y < to->height; ++y) {
      uint8_t* row = (uint8_t*)out + element_at(to, y, 0);
      for (size_t x = 0; x < to->width * to->channels; ++x) row[x] = element_of(e, *raw++);
    }
  }
}

// The same where bytes are bits from a level on, or elements as they are.
static inline void pack_bytes(const kernel* k, const image* to, int level, const uint8_t* raw,
                              size_t count, uint64_t* out) {
  const size_t size = to->height * to->width * to->channels;
  clear(to, out, count);
  for (size_t n = 0; n < count; ++n) k->pack(raw + n * size, size, level, out + n * to->words);
}

static inline void copy_bytes(const image* to, const uint8_t* raw, size_t count, uint64_t* out) {
  const size_t row = to->width * to->channels;
  clear(to, out, count);
  for (size_t n = 0; n < count; ++n, out += to->words) {
    for (size_t y = 0; y < to->height; ++y, raw += row) {
      memcpy((uint8_t*)out + element_at(to, y, 0), raw, row);
    }
  }
}

static inline void run_dense(product_of* multiply, const dense* d, const uint64_t* in, size_t count,
                             uint64_t* out) {
  memset(out, 0, count * d->words * sizeof *out);
  multiply(&d->product, d->limits, in, d->stride, count, out, d->words * sizeof *out);
}

// Eight bytes at a time: what runs over the end of a row is written over, at the last by zeros.
static inline void gather_rows(const uint8_t* from, size_t row, size_t run, size_t height,
                               uint64_t* patch) {
  uint8_t* to = (uint8_t*)patch;
  for (size_t y = 0; y < height; ++y, from += row, to += run) {
    for (size_t i = 0; i < run; i += 8) memcpy(to + i, from + i, 8);
  }
  memset(to, 0, 8);
}

// The patch of a window whose first element is the input's number `at`.
static inline void gather_bytes(const convolution* c, const uint64_t* in, size_t at,
                                uint64_t* patch) {
  const size_t run = c->windows.width * c->from.channels, row = c->from.pitch * c->from.channels;
  gather_rows((const uint8_t*)in + at, row, run, c->windows.height, patch);
}

static inline void gather_bits(const convolution* c, const uint64_t* in, size_t at,
                               uint64_t* patch) {
  const size_t run = c->windows.width * c->from.channels, row = c->from.pitch * c->from.channels;
  if (c->from.channels % 8 == 0) {
    gather_rows((const uint8_t*)in + at / 8, row / 8, run / 8, c->windows.height, patch);
    return;
  }
  for (size_t y = 0; y < c->windows.height; ++y) copy_bits(patch, y * run, in, at + y * row, run);
}

// How many positions, from `at` on, have the same kind of border; the last one's image goes on with
// the next one's first.
static inline size_t alike(const convolution* c, size_t at, size_t most) {
  const size_t places = c->to.height * c->to.width;
  size_t n = 1;
  if (!c->classes) return most;
  while (n < most && c->classes[(at + n) % places] == c->classes[at % places]) ++n;
  return n;
}

// Vectors of `n` windows from position `at` on, `room` words each.
typedef void gather_of(const convolution* c, const uint64_t* in, size_t at, uint64_t* patch);

static inline void gather_some(gather_of* gather, size_t room, const convolution* c,
                               const uint64_t* in, size_t at, size_t n, uint64_t* patches) {
  size_t y = at / c->to.width, x = at % c->to.width;
  in += y / c->to.height * c->from.words, y %= c->to.height;
  for (size_t j = 0; j < n; ++j) {
    const size_t pixel = y * c->windows.down * c->from.pitch + x * c->windows.across;
    gather(c, in, pixel * c->from.channels, patches + j * room);
    if (++x == c->to.width) ++y, x = 0;
    if (y == c->to.height) in += c->from.words, y = 0;
  }
}

static inline void run_conv(product_of* multiply, gather_of* gather, size_t room,
                            const convolution* c, const uint64_t* in, size_t count, uint64_t* out) {
  uint64_t patches[TOGETHER * PATCH + 1], found[TOGETHER * FOUND + 1];
  const image* to = &c->to;
  const size_t places = to->height * to->width, blocks = c->product.blocks;
  const size_t words = words_of(blocks * LANES), bytes = to->words * sizeof *out;
  const int whole = to->channels == blocks * LANES && to->pitch == to->width && !to->first;
  // Positions whose outputs lie in a row: an image's alone where a gap ends it.
  const size_t row = whole && bytes != places * blocks ? places : count * places;
  memset(patches, 0, sizeof patches);
  memset(found, 0, sizeof found);
  clear(to, out, count);
  for (size_t at = 0, n; at < count * places; at += n) {
    n = alike(c, at, least(TOGETHER, row - at % row));
    gather_some(gather, room, c, in, at, n, patches);
    const size_t kind = c->classes ? c->classes[at % places] : 0;
    const int32_t* limits = c->limits + kind * blocks * LANES;
    if (whole) {  // bytes of bits, as they are to lie
      uint8_t* first = (uint8_t*)out + at / places * bytes + at % places * blocks;
      multiply(&c->product, limits, patches, room, n, first, blocks);
      continue;
    }
    multiply(&c->product, limits, patches, room, n, found, words * sizeof *found);
    for (size_t j = at; j < at + n; ++j) {
      const size_t y = j % places / to->width, x = j % to->width;
      copy_bits(out + j / places * to->words, element_at(to, y, x), found + (j - at) * words, 0,
                to->channels);
    }
  }
}

static inline void conv_bits(const kernel* k, const convolution* c, const uint64_t* in,
                             size_t count, uint64_t* out) {
  run_conv(k->bits, gather_bits, words_of(c->product.inputs), c, in, count, out);
}

static inline void conv_bytes(const kernel* k, const convolution* c, const uint64_t* in,
                              size_t count, uint64_t* out) {
  run_conv(k->bytes, gather_bytes, (c->product.inputs + 7) / 8, c, in, count, out);
}

// The OR of up to 64 channels over the window whose first pixel is the input's number `at`.
static inline uint64_t any_of(const pooling* p, const uint64_t* in, size_t at, size_t channel) {
  uint64_t any = 0;
  for (size_t y = 0; y < p->windows.height; ++y, at += p->from.pitch) {
    for (size_t x = 0; x < p->windows.width; ++x) {
      any |= get(in, (at + x) * p->from.channels + channel);
    }
  }
  return any;
}

static inline void run_pool(const pooling* p, const uint64_t* in, size_t count, uint64_t* out) {
  const image* to = &p->to;
  clear(to, out, count);
  for (size_t i = 0; i < count; ++i, in += p->from.words, out += to->words) {
    for (size_t y = 0; y < to->height; ++y) {
      for (size_t x = 0; x < to->width; ++x) {
        const size_t at = y * p->windows.down * p->from.pitch + x * p->windows.across;
        for (size_t c = 0; c < to->channels; c += WORD) {
          const size_t n = least(WORD, to->channels - c);
          const uint64_t bits = (any_of(p, in, at, c) ^ p->invert[c / WORD]) & ones(n);
          put(out, element_at(to, y, x) + c, bits, n);
        }
      }
    }
  }
}

// The one patch of a convolution that has but one, as a vector.
static inline void only_window(const convolution* c, int bytes, const uint64_t* in, size_t count,
                               uint64_t* out) {
  clear(&c->to, out, count);
  for (size_t n = 0; n < count; ++n) {
    (bytes ? gather_bytes : gather_bits)(c, in + n * c->from.words, 0, out + n * c->to.words);
  }
}

static inline void run_head(product_of* multiply, const head* h, const uint64_t* in, size_t count,
                            int32_t* logits) {
  int32_t sums[TOGETHER * SUMS];
  const size_t pitch = h->product.blocks * LANES;
  multiply(&h->product, NULL, in, h->stride, count, sums, pitch);
  for (size_t n = 0; n < count; ++n) {
    for (size_t c = 0; c < h->classes; ++c) {
      *logits++ = (int32_t)(h->bias[c] - h->scale[c] * sums[n * pitch + c]);
    }
  }
}

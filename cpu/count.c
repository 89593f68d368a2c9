// A plugin of qemu's user mode: how many instructions a program executes. Its API's version is 1.

#include <inttypes.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// What qemu-plugin.h would declare, which distributions do not install.
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
typedef void translated(qemu_plugin_id_t id, struct qemu_plugin_tb* block);
typedef void ended(qemu_plugin_id_t id, void* data);
extern void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translated* callback);
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb* block, int operation,
                                                     void* counter, uint64_t step);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb* block);
extern void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id, ended* callback, void* data);
extern void qemu_plugin_outs(const char* text);

int qemu_plugin_version = 1;
int qemu_plugin_install(qemu_plugin_id_t id, const void* info, int count, char** words);

static uint64_t executed;

static void count_block(qemu_plugin_id_t id, struct qemu_plugin_tb* block) {
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(block, 0, &executed, qemu_plugin_tb_n_insns(block));
}

static void tell(qemu_plugin_id_t id, void* data) {
  char text[32];
  (void)id, (void)data;
  snprintf(text, sizeof text, "%" PRIu64 "\n", executed);
  qemu_plugin_outs(text);
}

int qemu_plugin_install(qemu_plugin_id_t id, const void* info, int count, char** words) {
  (void)info, (void)count, (void)words;
  qemu_plugin_register_vcpu_tb_trans_cb(id, count_block);
  qemu_plugin_register_atexit_cb(id, tell, NULL);
  return 0;
}

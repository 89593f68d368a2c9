"""The exported C: clean under strict compilers, small, without heap and floats, golden's equal."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from onebit import golden, recipe, system, trial
from onebit.cpu.export import files
from onebit.cpu.source import raw_type
from onebit.flow import MODEL
from onebit.lower import lower
from onebit.net import Net
from test_cpu import ELEMENTS, extremes

STRICT = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Werror"]
SMALL = ["-Os", "-DONEBIT_PORTABLE"]
ARM = ["-O3", "-mcpu=cortex-a9", "-mfpu=neon", "-static"]
SANE = ["-g", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover"]
MOST_BYTES = 16 << 10
LOGITS = """
#include <stdio.h>
#include "ends.h"
int main(void) {
  ends_raw sample[ENDS_INPUTS];
  int32_t logits[ENDS_CLASSES];
  FILE *samples = fopen("samples", "rb");
  while (samples && fread(sample, sizeof sample, 1, samples) == 1) {
    ends_logits(sample, 1, logits);
    for (int i = 0; i < ENDS_CLASSES; ++i) printf("%d ", (int)logits[i]);
  }
}
"""
NETWORKS = recipe.networks()
IN_TEST, IN_PROVE, TINY = 20, 1000, ("mnist-tfc", "mnist-120", "wakeword-3x3")
# What a C program without heap and floats may want of others: gcc makes the first three itself.
WANTED = {
    "memcpy",
    "memset",
    "memcmp",
    "strcmp",
    "__cpu_model",
    "__cpu_features2",
    "__cpu_indicator_init",
}
WANTED |= {"__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    full = metafunc.config.getoption("--prove")
    if "exported" in metafunc.fixturenames:
        metafunc.parametrize("exported", NETWORKS if full else TINY, indirect=True, scope="module")


def net_of(name: str) -> Net:
    return lower(recipe.folder(name) / MODEL).net


def written(net: Net, name: str, folder: Path) -> Path:
    for file, text in files(net, name).items():
        (folder / file).write_text(text)
    return folder


@pytest.fixture(scope="module")
def exported(request, tmp_path_factory) -> tuple[str, Path, int]:
    """A network's name, its folder with samples and golden's classes, and how many there are."""
    name, net = request.param, net_of(request.param)
    folder = written(net, name, tmp_path_factory.mktemp(name))
    known = recipe.load(name)
    count = IN_PROVE if request.config.getoption("--prove") else IN_TEST
    images = trial.test_images(known.data, net, known.features).images[:count]
    (folder / "samples").write_bytes(images.astype(raw_type(net.input)).tobytes())
    np.savetxt(folder / "classes", golden.run(net, images).classes, fmt="%d")
    return name, folder, len(images)


@pytest.fixture(scope="module")
def tfc(tmp_path_factory) -> Path:
    return written(net_of("mnist-tfc"), "mnist-tfc", tmp_path_factory.mktemp("tfc"))


def ran(command: list, folder: Path) -> str:
    """What a program prints; it must succeed and complain of nothing."""
    done = system.run(command, cwd=folder)
    assert done.returncode == 0 and not done.stderr, done.stderr + done.stdout
    return done.stdout


def compiled(folder: Path, name: str, program: str, flags: list[str], by: str = "gcc") -> Path:
    compiler = system.need_tool(by, "the test of the exported C")
    ran([compiler, *STRICT, *flags, "main.c", f"{name}.c", "-o", program], folder)
    return folder / program


def equal(said: str, count: int, kernel: str) -> None:
    assert said == f"0 of {count} differ, kernel {kernel}\n"


def test_on_this_machine_with_sanitizers(exported, record_property):
    name, folder, count = exported
    program = compiled(folder, name, "sane", [*SANE, "-DONEBIT_NAIVE"])
    for kernel in ("portable", "best"):
        said = ran([program, "samples", "classes", kernel], folder)
        assert said.startswith(f"0 of {count} differ, kernel "), said
    claim = f"{name}: exported C = golden on {count} test samples, sanitizers silent"
    record_property("claim", claim)


def test_on_arm_under_qemu(exported, record_property):
    name, folder, count = exported
    program = compiled(folder, name, "arm", ARM, "arm-linux-gnueabihf-gcc")
    qemu = system.need_tool("qemu-arm", "the test of the exported C")
    equal(ran([qemu, "-cpu", "cortex-a9", program, "samples", "classes"], folder), count, "neon")
    claim = f"{name}: exported C for 32-bit ARM with NEON = golden on {count} test samples"
    record_property("claim", claim)


@pytest.mark.parametrize("element", ELEMENTS, ids=["bit", "uint8", "int8"])
def test_sums_reach_both_ends_on_arm(element, tmp_path):
    """Where NEON's counters would overflow."""
    net, samples = extremes(element, 5000)
    folder = written(net, "ends", tmp_path)
    (folder / "samples").write_bytes(samples.astype(raw_type(net.input)).tobytes())
    (folder / "main.c").write_text(LOGITS)
    program = compiled(folder, "ends", "arm", ARM, "arm-linux-gnueabihf-gcc")
    qemu = system.need_tool("qemu-arm", "the test of the exported C")
    said = ran([qemu, program], folder)
    assert said.split() == golden.run(net, samples).logits.reshape(-1).astype(str).tolist()


def test_as_a_small_machine_with_32_bits(exported, record_property):
    name, folder, count = exported
    program = compiled(folder, name, "small", ["-m32", *SMALL, "-DONEBIT_TOGETHER=1"])
    equal(ran([program, "samples", "classes"], folder), count, "portable")
    record_property("claim", f"{name}: exported C with -m32 -Os = golden on {count} test samples")


def test_a_wrong_class_is_found(exported):
    """The example tells a difference, so the tests above can fail."""
    name, folder, count = exported
    program = compiled(folder, name, "wrong", ["-O1"])
    classes = np.loadtxt(folder / "classes", dtype=int)
    np.savetxt(folder / "others", (classes + (np.arange(count) < 3)), fmt="%d")
    done = system.run([program, "samples", "others"], cwd=folder)
    assert done.returncode == 1 and done.stdout.startswith(f"3 of {count} differ")


@pytest.mark.parametrize("word", [[], ["-m32"]], ids=["64 bits", "32 bits"])
def test_tfc_takes_less_than_16_kib(tfc, word, record_property):
    compiler = system.need_tool("gcc", "the test of the exported C")
    ran([compiler, *STRICT, *SMALL, *word, "-c", "mnist-tfc.c", "-o", "tfc.o"], tfc)
    sizes = ran([system.need_tool("size", "the test"), "tfc.o"], tfc).splitlines()[1].split()
    total = int(sizes[3])
    assert total < MOST_BYTES
    claim = f"mnist-tfc: {total} bytes of code and data with the portable kernel, -Os"
    record_property("claim", f"{claim} {' '.join(word)}".strip())


@pytest.mark.parametrize("flags", [["-O3"], SMALL, ["-O2", "-DONEBIT_NAIVE"]], ids=" ".join)
def test_no_heap_no_float_no_dependency(tfc, flags):
    compiler = system.need_tool("gcc", "the test of the exported C")
    ran([compiler, *STRICT, *flags, "-c", "mnist-tfc.c", "-o", "tfc.o"], tfc)
    names = ran([system.need_tool("nm", "the test"), "--undefined-only", "tfc.o"], tfc)
    assert {line.split()[-1] for line in names.splitlines()} <= WANTED
    code = re.sub(r"//.*", "", (tfc / "mnist-tfc.c").read_text())
    assert not re.search(r"\b(float|double|malloc|free)\b", code)


def test_the_example_prints_classes(exported):
    name, folder, _ = exported
    program = compiled(folder, name, "example", ["-O1"])
    assert ran([program, "samples"], folder) == (folder / "classes").read_text()


def test_32_bits_with_the_best_kernel_there(tfc):
    compiled(tfc, "mnist-tfc", "any", ["-m32", "-O2"])


def test_the_makefile_builds_all_three(tfc):
    make = system.need_tool("make", "the test of the exported C")
    ran([make, "--silent", "native", "arm", "small"], tfc)
    assert all((tfc / f"main-{kind}").is_file() for kind in ("native", "arm", "small"))


def test_equal_networks_give_equal_files():
    assert files(net_of("mnist-tfc"), "tfc") == files(net_of("mnist-tfc"), "tfc")


def test_the_command_writes_them(onebit, tiny_folder, tmp_path):
    said = onebit("export-c", tiny_folder, "--out", tmp_path / "c")
    assert said.code == 0 and said.out.strip() == str(tmp_path / "c")
    assert {file.name for file in (tmp_path / "c").iterdir()} == {
        "tiny.c",
        "tiny.h",
        "main.c",
        "Makefile",
    }

"""The command line: its words and options; stdout is data, stderr is talk."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from errno import ENOSPC
from pathlib import Path
from typing import NoReturn

from onebit import (
    __version__,
    commands,
    commands_bitstream,
    commands_board,
    commands_classify,
    commands_compile,
    commands_cpu,
    commands_data,
    commands_deploy,
    commands_evaluate,
    commands_hls,
    commands_models,
    commands_synth,
)
from onebit.errors import MissingTool, OnebitError

EPILOG = """\
start here:
  onebit demo                      a trained network through simulated hardware, with a report
  onebit list                      the networks
  onebit data                      the data sets: what is there, how to get the rest
  onebit compile mnist-tfc         lower it to Verilog in out/mnist-tfc
  onebit simulate mnist-tfc --images all    every test image through the RTL
  onebit report mnist-tfc          a table, and out/mnist-tfc/report.html
  onebit bench mnist-tfc           this CPU in C and by others, and the FPGA beside it
  onebit classify kws-12 my.wav    the word in a clip, or where words are in a recording
  onebit doctor                    what is installed, and what each missing tool would unlock
"""
CHECKED = 20  # images through a netlist
EXIT = "exit codes: 0 done, 1 the check failed, 2 bad input, 3 a tool is missing"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    code = _run(arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:  # the reader has left; without this Python complains as it exits
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _run(arguments: Sequence[str] | None) -> int:
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except OnebitError as error:
        _complain(error.message, error.hint)
        return error.exit_code
    except ModuleNotFoundError as missing:
        _complain(f"the Python package {missing.name!r} was not found", "make setup")
        return MissingTool.exit_code
    except KeyboardInterrupt:
        _complain("interrupted", "nothing is half-written; run the same command again")
        return 130
    except BrokenPipeError:
        return 0
    except OSError as error:
        what = f"{str(error.filename)!r}: " if error.filename else ""
        full = "free some space; $TMPDIR names the folder for scratch files"
        _complain(f"{what}{error.strerror or error}", full if error.errno == ENOSPC else "")
        return OnebitError.exit_code


def _complain(message: str, hint: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"\nhint: {hint}", file=sys.stderr)


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints look like all others."""

    def error(self, message: str) -> NoReturn:
        _complain(message, f"{self.prog} --help")
        sys.exit(OnebitError.exit_code)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="onebit",
        description="Take a 1-bit neural network to a verified FPGA accelerator.",
        epilog=f"{EPILOG}\n{EXIT}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"onebit {__version__}")
    added = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        made = added.add_parser(
            command.name,
            help=command.text,
            description=command.text,
            epilog=f"example:\n  onebit {command.example}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        made.set_defaults(command=command.run)
        made.add_argument("--json", action="store_true", help="print the result as JSON on stdout")
        command.add_options(made)
    return parser


def _add_nothing(parser: argparse.ArgumentParser) -> None:
    """For commands that take --json alone."""


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "name", metavar="NAME", nargs="?", help="a data set, or a network for its data (all)"
    )
    parser.add_argument(
        "--download", action="store_true", help="fetch what is missing from its public address"
    )


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NET", help="a name from `onebit list`")
    parser.add_argument("--data", metavar="SET", help="instead of the recipe's data set")
    parser.add_argument("--epochs", type=int, metavar="N", help="instead of the recipe's number")
    parser.add_argument("--fresh", action="store_true", help="do not resume from the checkpoint")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for train/NET (out)")
    parser.add_argument(
        "--publish", action="store_true", help="copy model, card and plots into models/NET"
    )


def _add_compile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NET", help="a name, an .onnx file, or what train wrote")
    parser.add_argument(
        "--data",
        metavar="SET",
        help="the data set to simulate your file with, of `onebit data` (random samples)",
    )
    parser.add_argument(
        "--input",
        metavar="TYPE",
        help="what your file's samples are: uint8, uint8/255 (divided by 255), int8, bipolar, ...",
    )
    parser.add_argument("--board", default="pynq-z2", help="the board to fit (pynq-z2)")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--target-fps", type=float, metavar="N", help="images/s to reach with the least hardware"
    )
    choice.add_argument("--folding", type=Path, metavar="FILE", help="a folding.toml to build")
    choice.add_argument(
        "--style",
        choices=("folded", "hardwired"),
        default="folded",
        help="hardwired: dense 1-bit layers as logic, one image a cycle if all are (folded)",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="output folder (out/NET)")
    parser.add_argument(
        "--check", action="store_true", help="stop before anything is written; exit code tells"
    )
    share = "what a folding may take of LUTs, flip-flops, block RAMs and DSPs (80)"
    parser.add_argument("--ceiling", type=float, default=80, metavar="PERCENT", help=share)
    reasons = "print what nodes became, what limits rate and board, what is next"
    parser.add_argument("--explain", action="store_true", help=reasons)


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NET", help="a name, an .onnx file, or a folder of ours")
    parser.add_argument("--data", metavar="SET", help="a data set of `onebit data` (its own)")
    parser.add_argument("--input", metavar="TYPE", help="as in `onebit compile`")


def _add_synth(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NET", help="a network's name, or a compiled folder")
    parser.add_argument(
        "--check",
        type=int,
        nargs="?",
        const=CHECKED,
        metavar="N",
        help=f"simulate the netlist, N images against golden ({CHECKED})",
    )


def _add_bitstream(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NET", help="a network's name, or a compiled folder")
    parser.add_argument(
        "--board", metavar="NAME", help="pynq-z2, pynq-z1, arty-z7-20 (as compiled)"
    )
    parser.add_argument(
        "--tool", choices=("vivado", "openxc7"), help="the one that is installed, Vivado first"
    )
    parser.add_argument(
        "--clock", type=float, metavar="MHZ", help="of the accelerator: FCLK0 (as compiled)"
    )
    parser.add_argument(
        "--chipdb",
        type=Path,
        metavar="FILE",
        help="nextpnr's database of the part ($NEXTPNR_XILINX_CHIPDB)",
    )
    parser.add_argument(
        "--prjxray-db",
        type=Path,
        metavar="DIR",
        help="prjxray's database, which holds zynq7/ ($PRJXRAY_DB_DIR)",
    )


def _add_summary(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NET", help="a name, an .onnx file, or a folder of ours")
    parser.add_argument("--input", metavar="TYPE", help="as in `onebit compile`")


def _add_models(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--check", action="store_true", help="write nothing; exit code 1 if a page is out of date"
    )


def _add_report(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NET", help="a network's name, or a compiled folder")
    parser.add_argument("--finn", action="store_true", help="FINN's estimates beside ours")


def _add_deploy(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "network", metavar="NET", help="a network's name (compiled first if need be), or a folder"
    )
    parser.add_argument(
        "--images", type=int, default=100, metavar="N", help="samples to validate with (100)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder for the zip file (out/NET/deploy)"
    )


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "network", metavar="NET", nargs="?", default="digits-mlp", help="any name (digits-mlp)"
    )


@dataclass(frozen=True, slots=True)
class Command:
    """One word of the command line."""

    name: str
    run: Callable[[argparse.Namespace], int]
    text: str
    example: str
    add_options: Callable[[argparse.ArgumentParser], None] = _add_nothing


COMMANDS = (
    Command("list", commands.show_networks, "List the networks.", "list"),
    Command(
        "data",
        commands_data.data,
        "Say which data sets are there, what is missing and how to get it.",
        "data gtsrb --download",
        _add_data,
    ),
    Command(
        "train", commands.train, "Train a network from its recipe.", "train mnist-tfc", _add_train
    ),
    Command(
        "evaluate",
        commands_evaluate.evaluate,
        "Score a network's integer model on the test images of a data set.",
        "evaluate mnist-bcnn --data mnist",
        _add_evaluate,
    ),
    Command(
        "classify",
        commands_classify.classify,
        "Name the word in each clip of up to a second, and find words in longer recordings.",
        "classify kws-12 clip.wav meeting.wav --threshold 0.7",
        commands_classify.add_options,
    ),
    Command(
        "compile",
        commands_compile.compile_network,
        "Lower a network to an accelerator in Verilog.",
        "compile my.onnx --target-fps 100000 --out out/my",
        _add_compile,
    ),
    Command(
        "simulate",
        commands_board.simulate,
        "Stream test images through the RTL and compare every output with the network.",
        "simulate mnist-tfc --images all",
        commands_board.add_options,
    ),
    Command(
        "report",
        commands.report,
        "Show layers, rates and proof; write report.html.",
        "report mnist-tfc",
        _add_report,
    ),
    Command(
        "synth",
        commands_synth.synth,
        "Count the cells that each layer takes by Yosys, and find the longest paths.",
        "synth mnist-tfc --check 20",
        _add_synth,
    ),
    Command(
        "bitstream",
        commands_bitstream.bitstream,
        "Write the whole design for a board, and make its bitstream where the tools are.",
        "bitstream mnist-tfc --board pynq-z2 --clock 100",
        _add_bitstream,
    ),
    Command(
        "hls",
        commands_hls.hls,
        "Write the accelerator as Vitis HLS C++, and make its IP block where the tool is.",
        "hls mnist-tfc",
        commands_hls.add_options,
    ),
    Command(
        "export-c",
        commands_cpu.export_c,
        "Write the network as one C99 file, for computers, 32-bit ARM and small machines.",
        "export-c mnist-tfc",
        commands_cpu.add_export_options,
    ),
    Command(
        "bench",
        commands_cpu.bench,
        "Measure the network on this CPU, in C, onnxruntime and more, beside the FPGA.",
        "bench mnist-tfc",
        commands_cpu.add_bench_options,
    ),
    Command(
        "deploy",
        commands_deploy.deploy,
        "Pack bitstream, driver, samples and their proof into one zip file for the board.",
        "deploy mnist-tfc",
        _add_deploy,
    ),
    Command(
        "summary",
        commands_models.summary,
        "Show each layer's parameters, memory and MACs, and the float network's.",
        "summary mnist-bcnn",
        _add_summary,
    ),
    Command(
        "models",
        commands_models.models,
        "Write the pages of models/ from the cards: one a network, and their comparison.",
        "models",
        _add_models,
    ),
    Command("demo", commands.demo, "Compile, simulate and report one network.", "demo", _add_demo),
    Command("doctor", commands.doctor, "Say what is installed and what is missing.", "doctor"),
)


if __name__ == "__main__":
    sys.exit(main())

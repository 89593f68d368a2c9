"""The command line: its words and options; stdout is data, stderr is talk."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from onebit import __version__, commands
from onebit.errors import OnebitError

EPILOG = """\
start here:
  onebit demo                      a trained network through simulated hardware, with a report
  onebit list                      the networks
  onebit compile mnist-tfc         lower it to Verilog in out/mnist-tfc
  onebit simulate mnist-tfc --images all    every test image through the RTL
  onebit report mnist-tfc          a table, and out/mnist-tfc/report.html
  onebit doctor                    what is installed, and what each missing tool would unlock
"""
EXIT = "exit codes: 0 done, 1 the check failed, 2 bad input, 3 a tool is missing"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit code."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = options.command
    try:
        return command(options)
    except OnebitError as error:
        _complain(error.message, error.hint)
        return error.exit_code
    except KeyboardInterrupt:
        _complain("interrupted", "nothing is half-written; the same command starts again")
        return 130
    except BrokenPipeError:
        return 0


def _complain(message: str, hint: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    if hint:
        print(f"\nhint: {hint}", file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="onebit",
        description="Take a 1-bit neural network to a verified FPGA accelerator.",
        epilog=f"{EPILOG}\n{EXIT}",
        formatter_class=raw,
    )
    parser.add_argument("--version", action="version", version=f"onebit {__version__}")
    commands_of = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(
        name: str, command: Callable[[argparse.Namespace], int], text: str, example: str
    ) -> argparse.ArgumentParser:
        made = commands_of.add_parser(
            name, help=text, description=text, epilog=f"example:\n  {example}", formatter_class=raw
        )
        made.set_defaults(command=command)
        made.add_argument("--json", action="store_true", help="print the result as JSON on stdout")
        return made

    add("list", commands.show_networks, "List the networks.", "onebit list")
    _add_train(
        add("train", commands.train, "Train a network from its recipe.", "onebit train mnist-tfc")
    )
    _add_compile(
        add(
            "compile",
            commands.compile_network,
            "Lower a network to an accelerator in Verilog.",
            "onebit compile my.onnx --target-fps 100000 --out out/my",
        )
    )
    _add_simulate(
        add(
            "simulate",
            commands.simulate,
            "Stream test images through the RTL and compare every output with the network.",
            "onebit simulate mnist-tfc --images all",
        )
    )
    made = add(
        "report",
        commands.report,
        "Show layers, rates and proof; write report.html.",
        "onebit report mnist-tfc",
    )
    made.add_argument("network", metavar="NET", help="a network's name, or a compiled folder")
    made = add("demo", commands.demo, "Compile, simulate and report one network.", "onebit demo")
    made.add_argument("network", metavar="NET", nargs="?", default="digits-mlp")
    add("doctor", commands.doctor, "Say what is installed and what is missing.", "onebit doctor")
    return parser


def _add_train(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NET", help="a name from `onebit list`")
    parser.add_argument("--epochs", type=int, metavar="N", help="instead of the recipe's number")
    parser.add_argument("--fresh", action="store_true", help="do not resume from the checkpoint")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for train/NET (out)")
    parser.add_argument(
        "--publish", action="store_true", help="copy model, card and plots into models/NET"
    )


def _add_compile(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NET", help="a network's name, or an .onnx file")
    parser.add_argument("--board", default="pynq-z2", help="the board to fit (pynq-z2)")
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--target-fps", type=float, metavar="N", help="images/s to reach with the least hardware"
    )
    choice.add_argument("--folding", type=Path, metavar="FILE", help="a folding.toml to build")
    parser.add_argument("--out", type=Path, metavar="DIR", help="output folder (out/NET)")
    parser.add_argument(
        "--check", action="store_true", help="stop before anything is written; exit code tells"
    )
    parser.add_argument(
        "--explain", action="store_true", help="print what each node of the source became"
    )


def _add_simulate(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "network", metavar="NET", help="a network's name (compiled first if need be), or a folder"
    )
    parser.add_argument("--images", default="1000", metavar="N|all", help="how many (1000)")
    parser.add_argument(
        "--stall",
        type=int,
        default=0,
        metavar="PERCENT",
        help="pause both streams at random, in this share of the cycles (0)",
    )
    parser.add_argument("--seed", type=int, default=0, help="for pauses and random samples (0)")


if __name__ == "__main__":
    sys.exit(main())
